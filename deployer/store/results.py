"""What became of the targets of runs, and of runs whose process died."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, func, select, update

from deployer.model.run import Outcome, RunState, TargetResult
from deployer.store.rows import from_row, to_row
from deployer.store.tables import EVENTS, RUNS, TARGETS
from deployer.store.upsert import upsert

_NEVER_STARTED = (Outcome.HELD.value, Outcome.SKIPPED.value)


def record(connection: Connection, run: str, results: Sequence[TargetResult]) -> None:
    """Upsert results by run, target and attempt; a target keeps the place in which it was first recorded."""
    if not results:
        return
    places = _places(connection, run, results)
    rows = [to_row(TARGETS, result, run=run, position=places[result.target]) for result in results]
    upsert(connection, TARGETS, rows)


def _places(connection: Connection, run: str, results: Sequence[TargetResult]) -> Mapping[str, int]:
    in_run = TARGETS.c.run == run
    named = TARGETS.c.target.in_({result.target for result in results})
    places = select(TARGETS.c.target, func.min(TARGETS.c.position)).where(in_run, named).group_by(TARGETS.c.target)
    known: dict[str, int] = {row[0]: row[1] for row in connection.execute(places)}
    last = connection.execute(select(func.max(TARGETS.c.position)).where(in_run)).scalar() or 0
    new = [target for target in dict.fromkeys(result.target for result in results) if target not in known]
    return known | {target: last + place for place, target in enumerate(new, start=1)}


def latest(connection: Connection, runs: Collection[str]) -> Mapping[str, tuple[TargetResult, ...]]:
    """Run -> the last attempt of each of its targets, in the order of the run."""
    found: dict[str, dict[str, TargetResult]] = {run: {} for run in runs}
    chosen = select(TARGETS).where(TARGETS.c.run.in_(runs))
    for row in connection.execute(chosen.order_by(TARGETS.c.position, TARGETS.c.target, TARGETS.c.attempt)).mappings():
        found[row["run"]][row["target"]] = from_row(TargetResult, row)
    return {run: tuple(results.values()) for run, results in found.items()}


def interrupt(connection: Connection, runs: Collection[str]) -> None:
    """Record that the process of these runs died: what had not ended by then was interrupted.

    A run that has ended meanwhile is left alone. When it died is known only by the last thing that it told.
    """
    running = select(RUNS.c.id).where(RUNS.c.id.in_(runs), RUNS.c.state == RunState.RUNNING.value)
    dead = connection.execute(running.with_for_update()).scalars().all()
    last_told = select(func.max(EVENTS.c.time)).where(EVENTS.c.run == RUNS.c.id).scalar_subquery()
    interrupted = {"state": RunState.INTERRUPTED.value, "ended": func.coalesce(RUNS.c.ended, last_told)}
    connection.execute(update(RUNS).where(RUNS.c.id.in_(dead)).values(interrupted))
    unfinished = (TARGETS.c.run.in_(dead), TARGETS.c.ended.is_(None), TARGETS.c.outcome.not_in(_NEVER_STARTED))
    connection.execute(update(TARGETS).where(*unfinished).values(outcome=Outcome.INTERRUPTED.value))
