"""The store: runs, targets, outcomes, events and manual work in a SQL database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select, update

from deployer.errors import StoreError
from deployer.model.run import Event, Run, RunState, TargetResult
from deployer.model.sync import ManualWork, SyncResult, SyncStatus
from deployer.ports import CLAIM, Due
from deployer.store import lookup, results
from deployer.store.database import Database
from deployer.store.failures import translated
from deployer.store.foreign import mapping, without_commands
from deployer.store.liveness import Liveness
from deployer.store.rows import from_row, to_row
from deployer.store.tables import EVENTS, MANUAL_WORK, RUNS, SYNCS
from deployer.store.upsert import insert_missing, upsert

GOOD_SYNCS = frozenset({SyncStatus.IN_SYNC, SyncStatus.RECEIVED, SyncStatus.LANDED})


class SqlStore:
    """A `ports.Store` in SQLite or PostgreSQL. Making one does no I/O; its first call opens the database.

    Threads and processes may use the same database at the same time.

    Args:
        url: SQLAlchemy's URL, `sqlite:////…` or `postgresql+psycopg://…`; empty for `deployer.db` in the folder.
        folder: the state folder; made when it is not there, for its owner alone.

    Raises:
        SettingsError: the URL is none, or is of another kind of database.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self._database = Database(url, folder)
        self._liveness = Liveness(self._database)
        self._commands: dict[str, tuple[str, ...]] = {}
        """Work that this process recorded itself -> its commands."""

    def close(self) -> None:
        """End every connection to the database."""
        self._database.close()

    @property
    def is_private(self) -> bool:
        """Whether nobody but this user (and root) can have written what it holds."""
        return self._database.is_private

    @contextmanager
    def begin(self, run: Run) -> Iterator[None]:
        """Record a run; while the context lives the run counts as running, also when asked from another process.

        Raises:
            LockedError: another process executes this run.
            StoreError: the record cannot be written.
        """
        with self._held(run.id):
            with self._database.write() as connection:
                upsert(connection, RUNS, [to_row(RUNS, run)])
                results.record(connection, run.id, run.results)
            yield

    def update(self, run: Run) -> None:
        """Record what is known of the run itself now (not its results)."""
        row = to_row(RUNS, run)
        with self._database.write() as connection:
            if connection.execute(update(RUNS).where(RUNS.c.id == run.id).values(row)).rowcount == 0:
                raise StoreError(f"run {run.id} was never begun")

    def record(self, run: str, results_: Sequence[TargetResult]) -> None:
        """Upsert by run, target and attempt."""
        with self._database.write() as connection:
            results.record(connection, run, results_)

    def append(self, run: str, events: Sequence[Event]) -> None:
        """Upsert by run and sequence."""
        with self._database.write() as connection:
            upsert(connection, EVENTS, [to_row(EVENTS, event, run=run) for event in events])

    def run(self, run: str) -> Run:
        """One run with its results, by id, a unique beginning of one, or `last`; raises UsageError for none."""
        with self._database.read() as connection:
            found = lookup.find(connection, run)
        return self._runs(select(RUNS).where(RUNS.c.id == found))[0]

    def runs(self, *, limit: int = 20, site: str = "", operation: str = "") -> tuple[Run, ...]:
        """The newest runs first, with their results."""
        return self._runs(lookup.newest(limit=limit, site=site, operation=operation))

    def events(self, run: str, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """Events of a run with a higher sequence than `after`, in order."""
        chosen = select(EVENTS).where(EVENTS.c.run == run, EVENTS.c.sequence > after)
        with self._database.read() as connection:
            rows = connection.execute(chosen.order_by(EVENTS.c.sequence).limit(limit)).mappings()
            return tuple(from_row(Event, row) for row in rows)

    def open_work(self, work: ManualWork) -> bool:
        """Record manual work; False when the same was open already (its first time is kept, the rest is renewed)."""
        new = replace(work, since=work.since or datetime.now(UTC))
        self._commands[new.id] = new.commands
        row = to_row(MANUAL_WORK, new, opened=new.since, closed=None, work=new, told=None, claimed=None, told_to=[])
        with self._database.write() as connection:
            is_new = insert_missing(connection, MANUAL_WORK, row, key="id", where=MANUAL_WORK.c.closed.is_(None))
            if not is_new:
                self._renew(connection, new)
        return is_new

    def _renew(self, connection: Connection, work: ManualWork) -> None:
        is_open = and_(MANUAL_WORK.c.id == work.id, MANUAL_WORK.c.closed.is_(None))
        opened = connection.execute(select(MANUAL_WORK.c.opened).where(is_open)).scalar()
        values = {"work": replace(work, since=opened), "host": work.host, "path": work.path}
        connection.execute(update(MANUAL_WORK).where(is_open).values(values))

    def close_work(self, host: str, path: str, *, keep: str = "") -> int:
        """Close what is open for a clone, since it is in sync again or now needs the work `keep`; how many."""
        of_clone = and_(
            MANUAL_WORK.c.host == host,
            MANUAL_WORK.c.path == path,
            MANUAL_WORK.c.closed.is_(None),
            MANUAL_WORK.c.id != keep,
        )
        with self._database.write() as connection:
            return connection.execute(update(MANUAL_WORK).where(of_clone).values(closed=datetime.now(UTC))).rowcount

    def claim_work(self, now: datetime | None = None) -> tuple[Due, ...]:
        """Open work that not everybody was told of yet, claimed: no other process gets it for ten minutes."""
        moment = now or datetime.now(UTC)
        columns = MANUAL_WORK.c
        is_free = or_(columns.claimed.is_(None), columns.claimed < moment - CLAIM)
        is_due = and_(columns.closed.is_(None), columns.told.is_(None), is_free)
        claim = update(MANUAL_WORK).where(is_due).values(claimed=moment).returning(columns.work, columns.told_to)
        with self._database.write() as connection:
            rows = connection.execute(claim).all()
        return tuple(Due(self._work(work), _names(told_to)) for work, told_to in rows)

    def record_told(self, work: str, to: Collection[str], *, done: bool) -> None:
        """Who was told so far; until it is done it is due again."""
        is_open = and_(MANUAL_WORK.c.id == work, MANUAL_WORK.c.closed.is_(None))
        values = {"told_to": sorted(to), "claimed": None, "told": datetime.now(UTC) if done else None}
        with self._database.write() as connection:
            connection.execute(update(MANUAL_WORK).where(is_open).values(values))

    def attention(self) -> tuple[ManualWork, ...]:
        """Open manual work of all sites, oldest first."""
        is_open = select(MANUAL_WORK.c.work).where(MANUAL_WORK.c.closed.is_(None))
        with self._database.read() as connection:
            works = connection.execute(is_open.order_by(MANUAL_WORK.c.opened, MANUAL_WORK.c.id)).scalars()
            return tuple(self._work(work) for work in works)

    def record_sync(self, site: str, result: SyncResult, time: datetime) -> None:
        """Remember the last sync of a site, and the last good one; one older than what is known changes nothing."""
        good = time if result.status in GOOD_SYNCS else None
        if result.manual:
            self._commands[result.manual.id] = result.manual.commands
        with self._database.write() as connection:
            known = connection.execute(select(SYNCS).where(SYNCS.c.site == site).with_for_update()).mappings().first()
            if known is None or known["time"] <= time:
                last_good = good or (known["good"] if known else None)
                upsert(connection, SYNCS, [{"site": site, "time": time, "good": last_good, "result": result}])

    def last_syncs(self) -> Mapping[str, tuple[SyncResult, datetime, datetime | None]]:
        """Site -> last result, its time, and the time of the last good one."""
        with self._database.read() as connection:
            rows = connection.execute(select(SYNCS).order_by(SYNCS.c.site)).mappings()
            return {row["site"]: (self._sync(row["result"]), row["time"], row["good"]) for row in rows}

    def _work(self, row: object) -> ManualWork:
        """Manual work; with its commands only where nobody else can have written them, since a person pastes them."""
        work = from_row(ManualWork, mapping(row))
        if self.is_private:
            return work
        known = self._commands.get(work.id)
        return replace(work, commands=known) if known is not None else without_commands(work)

    def _sync(self, row: object) -> SyncResult:
        result = from_row(SyncResult, mapping(row))
        manual = mapping(row).get("manual")
        return replace(result, manual=self._work(manual)) if manual else result

    @contextmanager
    def _held(self, run: str) -> Iterator[None]:
        # Only taking and freeing the lock is translated: errors of the run itself are not the store's.
        with ExitStack() as stack:
            with translated(self._database.where):
                stack.enter_context(self._liveness.hold(run))
            yield

    def _runs(self, chosen: Select[Any]) -> tuple[Run, ...]:  # Any: SQLAlchemy's type of whole rows
        """Read runs; those that died with their process are recorded as interrupted first."""
        while True:
            with self._database.read() as connection:
                rows = connection.execute(chosen).mappings().all()
                # A file of a run's name is looked for: its name is checked first.
                running = [from_row(Run, row).id for row in rows if row["state"] == RunState.RUNNING]
                dead = self._liveness.dead(connection, running) if running else frozenset()
                if not dead:
                    ended = results.latest(connection, [row["id"] for row in rows])
                    return tuple(from_row(Run, row, results=ended[row["id"]]) for row in rows)
            with self._database.write() as connection:
                results.interrupt(connection, dead)


def _names(told_to: object) -> frozenset[str]:
    return frozenset(str(name) for name in told_to) if isinstance(told_to, list) else frozenset()
