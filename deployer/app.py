"""The facade, and the one place where adapters are wired to the runbook.

Adapters are imported inside the factories: a command pays only for what it uses.
"""

from __future__ import annotations

import os
import secrets
import shlex
import socket
import string
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from deployer import surroundings
from deployer.errors import RefusedError, UsageError
from deployer.model.check import Verification
from deployer.model.facts import Finding
from deployer.model.options import PlaybookOptions
from deployer.model.plan import Plan
from deployer.model.run import Event, Run, RunState, TargetResult
from deployer.model.site import Inventory, Site
from deployer.model.sync import ManualWork, Snapshot, Undone
from deployer.ports import Clones, Hosts, Listener
from deployer.resources import shipped
from deployer.rollout.guards import is_harmless
from deployer.rollout.repeating import is_same_work
from deployer.rollout.request import Request, Wanted, new_run
from deployer.rollout.runbook import Approve, Parts, Runbook
from deployer.rollout.status import Status, running_versions, status_of
from deployer.rollout.stopping import StopSwitch
from deployer.rollout.syncing import SiteSync, Syncing
from deployer.rollout.syncing import sentence as sync_sentence
from deployer.rollout.telling import Telling
from deployer.rollout.verifying import Verifying
from deployer.settings import Settings, load, overrides

if TYPE_CHECKING:
    from deployer.checks.runner import TestinfraChecks
    from deployer.manifests import ManifestFormats
    from deployer.playbook.catalog import Catalog
    from deployer.sandboxes import Sandboxes
    from deployer.store import SqlStore

__all__ = [
    "Deployer",
    "PlaybookOptions",
    "Silence",
    "StopSwitch",
    "SystemClock",
    "Wanted",
    "manual_report",
    "sync_sentence",
]


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Silence:
    """A listener that tells nobody."""

    def event(self, event: Event) -> None:
        """Nothing: the store has it."""

    def result(self, result: TargetResult) -> None:
        """Nothing: the store has it."""


