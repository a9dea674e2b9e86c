"""The main path: what `deployer redeploy fra1` does, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from deployer.errors import DeployerError, RefusedError, UnreachableError
from deployer.model.check import TargetChecks
from deployer.model.plan import Batch, Plan, Target
from deployer.model.run import Outcome, Run, RunState, TargetResult, exit_code_of
from deployer.model.site import Site
from deployer.ports import Checks, Clock, Driver, Engine, Hosts, Listener, Locks, Manifests, PlaybookRun, Stop, Store
from deployer.rollout.changing import changes_of
from deployer.rollout.editing import changes, edited
from deployer.rollout.locking import Away, Locking
from deployer.rollout.planning import chosen, held_results, make_plan
from deployer.rollout.recorder import Recorder
from deployer.rollout.request import Request
from deployer.rollout.syncing import Synced, Syncing
from deployer.rollout.verifying import summary, verified

Approve = Callable[[Run, Plan], bool]
"""Shown the plan before anything is pushed or rolled out; False refuses, or stops where a stop was asked meanwhile."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the runbook works with."""

    hosts: Hosts
    locks: Locks
    manifests: Manifests
    syncing: Syncing
    driver: Driver
    engine: Engine
    store: Store
    clock: Clock
    checks: Checks | None = None
    """Needed where a request asks for checks."""
    identity: str = ""
    """`Name <mail>` of the commits of automation; empty for the deployer host's own."""


