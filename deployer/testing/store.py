"""A store in memory."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from deployer.errors import LockedError, StoreError, UsageError
from deployer.model.run import Event, Outcome, Run, RunState, TargetResult
from deployer.model.sync import ManualWork, SyncResult, SyncStatus
from deployer.ports import CLAIM, Clock, Due
from deployer.testing.runs import FakeClock

_NEVER = datetime.max.replace(tzinfo=UTC)
_GOOD = frozenset({SyncStatus.IN_SYNC, SyncStatus.RECEIVED, SyncStatus.LANDED})


@dataclass
class _Record:
    run: Run
    results: dict[tuple[str, int], TargetResult] = field(default_factory=dict)
    events: dict[int, Event] = field(default_factory=dict)
    is_held: bool = False


class MemoryStore:
    """A store that ends with the process, with the contract of the real one.

    Args:
        clock: for when work was opened, where it does not say.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FakeClock()
        self._guard = threading.RLock()
        self._records: dict[str, _Record] = {}
        self._open: dict[str, ManualWork] = {}
        self._told: dict[str, frozenset[str]] = {}
        self._done: set[str] = set()
        self._claims: dict[str, datetime] = {}
        self._syncs: dict[str, tuple[SyncResult, datetime, datetime | None]] = {}

    @property
    def is_private(self) -> bool:
        """True: it is this process's own."""
        return True

    @contextmanager
    def begin(self, run: Run) -> Iterator[None]:
        """Record a run, which counts as running while the context lives; raises LockedError when it runs already."""
        with self._guard:
            record = self._records.setdefault(run.id, _Record(run))
            if record.is_held:
                raise LockedError(f"run {run.id} is being executed by another process")
            record.run, record.is_held = run, True
            self.record(run.id, run.results)
        try:
            yield
        finally:
            record.is_held = False

    def update(self, run: Run) -> None:
        """Record what is known of the run itself."""
        with self._guard:
            self._begun(run.id).run = run

    def record(self, run: str, results: Sequence[TargetResult]) -> None:
        """Upsert by target and attempt."""
        with self._guard:
            self._begun(run).results.update({(result.target, result.attempt): result for result in results})

    def append(self, run: str, events: Sequence[Event]) -> None:
        """Upsert by sequence."""
        with self._guard:
            self._begun(run).events.update({event.sequence: event for event in events})

    def run(self, run: str) -> Run:
        """One run by id, a unique beginning of it, or `last`; raises UsageError."""
        newest = [found.id for found in self.runs(limit=len(self._records))]
        found = newest[:1] if run == "last" else [run_id for run_id in newest if run and run_id.startswith(run)]
        found = [run] if run in found else found
        if len(found) > 1:
            raise UsageError(f"several runs begin with {run}", hint=f"Some of them: {', '.join(found[:3])}")
        if not found:
            hint = f"The newest: {', '.join(newest[:3])}" if newest else "No run was recorded yet"
            raise UsageError(f"there is no run {run!r}", hint=hint)
        with self._guard:
            return self._read(self._records[found[0]])

    def runs(self, *, limit: int = 20, site: str = "", operation: str = "") -> tuple[Run, ...]:
        """The newest runs first."""
        with self._guard:
            runs = [self._read(record) for record in self._records.values()]
        runs = [run for run in runs if (not site or site in run.sites) and operation in {"", run.operation}]
        return tuple(sorted(runs, key=lambda run: (run.started, run.id), reverse=True)[:limit])

    def events(self, run: str, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """Events with a higher sequence than `after`, in order."""
        with self._guard:
            events = self._records[run].events if run in self._records else {}
            return tuple(events[number] for number in sorted(events) if number > after)[:limit]

    def open_work(self, work: ManualWork) -> bool:
        """Record manual work; False when it was open already."""
        with self._guard:
            known = self._open.get(work.id)
            since = known.since if known else work.since or self._clock.now()
            self._open[work.id] = replace(work, since=since)
            return known is None

    def claim_work(self, now: datetime | None = None) -> tuple[Due, ...]:
        """Open work that not everybody was told of yet."""
        moment = now or self._clock.now()
        with self._guard:
            claimed = {work for work, since in self._claims.items() if since >= moment - CLAIM}
            due = [work for work in self._open.values() if work.id not in self._done | claimed]
            self._claims.update((work.id, moment) for work in due)
            return tuple(Due(work, self._told.get(work.id, frozenset())) for work in due)

    def record_told(self, work: str, to: Collection[str], *, done: bool) -> None:
        """Who was told so far."""
        with self._guard:
            self._claims.pop(work, None)
            self._told[work] = frozenset(to)
            self._done |= {work} if done else set()

    def close_work(self, host: str, path: str, *, keep: str = "") -> int:
        """Close what is open for a clone; how many."""
        with self._guard:
            of_clone = [work.id for work in self._open.values() if (work.host, work.path) == (host, path)]
            closed = [work for work in of_clone if work != keep]
            for work in closed:
                del self._open[work]
                self._told.pop(work, None)
                self._claims.pop(work, None)
                self._done.discard(work)
            return len(closed)

    def attention(self) -> tuple[ManualWork, ...]:
        """Open manual work, oldest first."""
        with self._guard:
            return tuple(sorted(self._open.values(), key=lambda work: (work.since or _NEVER, work.id)))

    def record_sync(self, site: str, result: SyncResult, time: datetime) -> None:
        """Remember the last sync of a site, and the last good one."""
        with self._guard:
            known = self._syncs.get(site)
            if known is None or known[1] <= time:
                last_good = known[2] if known else None
                self._syncs[site] = (result, time, time if result.status in _GOOD else last_good)

    def last_syncs(self) -> Mapping[str, tuple[SyncResult, datetime, datetime | None]]:
        """Site -> last result, its time, and the time of the last good one."""
        with self._guard:
            return dict(sorted(self._syncs.items()))

    def _begun(self, run: str) -> _Record:
        if run not in self._records:
            raise StoreError(f"run {run} was never begun")
        return self._records[run]

    def _read(self, record: _Record) -> Run:
        if record.run.state is RunState.RUNNING and not record.is_held:
            self._interrupt(record)
        latest: dict[str, TargetResult] = {}
        for result in sorted(record.results.values(), key=lambda result: result.attempt):
            latest[result.target] = result
        places = dict.fromkeys(target for target, _ in record.results)
        return replace(record.run, results=tuple(latest[target] for target in places))

    def _interrupt(self, record: _Record) -> None:
        last_told = max((event.time for event in record.events.values()), default=None)
        record.run = replace(record.run, state=RunState.INTERRUPTED, ended=record.run.ended or last_told)
        for key, result in record.results.items():
            if result.ended is None and result.outcome not in {Outcome.HELD, Outcome.SKIPPED}:
                record.results[key] = replace(result, outcome=Outcome.INTERRUPTED)
