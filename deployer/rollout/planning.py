"""Plan: targets in buckets of batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from deployer.errors import UsageError
from deployer.model.plan import Batch, Bucket, Plan, Target
from deployer.model.run import Outcome, TargetResult
from deployer.rollout.request import Request
from deployer.rollout.select import pick
from deployer.rollout.syncing import Synced


def chosen(request: Request, synced: Sequence[Synced]) -> tuple[Target, ...]:
    """The targets that are meant, held ones among them.

    Raises:
        UsageError: a name or the limit matches nothing, a target that a retry is about is gone, or the sites have no
            instances at all.
    """
    targets = tuple(target for one in synced for target in one.instances.targets)
    if not targets and any(one.manual or not one.revision for one in synced):
        return ()
    if not targets:
        sites = ", ".join(one.site.name for one in synced)
        raise UsageError(f"no manifests in the config repository of {sites}")
    picked = pick(targets, instances=request.instances, limit=request.limit)
    return _bound(request, synced, picked) if request.only else picked


def _bound(request: Request, synced: Sequence[Synced], picked: Sequence[Target]) -> tuple[Target, ...]:
    """Those that a retry is about; what it owes to a target that is gone is never passed over in silence."""
    unread = {one.site.name for one in synced if one.manual or not one.revision}
    known = {target.name for one in synced for target in one.instances.targets}
    gone = sorted(name for name in request.only - known if name.rpartition(".")[2] not in unread)
    if gone and not request.limit:
        hint = "what is still there is retried with --limit"
        raise UsageError(f"no longer in the config repository: {', '.join(gone)}", hint=hint)
    bound = tuple(target for target in picked if target.name in request.only)
    if not bound and not unread:
        raise UsageError(f"the limit {request.limit!r} matches nothing that is owed: {', '.join(sorted(request.only))}")
    return bound


def make_plan(request: Request, synced: Sequence[Synced], targets: Sequence[Target], fences: Mapping[str, int]) -> Plan:
    """A bucket with a batch per site; who is held stands beside it.

    Args:
        request: what was asked for.
        synced: the sites, synced.
        targets: who is meant.
        fences: target name -> fencing number.
    """
    ready = [replace(target, fence=fences.get(target.name, 0)) for target in targets if not target.held]
    batches = (Batch(one.site.name, tuple(t for t in ready if t.site == one.site.name)) for one in synced)
    return Plan(
        operation=request.operation.name,
        environment=request.inventory.environment,
        buckets=(Bucket("all", tuple(batch for batch in batches if batch.targets)),),
        revisions={one.site.name: (one.before, one.revision) for one in synced},
        held=tuple(target for target in targets if target.held),
        params=request.params,
        check=request.options.check,
    )


def held_results(plan: Plan, synced: Sequence[Synced]) -> tuple[TargetResult, ...]:
    """How the targets end that are not started at all."""
    outcomes = {one.site.name: one.blocked for one in synced}
    return tuple(
        TargetResult(
            target=target.name,
            site=target.site,
            # A manifest that cannot be read needs a person even where the network failed too.
            outcome=outcomes[target.site] if target.revision in {"", "HEAD"} else Outcome.HELD,
            version_after=target.version,
            error=target.held,
        )
        for target in plan.held
    )
