"""What manifests say that they did not say when their instances were rolled out last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from deployer.errors import DeployerError
from deployer.model.manifest import Files
from deployer.model.merge import Difference
from deployer.model.plan import Plan
from deployer.model.run import Outcome, Run
from deployer.ports import Manifests, Store
from deployer.rollout.reading import content
from deployer.rollout.syncing import Synced, Syncing

RUNS_LOOKED_AT = 200
_DONE = frozenset({Outcome.OK, Outcome.CHANGED})

Changes = Mapping[str, tuple[Difference, ...]]
"""Target -> the change of its manifest; a target that was never rolled out is not there."""


def changes_of(plan: Plan, synced: Sequence[Synced], syncing: Syncing, manifests: Manifests, store: Store) -> Changes:
    """The change of the manifest of each target of a plan since the target was rolled out last.

    Args:
        plan: the plan.
        synced: its sites, with the manifests that are wanted now.
        syncing: reads older revisions.
        manifests: the formats.
        store: knows the revisions that were rolled out.
    """
    last = _rolled_out(store.runs(limit=RUNS_LOOKED_AT), plan.environment)
    sites = {one.site.name: one for one in synced}

    @cache
    def read(site: str, revision: str) -> Files:
        try:
            return syncing.files(sites[site].site, revision)
        except DeployerError:
            # History was rewritten, or another clone is there now: then nobody knows what was rolled out.
            return {}

    found: dict[str, tuple[Difference, ...]] = {}
    for target in plan.targets:
        before = read(target.site, last[target.name]) if target.name in last else {}
        if target.manifest in before:
            found[target.name] = _compared(target.manifest, before, sites[target.site].instances.files, manifests)
    return found


def _compared(path: str, before: Files, after: Files, manifests: Manifests) -> tuple[Difference, ...]:
    try:
        old, new = content(before, path), content(after, path)
        return () if old == new else manifests.compare(path, old, new)
    except DeployerError:
        # What was rolled out then cannot be read now: the rules of its format were others.
        return ()


def _rolled_out(runs: Sequence[Run], environment: str) -> dict[str, str]:
    """Target -> the revision that it was rolled out from last."""
    found: dict[str, str] = {}
    for target, revision in _landings(run for run in runs if run.environment == environment and not run.check):
        found.setdefault(target, revision)
    return found


def _landings(runs: Iterator[Run]) -> Iterator[tuple[str, str]]:
    for run in runs:
        for result in run.results:
            if result.outcome in _DONE and result.site in run.revisions:
                yield result.target, run.revisions[result.site][1]
