"""Where everything stands, from the record of runs alone: no host is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from deployer.model.run import Run, RunState, TargetResult
from deployer.model.sync import ManualWork, SyncResult
from deployer.ports import Store

RUNS_LOOKED_AT = 200
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """A site as the record has it."""

    site: str
    """`prod/fra1`."""
    sync: SyncResult | None
    synced: datetime | None
    """When it was last tried."""
    good: datetime | None
    """When it last succeeded."""
    manual: tuple[ManualWork, ...]
    instances: tuple[TargetResult, ...]
    """The newest result of each instance that a run (not a check) was about."""


@dataclass(frozen=True, slots=True)
class Status:
    """What `deployer status` shows."""

    sites: tuple[SiteStatus, ...]
    running: tuple[Run, ...]


def status_of(store: Store) -> Status:
    """The newest that is known of every site and instance."""
    runs = store.runs(limit=RUNS_LOOKED_AT)
    syncs = store.last_syncs()
    work = store.attention()
    newest = _newest(runs)
    names = {*syncs, *newest, *(f"{item.environment}/{item.site}" for item in work if item.site)}
    sites = tuple(
        SiteStatus(
            site=name,
            sync=syncs[name][0] if name in syncs else None,
            synced=syncs[name][1] if name in syncs else None,
            good=syncs[name][2] if name in syncs else None,
            manual=tuple(item for item in work if f"{item.environment}/{item.site}" == name),
            instances=tuple(newest.get(name, {}).values()),
        )
        for name in sorted(names)
    )
    return Status(sites, tuple(run for run in runs if run.state is RunState.RUNNING))


def running_versions(store: Store, environment: str) -> dict[str, str]:
    """Target -> the version that it ran when a run last saw it; a target that no run saw is not there."""
    return _running(run for run in store.runs(limit=RUNS_LOOKED_AT) if run.environment == environment)


def _running(runs: Iterable[Run]) -> dict[str, str]:
    seen: dict[str, str] = {}
    for run in runs:
        for result in run.results:
            if result.running != UNKNOWN:
                seen.setdefault(result.target, result.running)
    return seen


def _newest(runs: tuple[Run, ...]) -> dict[str, dict[str, TargetResult]]:
    newest: dict[str, dict[str, TargetResult]] = {}
    for run in runs:
        for result in run.results if not run.check else ():
            instances = newest.setdefault(f"{run.environment}/{result.site}", {})
            known = instances.get(result.target)
            if known is None:
                instances[result.target] = replace(result, ended=result.ended or run.ended or run.started)
            elif known.running == UNKNOWN:
                # A run that did not get as far as the host says nothing of what runs there.
                instances[result.target] = replace(known, running=result.running)
    return newest
