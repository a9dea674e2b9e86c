"""The backend `local`: hosts that are folders of this machine. It needs no privileges."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from deployer import surroundings
from deployer.errors import DeployerError, UnreachableError, UsageError
from deployer.model.json import JsonObject
from deployer.sandboxes import inventory_files, layout
from deployer.sandboxes.apart import Stop
from deployer.sandboxes.base import Power, Sandbox, Say
from deployer.sandboxes.content import releases, repositories
from deployer.sandboxes.content.history import VERSION
from deployer.sandboxes.content.manifest_text import Instance
from deployer.sandboxes.faults import Fault
from deployer.sandboxes.files import locked
from deployer.sandboxes.inventory_files import SiteEntry
from deployer.sandboxes.layout import SiteLayout
from deployer.sandboxes.processes import Identity, kill_session, send, wait_until_gone
from deployer.sandboxes.spread import Spread
from deployer.sandboxes.supervisor.client import ask

_START = 30.0
_END = 20.0
"""Seconds for a supervisor to end: a service may take five to end by itself."""
_PACKAGES = Path(__file__).resolve().parents[2]
"""The folder that holds our package: site-packages, or the top of a checkout."""
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "TZ", "TMPDIR")


class Local:
    """Hosts that are folders of this machine."""

    def ports(self, sandbox: Sandbox) -> int:
        """One for each instance."""
        return sandbox.total

    def create(self, sandbox: Sandbox, ports: Sequence[int], say: Say, stop: Stop) -> None:
        """Build repositories, releases, inventory, and start a supervisor per host."""
        del say  # nothing takes long
        releases.build(layout.releases(sandbox.folder))
        sites, spread, free = _sites(sandbox), Spread(sandbox), iter(ports)
        for site in sites:
            repositories.build(site, tuple(_instances(site, spread, free)), spread.form(site.name), stop)
            for folder in (site.instances_home, site.run, site.log):
                folder.mkdir(parents=True)
        inventory_files.write(sandbox.folder, [_entry(site, spread) for site in sites], {})
        stop.check()
        self.start(sandbox)

    def start(self, sandbox: Sandbox) -> None:
        """Start the supervisors that do not run; each brings back its services."""
        _start(_sites(sandbox))

    def fault(self, sandbox: Sandbox, site: str, fault: Fault) -> None:
        """Refused: what is a folder has no link."""
        raise UsageError(
            f"hosts of {sandbox.name} are folders of this machine: {site} has no link for {fault.kind}",
            hint="deployer sandbox create NAME --backend nspawn",
        )

    def power(self, sandbox: Sandbox, name: str, power: Power) -> None:
        """Stop, kill or start the supervisor of a host, and with it its services."""
        sites = {site.host_name: site for site in _sites(sandbox)}
        if name not in sites:
            raise UsageError(f"{sandbox.name} has no host {name}; it has {', '.join(sites)}")
        site = sites[name]
        if power is Power.START:
            _start((site,))
            return
        if power is Power.KILL and (supervisor := _recorded(site.run / "supervisor.json")):
            send(supervisor, signal.SIGKILL)
        _end_supervisor(site)
        _end_services(site)

    def sweep(self) -> tuple[str, ...]:
        """Nothing: a supervisor ends by itself when its folder goes."""
        return ()

    def destroy(self, sandbox: Sandbox) -> None:
        """End the supervisors and what they started."""
        for site in _sites(sandbox):
            if site.run.is_dir():
                _end_supervisor(site)
                _end_services(site)


def _start(sites: Sequence[SiteLayout]) -> None:
    with ExitStack() as stack:
        starting = [(site, stack.enter_context(_supervisor(site))) for site in sites]
        for site, process in starting:
            if error := _failure(process):
                raise DeployerError(f"the supervisor of {site.host_name} did not start: {error}")


def _sites(sandbox: Sandbox) -> tuple[SiteLayout, ...]:
    return tuple(SiteLayout(sandbox.folder, site) for site in sandbox.sites)


def _instances(site: SiteLayout, spread: Spread, ports: Iterator[int]) -> Iterator[Instance]:
    clusters = spread.clusters(site.name)
    for name, place in spread.instances(site.name):
        yield Instance(name, site.name, clusters[place], site.host_name, next(ports), VERSION)


def _entry(site: SiteLayout, spread: Spread) -> SiteEntry:
    """The site for the inventory. Its clusters have no nodes: instances run on the deployer host itself."""
    variables: JsonObject = {
        "ansible_connection": "local",
        "ansible_python_interpreter": inventory_files.interpreter(),
        "deployer_home": str(site.home),
    }
    facts: JsonObject = {
        "config_repository": inventory_files.repository(site.repository, site.remote.as_uri(), spread.form(site.name)),
        "release_store": layout.releases(site.folder).as_uri(),
        "instances_home": str(site.instances_home),
        "service_manager": "supervisor",
        "supervisor_socket": str(site.socket),
    }
    clusters: dict[str, dict[str, JsonObject]] = {
        cluster: {site.host_name: {}} for cluster in spread.clusters(site.name)
    }
    return SiteEntry(site.name, site.host_name, variables, clusters, facts)


def _supervisor(site: SiteLayout) -> subprocess.Popen[str]:
    # Without site-packages (-S) it starts in a third of the time; so it has to be told where our package is.
    kept = surroundings.chosen(os.environ, _KEPT_VARIABLES)
    return subprocess.Popen(
        [sys.executable, "-P", "-S", "-m", "deployer.sandboxes.supervisor", str(site.host)],
        cwd="/",
        env={**kept, "HOME": str(site.home), "LC_ALL": "C.UTF-8", "PYTHONPATH": str(_PACKAGES)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _failure(process: subprocess.Popen[str]) -> str:
    """Why it did not start; empty when it did."""
    try:
        _, errors = process.communicate(timeout=_START)
    except subprocess.TimeoutExpired:
        process.kill()
        return f"no answer in {_START:.0f} s"
    return errors.strip() if process.returncode else ""


def _end_supervisor(site: SiteLayout) -> None:
    # One that was killed, hangs or never came up does not answer: the record and the lock below tell which.
    with suppress(UnreachableError):
        ask(site.socket, {"do": "shutdown"}, seconds=_END)
    supervisor = _recorded(site.run / "supervisor.json")
    if supervisor and wait_until_gone([supervisor], 2.0):
        send(supervisor, signal.SIGKILL)
        wait_until_gone([supervisor], 5.0)
    with locked(site.run / "supervisor.lock", 5.0) as is_free:
        if not is_free:
            raise DeployerError(f"the supervisor of {site.host_name} cannot be ended")


def _end_services(site: SiteLayout) -> None:
    for leader in _recorded_services(site.run / "services.json"):
        for left in kill_session(leader, 5.0):
            raise DeployerError(f"process {left.pid} of {site.host_name} cannot be ended")


def _recorded(path: Path) -> Identity | None:
    record = _read(path)
    return Identity(**record) if isinstance(record, dict) and record else None


def _recorded_services(path: Path) -> Iterator[Identity]:
    services = _read(path)
    for service in services if isinstance(services, list) else ():
        if service["process"]:
            yield Identity(**service["process"])


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        # Never written, or damaged by hand: a sandbox must be destroyable all the same.
        return None
