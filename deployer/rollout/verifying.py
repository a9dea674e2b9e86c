"""Checks of live instances: by themselves (`deployer verify`), and after a playbook run (`--verify`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from deployer.errors import DeployerError, UnreachableError
from deployer.model.check import CheckOutcome, TargetChecks, Verification
from deployer.model.plan import Target
from deployer.model.run import Outcome, TargetResult, exit_code_of
from deployer.model.site import Site
from deployer.ports import Checks, PlaybookRun, Stop
from deployer.rollout.planning import chosen
from deployer.rollout.request import Request
from deployer.rollout.syncing import Synced, Syncing

Say = Callable[[TargetChecks], None]
_DONE = frozenset({Outcome.OK, Outcome.CHANGED})


class Verifying:
    """Runs an operation's checks on the instances that a request means; nothing is locked or changed."""

    def __init__(self, syncing: Syncing, checks: Checks) -> None:
        self._syncing = syncing
        self._checks = checks

    def verify(self, request: Request, stop: Stop) -> Verification:
        """Check live instances against the manifests that the clones have.

        Raises:
            UsageError: what was asked for matches nothing, or the operation has no usable checks.
            UnreachableError: none of the deployer hosts answered.
        """
        with ThreadPoolExecutor(max(1, len(request.sites))) as pool:
            away: dict[str, UnreachableError] = {}
            synced = tuple(pool.map(lambda site: self._read(request, site, away), request.sites))
            if len(away) == len(request.sites):
                raise next(iter(away.values()))
            targets = chosen(request, synced)
            parts = pool.map(lambda one: self._site(request, one, targets, stop), synced)
            results = tuple(result for part in parts for result in part)
        code = exit_code_of(tuple(TargetResult(one.target, one.site, one.outcome) for one in results))
        # A site that is away may have no target that we know of: the answer is not complete all the same.
        code = UnreachableError.exit_code if away and not code else code
        sites = tuple(site.name for site in request.sites)
        return Verification(request.operation.name, request.inventory.environment, sites, results, code)

    def _read(self, request: Request, site: Site, away: dict[str, UnreachableError]) -> Synced:
        try:
            return self._syncing.as_it_is(site)
        except UnreachableError as error:
            away[site.name] = error
            return self._syncing.away(site, error, request.instances)

    def _site(self, request: Request, one: Synced, targets: Sequence[Target], stop: Stop) -> tuple[TargetChecks, ...]:
        meant = tuple(target for target in targets if target.site == one.site.name)
        ready = tuple(target for target in meant if not target.held)
        known = {
            target.name: TargetChecks(target.name, target.site, one.blocked, error=target.held) for target in meant
        }
        if ready:
            playbook = checks_run(request, one.site, ready)
            known |= {result.target: result for result in self._checks.run(playbook, stop)}
        return tuple(known.values())


def checks_run(request: Request, site: Site, targets: tuple[Target, ...]) -> PlaybookRun:
    """The targets of a site, as the checks see them."""
    return PlaybookRun(
        run="verify",
        batch=site.name,
        playbook=request.operation.playbook,
        inventory=request.inventory.source,
        site=site,
        targets=targets,
        variables=request.params,
        options=request.options,
        checks=request.operation.checks,
    )


def verified(
    playbook: PlaybookRun, results: Sequence[TargetResult], checks: Checks, say: Say, stop: Stop
) -> tuple[TargetResult, ...]:
    """The results of a playbook run, and its good targets checked: one whose check failed has failed.

    Args:
        playbook: the run, with the folders of its checks.
        results: of its targets.
        checks: runs them.
        say: is told of every target that was checked.
        stop: ends it.
    """
    good = {result.target for result in results if result.outcome in _DONE}
    targets = tuple(target for target in playbook.targets if target.name in good)
    if not targets:
        return tuple(results)
    try:
        found = {one.target: one for one in checks.run(replace(playbook, targets=targets), stop)}
    except DeployerError as error:
        found = {t.name: TargetChecks(t.name, t.site, Outcome.FAILED, error=error.message) for t in targets}
    for one in found.values():
        say(one)
    return tuple(_judged(result, found.get(result.target)) for result in results)


def _judged(result: TargetResult, found: TargetChecks | None) -> TargetResult:
    if found is None or found.outcome is Outcome.OK:
        return result
    return replace(result, outcome=found.outcome, error=found.error, task=f"check {found.first_failed}".strip())


def summary(found: TargetChecks) -> str:
    """`9 checks passed`, or which one failed and why: one line."""
    if found.first_failed:
        return f"check {found.first_failed}: {found.error}"
    return f"checks: {counted(found)}" if found.outcome is Outcome.OK else f"{found.outcome}: {found.error}"


def counted(found: TargetChecks) -> str:
    """`9 passed, 1 failed`."""
    counts = Counter(one.outcome for one in found.checks)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in CheckOutcome if counts[outcome])