class Runbook:
    """Carries out requests."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._locking = Locking(parts.hosts, parts.locks, parts.syncing)

    def carry_out(self, request: Request, run: Run, approve: Approve, listener: Listener, stop: Stop) -> Run:
        """One operation from lock to exit code.

        Returns:
            The run as it ended, with one result per target.

        Raises:
            LockedError: another run works on one of the instances.
            RefusedError: not approved.
            UsageError: what was asked for matches nothing.
            UnreachableError: none of the deployer hosts answered.
        """
        recorder = Recorder(run.id, self._parts.store, self._parts.clock, listener)
        with self._parts.store.begin(run):
            try:
                run = self._work(request, run, approve, recorder, stop)
            except DeployerError as error:
                self._close(replace(run, exit_code=error.exit_code), recorder, RunState.FINISHED)
                raise
            except BaseException:
                self._close(replace(run, exit_code=1), recorder, RunState.INTERRUPTED)
                raise
            return self._close(run, recorder, RunState.FINISHED)

    def plan(self, request: Request) -> Plan:
        """What the operation would do, with nothing locked and nothing changed."""
        synced = tuple(self._parts.syncing.look(site) for site in request.sites)
        synced = self._edited(request, synced)
        plan = make_plan(request, synced, chosen(request, synced), {})
        parts = self._parts
        found = changes_of(plan, synced, parts.syncing, parts.manifests, parts.store)
        return replace(plan, changes=found, manual=tuple(one.manual for one in synced if one.manual))

    def _work(self, request: Request, run: Run, approve: Approve, recorder: Recorder, stop: Stop) -> Run:
        with self._locking.known(request, run) as (known, away):
            synced = tuple(self._synced(request, site, recorder, away, stop) for site in request.sites)
            wanted = self._edited(request, synced)
            targets = chosen(request, wanted)
            with self._locking.newcomers(request, run, targets, known) as fences:
                if not stop.asked:
                    self._ask(run, make_plan(request, wanted, targets, fences), approve, stop)
                synced = self._landed(request, synced, wanted, recorder, stop)
                plan = make_plan(request, synced, chosen(request, synced), fences)
                run = replace(run, revisions=plan.revisions)
                self._parts.store.update(run)
                recorder.expect(_not_started(plan.targets))
                recorder.settle(held_results(plan, synced))
                self._roll_out(request, run, plan, recorder, stop)
        return replace(run, exit_code=_code(recorder, run, synced))

    def _ask(self, run: Run, plan: Plan, approve: Approve, stop: Stop) -> None:
        # Who was stopped at the question did not refuse: the targets are on record as not started.
        if not approve(run, plan) and not stop.asked:
            raise RefusedError("not confirmed; nothing was rolled out", hint="--yes confirms without asking")

    def _close(self, run: Run, recorder: Recorder, state: RunState) -> Run:
        ended = replace(run, state=state, ended=self._parts.clock.now(), results=recorder.results)
        self._parts.store.update(ended)
        return ended

    # Sync

    def _synced(self, request: Request, site: Site, recorder: Recorder, away: Away, stop: Stop) -> Synced:
        synced = self._reached(request, site, away, recorder.run, only_look=request.options.check or stop.asked)
        if synced is None:
            synced = self._parts.syncing.away(site, away[site.name], request.instances)
        recorder.say("sync", f"{site.name}: {synced.text}", data={"site": site.name, "revision": synced.revision})
        return synced

    def _reached(self, request: Request, site: Site, away: Away, run: str, *, only_look: bool) -> Synced | None:
        """The site synced, or only looked at: for a check, or after a stop. None where its host does not answer."""
        if site.name in away:
            return None
        syncing = self._parts.syncing
        try:
            return syncing.look(site) if only_look else syncing.sync(site, run=run)
        except UnreachableError as error:
            away[site.name] = error
            if len(away) == len(request.sites):
                raise
            return None

    def _edited(self, request: Request, synced: tuple[Synced, ...]) -> tuple[Synced, ...]:
        """What is wanted: the same with the values set, in memory."""
        return edited(request, synced, self._parts.manifests) if request.edits else synced

    def _landed(
        self, request: Request, synced: tuple[Synced, ...], wanted: tuple[Synced, ...], recorder: Recorder, stop: Stop
    ) -> tuple[Synced, ...]:
        """The values set, committed and landed on each remote: what landed is rolled out, not what was wanted.

        After a stop nothing more is landed, and `retry` will set what is missing.
        """
        if not request.edits or request.options.check:
            return wanted
        due = changes(request, synced, self._parts.manifests, self._parts.identity)
        landed = []
        for one in synced:
            if (change := due.get(one.site.name)) and not stop.asked:
                after = self._parts.syncing.sync(one.site, change, run=recorder.run)
                recorder.say("sync", f"{one.site.name}: {after.text}", data={"revision": after.revision})
                one = replace(after, before=one.before, manual=after.manual or one.manual)  # noqa: PLW2901  the newer one
            landed.append(one)
        return tuple(landed)

    # Rollout

    def _roll_out(self, request: Request, run: Run, plan: Plan, recorder: Recorder, stop: Stop) -> None:
        for bucket in plan.buckets:
            if stop.asked:
                # They are on record as not started already.
                break
            playbooks = [_playbook(request, run, batch) for batch in bucket.batches]
            self._parts.engine.execute(playbooks, lambda playbook: self._run(playbook, recorder, stop))

    def _run(self, playbook: PlaybookRun, recorder: Recorder, stop: Stop) -> tuple[TargetResult, ...]:
        """One playbook run; where Ansible itself failed, its targets did, and the other batches go on."""
        try:
            results = self._parts.driver.run(playbook, recorder, stop)
        except DeployerError as error:
            results = tuple(_failed(target, error) for target in playbook.targets)
        if playbook.checks and self._parts.checks:
            results = verified(playbook, results, self._parts.checks, lambda one: _say(recorder, one), stop)
        recorder.settle(results)
        return results


def _say(recorder: Recorder, found: TargetChecks) -> None:
    text = "\n".join(one.text for one in found.checks if one.text)
    recorder.say("check", summary(found), target=found.target, data={"outcome": found.outcome, "text": text})


def _playbook(request: Request, run: Run, batch: Batch) -> PlaybookRun:
    return PlaybookRun(
        run=run.id,
        batch=batch.site,
        playbook=request.operation.playbook,
        inventory=request.inventory.source,
        site=next(site for site in request.sites if site.name == batch.site),
        targets=batch.targets,
        variables=request.params,
        options=request.options,
        checks=request.operation.checks if request.options.verify and not request.options.check else (),
    )


def _code(recorder: Recorder, run: Run, synced: Sequence[Synced]) -> int:
    code = exit_code_of(recorder.results, check=run.check, attention=any(one.manual for one in synced))
    # A site whose host or remote did not answer may have no known targets: the run is not complete all the same.
    is_complete = all(one.revision for one in synced)
    return code if is_complete or code not in {0, 8} else UnreachableError.exit_code


def _failed(target: Target, error: DeployerError) -> TargetResult:
    # The hint says where the full log is.
    text = f"{error.message} ({error.hints[0]})" if error.hints else error.message
    return TargetResult(target.name, target.site, Outcome.FAILED, version_after=target.version, error=text)


def _not_started(targets: Sequence[Target]) -> tuple[TargetResult, ...]:
    return tuple(TargetResult(t.name, t.site, Outcome.NOT_STARTED, version_after=t.version) for t in targets)