class Deployer:
    """Everything that the command line does, as calls.

    Args:
        sandbox: name of the sandbox to work in.
        inventory: an inventory directory, as Ansible's `-i`.
        environment: folder of the settings' `inventories`.
        settings: what to use instead of reading settings files and `DEPLOYER_*` variables.

    Raises:
        UsageError: more than one of the first three is given.
        SettingsError: a setting is unknown or cannot be used.
    """

    def __init__(
        self, *, sandbox: str = "", inventory: str | Path = "", environment: str = "", settings: Settings | None = None
    ) -> None:
        given = overrides(sandbox=sandbox, inventory=str(inventory), environment=environment)
        self.settings = settings or load(os.environ, given)[0]
        self._inventory_folder = Path(inventory) if inventory else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connections to deployer hosts and to the record of runs."""
        # Only what was used: asking for it here would make it first.
        if "_hosts" in self.__dict__:
            self._hosts.close()
        if "store" in self.__dict__:
            self.store.close()

    # What there is

    @cached_property
    def inventory(self) -> Inventory:
        """The environment, as Ansible reads it."""
        from deployer.inventory.reader import InventoryReader

        reader = InventoryReader(self.settings.state_folder / "cache", config=self.settings.ansible.config)
        return reader.read(self._folder())

    def sites(self, names: Iterable[str] = ()) -> tuple[Site, ...]:
        """The sites of these names; all for none.

        Raises:
            UsageError: no such site.
        """
        known = self.inventory.sites
        names = tuple(dict.fromkeys(names)) or tuple(known)
        if unknown := [name for name in names if name not in known]:
            raise UsageError(
                f"no such site: {', '.join(unknown)}", hint=f"{self.inventory.source} has {', '.join(known)}"
            )
        return tuple(known[name] for name in names)

    @cached_property
    def catalog(self) -> Catalog:
        """The operations: yours first, then the shipped ones."""
        from deployer.playbook.catalog import Catalog

        own = (self.settings.playbooks,) if self.settings.playbooks else ()
        return Catalog((*own, shipped("playbooks")))

    @cached_property
    def manifests(self) -> ManifestFormats:
        """Reads, changes, merges and compares manifests."""
        from deployer.manifests import ManifestFormats
        from deployer.playbook.differences import hidden_differences

        return ManifestFormats(hidden_differences)

    @cached_property
    def sandboxes(self) -> Sandboxes:
        """Throwaway sites and hosts."""
        from deployer.sandboxes import Sandboxes

        return Sandboxes(self.settings.state_folder / "sandboxes")

    # What can be done

    def redeploy(self, site: str, *instances: str, yes: bool = False) -> Run:
        """Bring instances of a site to the version that their manifests ask for; all for none named."""
        return self.run(Wanted("instance-redeploy", (site,), instances), yes=yes)

    def configure(self, site: str, *instances: str, values: Mapping[str, str], yes: bool = False) -> Run:
        """Set values in manifests, land them on the remote, and render the configuration on the hosts."""
        return self.run(Wanted("instance-configure", (site,), instances, sets=tuple(values.items())), yes=yes)

    def run(
        self,
        wanted: Wanted,
        *,
        yes: bool = False,
        approve: Approve | None = None,
        listener: Listener | None = None,
        stop: StopSwitch | None = None,
    ) -> Run:
        """Carry out an operation.

        Args:
            wanted: what, where and how.
            yes: confirms for production.
            approve: is shown run and plan before instances are touched; `yes` decides when not given.
            listener: is told what happens.
            stop: stops the run.

        Returns:
            The run as it ended; its `exit_code` says how.

        Raises:
            DeployerError: see `Runbook.carry_out`.
        """
        request = self._request(wanted)
        switch = stop or StopSwitch()
        decide = approve or (lambda _run, _plan: yes or is_harmless(request))
        run = self._runbook.carry_out(request, self._new_run(request), decide, listener or Silence(), switch)
        return self._stopped(run, switch) if switch.asked else run

    def is_running(self, wanted: Wanted, run: str) -> bool:
        """Whether a run does what is wanted already.

        Args:
            wanted: what, where and how.
            run: id of a run that goes on, by this record or another's; empty for one that is not known.
        """
        try:
            other = self.store.run(run)
        except UsageError:
            return False
        return other.id == run and is_same_work(self._new_run(self._request(wanted)), other)

    def plan(self, wanted: Wanted) -> Plan:
        """What the operation would do, to be shown: without the secrets of manifests. Nothing is locked or changed."""
        from deployer.playbook.differences import hidden_plan

        return hidden_plan(self._runbook.plan(self._request(wanted)))

    def verify(self, wanted: Wanted, *, stop: StopSwitch | None = None) -> Verification:
        """Check live instances with the operation's own checks; nothing is locked or changed.

        Raises:
            UsageError: pytest or testinfra is missing, the operation has no checks, or nothing matches.
            UnreachableError: the deployer host did not answer.
        """
        request = self._request(wanted)
        self._checks.usable(request.operation)
        return Verifying(self._syncing, self._checks).verify(request, stop or StopSwitch())

    def sync(self, *sites: str, check: bool = False, clone_missing: bool = False) -> tuple[SiteSync, ...]:
        """Bring the clones of sites and their remotes together.

        Args:
            sites: whose; all for none named.
            check: only look.
            clone_missing: make clones that are missing first.
        """
        wide = self.settings.sync.side_by_side
        return self._syncing.report(self.sites(sites), check=check, side_by_side=wide, clone_missing=clone_missing)

    def sync_clone(self, path: Path, *, check: bool = False) -> SiteSync:
        """Sync one clone on this machine, with no inventory at all.

        Raises:
            UsageError: there is no clone.
        """
        return self._syncing.report((self._site("", path),), check=check, side_by_side=1)[0]

    def snapshots(self, site: str = "", *, clone: Path | None = None) -> tuple[Snapshot, ...]:
        """What a clone was before each sync that changed it, newest first.

        Args:
            site: whose clone.
            clone: a clone on this machine instead, with no inventory at all.
        """
        return self._syncing.snapshots(self._site(site, clone))

    def undo(self, site: str = "", *, clone: Path | None = None, to: str = "", yes: bool = False) -> Undone:
        """Bring a clone back to a snapshot: branch, index and work tree. The remote stays as it is.

        Args:
            site: whose clone.
            clone: a clone on this machine instead, with no inventory at all.
            to: id of the snapshot, or a beginning that only one has; empty for the newest.
            yes: confirms for production.

        Raises:
            RefusedError: production, and not confirmed.
            DeployerError: see `ports.Clones.undo`.
        """
        if clone is None and self.inventory.is_production and not yes:
            raise RefusedError(f"{self.inventory.environment} is production", hint="yes=True confirms")
        return self._syncing.undo(self._site(site, clone), to)

    def install_merge_driver(self, folder: Path) -> tuple[str, ...]:
        """Have git merge manifests with us in a clone of this machine; the lines added to its .gitattributes.

        Raises:
            UsageError: there is no clone.
        """
        from deployer.gitsync.driver import install
        from deployer.manifests.formats import FORMATS

        return install(folder, shlex.join((sys.executable, "-P", "-m", "deployer", "merge")), FORMATS)

    def doctor(self, site: str) -> tuple[Finding, ...]:
        """What the site's deployer host has and lacks."""
        return self._hosts.doctor(self.sites((site,))[0])

    # What was done

    @cached_property
    def store(self) -> SqlStore:
        """The record of runs."""
        from deployer.store import SqlStore

        return SqlStore(self.settings.store, self.settings.state_folder)

    def status(self) -> Status:
        """Where everything stands."""
        return status_of(self.store)

    def running_versions(self) -> dict[str, str]:
        """Target -> the version that it ran when a run last saw it."""
        return running_versions(self.store, self.inventory.environment)

    def attention(self) -> tuple[ManualWork, ...]:
        """Open manual work of all sites."""
        return self.store.attention()

    # Wiring

    @cached_property
    def _hosts(self) -> Hosts:
        from deployer.hosts.factory import HostPool

        return HostPool(self.settings.ssh)

    @cached_property
    def _clones(self) -> Clones:
        from deployer.gitsync.engine import SyncEngine
        from deployer.playbook.differences import hidden_merge

        merge = hidden_merge(self.manifests.merge)
        return SyncEngine(SystemClock(), self.settings.sync, merge, self.settings.identity)

    @cached_property
    def _syncing(self) -> Syncing:
        from deployer.integrations.notifiers import notifiers

        telling = Telling(
            self.store, notifiers(self.settings.on_attention, lambda work: "\n".join(manual_report(work)))
        )
        return Syncing(self._hosts, self._clones, self.manifests, self.store, SystemClock(), telling, _who())

    @cached_property
    def _checks(self) -> TestinfraChecks:
        from deployer.checks.runner import TestinfraChecks
        from deployer.playbook.reach import AnsibleReach

        return TestinfraChecks(self.settings.checks, AnsibleReach(self.settings.ansible, self.settings.ssh))

    @cached_property
    def _runbook(self) -> Runbook:
        from deployer.engine import InlineEngine
        from deployer.hosts.locks import HostLocks
        from deployer.playbook.driver import AnsibleDriver

        settings = self.settings
        runs = settings.state_folder / "runs"
        return Runbook(
            Parts(
                hosts=self._hosts,
                locks=HostLocks(),
                manifests=self.manifests,
                syncing=self._syncing,
                driver=AnsibleDriver(runs, settings.ansible, settings.ssh, SystemClock()),
                engine=InlineEngine(),
                store=self.store,
                clock=SystemClock(),
                checks=self._checks,
                identity=settings.identity,
            )
        )

    # Small change

    def _folder(self) -> Path:
        if self._inventory_folder is not None:
            return self._inventory_folder
        if self.settings.sandbox:
            return self.sandboxes.get(self.settings.sandbox).inventory
        if self.settings.inventories is None:
            raise UsageError(
                "no inventory was named",
                hint=(
                    "name one with -i DIR or --sandbox NAME, or set `inventories` (deployer settings --origin)",
                    f"an example to start from: {shipped('inventories') / 'production'}",
                ),
            )
        return self.settings.inventories / self.settings.environment

    def _site(self, name: str, clone: Path | None) -> Site:
        """The site of this name, or of a clone on this machine."""
        from deployer.inventory.lone import lone_site

        return self.sites((name,))[0] if clone is None else lone_site(clone)

    def _request(self, wanted: Wanted) -> Request:
        from deployer.playbook.catalog import params_of
        from deployer.playbook.paths import rooted
        from deployer.playbook.records import refuse_hidden
        from deployer.playbook.sources import check_sources

        wanted = replace(wanted, options=rooted(wanted.options, surroundings.current_folder))
        refuse_hidden(wanted.params, wanted.sets, wanted.options.raw)
        check_sources(wanted.options)
        operation = self.catalog.operation(wanted.operation)
        if wanted.options.verify:
            self._checks.usable(operation)
        return Request(
            operation=operation,
            inventory=self.inventory,
            sites=self.sites(wanted.sites),
            instances=wanted.instances,
            limit=wanted.limit,
            only=frozenset(wanted.only),
            sets=wanted.sets,
            params=params_of(operation, wanted.params),
            options=wanted.options,
            arguments=wanted.arguments or (operation.command, *wanted.sites, *wanted.instances),
            retry_of=wanted.retry_of,
            who=_who(),
            controller=socket.gethostname(),
        )

    def _new_run(self, request: Request) -> Run:
        from deployer.playbook.records import without_secrets

        now = SystemClock().now()
        alphabet = string.ascii_lowercase + string.digits
        run = f"{now:%Y%m%d-%H%M%S}-{''.join(secrets.choice(alphabet) for _ in range(4))}"
        log = self.settings.state_folder / "runs" / run
        return without_secrets(new_run(request, run, now, str(log)))

    def _stopped(self, run: Run, stop: StopSwitch) -> Run:
        run = replace(run, state=RunState.INTERRUPTED, exit_code=stop.exit_code)
        self.store.update(run)
        return run


def manual_report(work: ManualWork) -> tuple[str, ...]:
    """Manual work as the lines that a person solves it from, cleaned."""
    from deployer.gitsync.manual import report_lines

    return report_lines(work)


def _who() -> str:
    return f"{surroundings.person(os.environ)}@{socket.gethostname()}"
