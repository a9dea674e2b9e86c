"""The main path: what `deployer redeploy fra1` does, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from deployer.errors import DeployerError, RefusedError, UnreachableError
from deployer.model.plan import Batch, Plan, Target
from deployer.model.run import Outcome, Run, RunState, TargetResult, exit_code_of
from deployer.model.site import Site
from deployer.ports import Clock, Driver, Engine, Hosts, Listener, Lock, Locks, Manifests, PlaybookRun, Stop, Store
from deployer.rollout.editing import change_for, edited
from deployer.rollout.planning import chosen, held_results, make_plan
from deployer.rollout.reading import read_instances
from deployer.rollout.recorder import Recorder
from deployer.rollout.request import Request
from deployer.rollout.select import pick
from deployer.rollout.syncing import Synced, Syncing

Approve = Callable[[Run, Plan], bool]
"""Shown the plan before anything happens to an instance; False refuses."""


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
    identity: str = ""


class Runbook:
    """Carries out requests."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def carry_out(self, request: Request, run: Run, approve: Approve, listener: Listener, stop: Stop) -> Run:
        """One operation from lock to exit code.

        Returns:
            The run as it ended, with one result per target.

        Raises:
            LockedError: another run works on the site or on an instance.
            RefusedError: not approved.
            UsageError: what was asked for matches nothing.
            UnreachableError: a deployer host did not answer.
        """
        recorder = Recorder(run.id, self._parts.store, self._parts.clock, listener)
        with self._parts.store.begin(run):
            try:
                run = self._work(request, run, approve, recorder, stop)
            except BaseException as error:
                self._close(replace(run, exit_code=_code_of(error)), recorder, RunState.INTERRUPTED)
                raise
            return self._close(run, recorder, RunState.FINISHED)

    def plan(self, request: Request) -> Plan:
        """What the operation would do, with nothing locked and nothing changed."""
        synced = tuple(self._overlaid(request, self._parts.syncing.look(site)) for site in request.sites)
        return make_plan(request, synced, chosen(request, synced), {})

    def _work(self, request: Request, run: Run, approve: Approve, recorder: Recorder, stop: Stop) -> Run:
        with self._locked(request, run) as (fences, away):
            synced = tuple(self._synced(request, site, recorder, away) for site in request.sites)
            targets = chosen(request, synced)
            with self._locked_newcomers(request, run, targets, fences) as all_fences:
                plan = make_plan(request, synced, targets, all_fences)
                run = replace(run, revisions=plan.revisions)
                self._parts.store.update(run)
                recorder.expect(_not_started(plan.targets))
                recorder.settle(held_results(plan, synced))
                if not approve(run, plan):
                    raise RefusedError("not confirmed; nothing was rolled out", hint="--yes confirms without asking")
                self._roll_out(request, run, plan, recorder, stop)
        attention = any(one.manual for one in synced)
        code = exit_code_of(recorder.results, check=run.check, attention=attention)
        # A site that is away may have no target that we know of: the run is not complete all the same.
        return replace(run, exit_code=UnreachableError.exit_code if away and code in {0, 8} else code)

    def _close(self, run: Run, recorder: Recorder, state: RunState) -> Run:
        ended = replace(run, state=state, ended=self._parts.clock.now(), results=recorder.results)
        self._parts.store.update(ended)
        return ended

    # Locks

    @contextmanager
    def _locked(self, request: Request, run: Run) -> Iterator[tuple[dict[str, int], dict[str, DeployerError]]]:
        """Shared on each site, exclusive on each instance that is meant and known before the sync.

        Yields:
            The fencing number of each target, and the sites whose deployer host is away (site -> error).

        Raises:
            UnreachableError: none of the sites could be reached.
        """
        fences: dict[str, int] = {}
        away: dict[str, DeployerError] = {}
        with ExitStack() as stack:
            for site in request.sites if not request.options.check else ():
                try:
                    known = _meant(request, self._parts.syncing.peek(site).targets)
                    fences |= stack.enter_context(self._hold(run, site, known, with_site=True))
                except UnreachableError as error:
                    away[site.name] = error
            if len(away) == len(request.sites):
                raise next(iter(away.values()))
            yield fences, away

    @contextmanager
    def _locked_newcomers(
        self, request: Request, run: Run, targets: Sequence[Target], fences: dict[str, int]
    ) -> Iterator[dict[str, int]]:
        """The same, and the instances that came with the sync."""
        with ExitStack() as stack:
            for site in request.sites if not request.options.check else ():
                new = [t for t in targets if t.site == site.name and t.revision and t.name not in fences]
                if new:
                    fences = fences | stack.enter_context(self._hold(run, site, new, with_site=False))
            yield fences

    @contextmanager
    def _hold(self, run: Run, site: Site, targets: Sequence[Target], *, with_site: bool) -> Iterator[dict[str, int]]:
        names = {f"instance/{target.instance}": target.name for target in targets}
        locks = [Lock("site", exclusive=False)] if with_site else []
        locks += [Lock(name, exclusive=True) for name in names]
        host = self._parts.hosts.host(site.deployer_host)
        with self._parts.locks.hold(host, site.repository, locks, run=run.id, who=run.who) as fences:
            yield {names[lock]: fence for lock, fence in fences.items() if lock in names}

    # Sync

    def _synced(self, request: Request, site: Site, recorder: Recorder, away: dict[str, DeployerError]) -> Synced:
        try:
            synced = self._reached(request, site) if site.name not in away else None
        except UnreachableError as error:
            away[site.name] = error
            synced = None
            if len(away) == len(request.sites):
                raise
        if synced is None:
            synced = self._parts.syncing.away(site, away[site.name], request.instances)
        recorder.say("sync", f"{site.name}: {synced.text}", data={"site": site.name, "revision": synced.revision})
        return synced

    def _reached(self, request: Request, site: Site) -> Synced:
        look = request.options.check
        synced = self._parts.syncing.look(site) if look else self._parts.syncing.sync(site)
        if not request.edits:
            return synced
        return self._overlaid(request, synced) if look else self._edited(request, synced)

    def _edited(self, request: Request, synced: Synced) -> Synced:
        """The manifests of the meant instances changed, committed and landed; what landed is what is rolled out."""
        if not synced.revision:
            return synced
        targets = pick(synced.instances.targets, instances=request.instances, limit=request.limit)
        files, parts = synced.instances.files, self._parts
        change = change_for(synced.site, targets, files, request.sets, parts.manifests, parts.identity)
        if change is None:
            return replace(synced, text=f"{synced.text}; the values stand like that already")
        landed = parts.syncing.sync(synced.site, change)
        return replace(landed, before=synced.before, text=f"{synced.text}; {landed.text}")

    def _overlaid(self, request: Request, synced: Synced) -> Synced:
        """The same with the edit made in memory only: what a check rolls out and a plan shows."""
        if not request.edits or not synced.revision:
            return synced
        targets = pick(synced.instances.targets, instances=request.instances, limit=request.limit)
        files = dict(synced.instances.files)
        for target in targets:
            data = edited(synced.site, target, files, request.sets, self._parts.manifests)
            files[target.manifest] = (files[target.manifest][0], data)
        return replace(synced, instances=read_instances(synced.site, files, synced.revision, self._parts.manifests))

    # Rollout

    def _roll_out(self, request: Request, run: Run, plan: Plan, recorder: Recorder, stop: Stop) -> None:
        for bucket in plan.buckets:
            if stop.asked:
                # They are on record as not started already.
                break
            playbooks = [self._playbook(request, run, batch) for batch in bucket.batches]
            self._parts.engine.execute(playbooks, lambda playbook: self._run(playbook, recorder, stop))

    def _run(self, playbook: PlaybookRun, recorder: Recorder, stop: Stop) -> tuple[TargetResult, ...]:
        """One playbook run; where Ansible itself failed, its targets did, and the other batches go on."""
        try:
            results = self._parts.driver.run(playbook, recorder, stop)
        except DeployerError as error:
            results = tuple(_failed(target, error) for target in playbook.targets)
        recorder.settle(results)
        return results

    def _playbook(self, request: Request, run: Run, batch: Batch) -> PlaybookRun:
        options = request.options
        return PlaybookRun(
            run=run.id,
            batch=batch.site,
            playbook=request.operation.playbook,
            inventory=request.inventory.source,
            site=next(site for site in request.sites if site.name == batch.site),
            targets=batch.targets,
            variables=request.params,
            check=options.check,
            diff=options.diff,
            tags=options.tags,
            skip_tags=options.skip_tags,
            forks=options.forks,
            verbosity=options.verbosity,
            become=options.become,
            vault_ids=options.vault_ids,
            extra_arguments=options.raw,
        )


def _meant(request: Request, targets: Sequence[Target]) -> tuple[Target, ...]:
    """The known instances that the request means; a name that is not known yet may come with the sync."""
    targets = [target for target in targets if not request.only or target.name in request.only]
    known = {name for target in targets for name in (target.instance, target.name)}
    names = [name for name in request.instances if name in known]
    if request.instances and not names:
        return ()
    try:
        return pick(targets, instances=names, limit=request.limit)
    except DeployerError:
        return ()


def _failed(target: Target, error: DeployerError) -> TargetResult:
    return TargetResult(target.name, target.site, Outcome.FAILED, version_after=target.version, error=error.message)


def _not_started(targets: Sequence[Target]) -> tuple[TargetResult, ...]:
    return tuple(TargetResult(t.name, t.site, Outcome.NOT_STARTED, version_after=t.version) for t in targets)


def _code_of(error: BaseException) -> int:
    return error.exit_code if isinstance(error, DeployerError) else 1
