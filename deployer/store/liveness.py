"""Whether the process of a run still lives: it holds a lock for as long as it does.

With SQLite that is a lock (flock) on a file beside the database. With PostgreSQL it is a lock of a session on the
server besides, which controllers on other machines see; only that one is asked there, since a file says nothing about
a run of another machine. Both end with the process, however it ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from deployer.errors import LockedError
from deployer.folders import make_private_file
from deployer.model.command import Operand, typed
from deployer.store.database import Database

_PROBES = 20
_PROBE_SECONDS = 0.05


class Liveness:
    """The locks of runs that are being executed.

    Args:
        database: where the runs are recorded.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def hold(self, run: str) -> Iterator[None]:
        """Hold the lock of a run.

        Raises:
            LockedError: another process executes this run.
            OSError: the lock file cannot be made.
        """
        with _file_lock(self._file(run), run), self._session_lock(run):
            yield

    def dead(self, connection: Connection, runs: Iterable[str]) -> frozenset[str]:
        """Those of the runs whose lock nobody holds."""
        if self._database.is_sqlite:
            return frozenset(run for run in runs if not _is_held(self._file(run)))
        held = frozenset(connection.execute(text(_HELD)).scalars())
        return frozenset(run for run in runs if _key(run) not in held)

    def _file(self, run: str) -> Path:
        return self._database.folder / "runs" / run / "alive"

    @contextmanager
    def _session_lock(self, run: str) -> Iterator[None]:
        if self._database.is_sqlite:
            yield
            return
        with self._database.session() as connection:
            if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _key(run)}).scalar():
                raise _executed_elsewhere(run)
            try:
                yield
            finally:
                # The server notices a closed connection only a moment later. One that broke has lost the lock already.
                with suppress(SQLAlchemyError):
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _key(run)})


# A lock with one 64-bit key stands in pg_locks as two halves; looking there takes no lock, so readers disturb nobody.
_HELD = """
    SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def _key(run: str) -> int:
    digest = hashlib.sha256(f"deployer run {run}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1  # positive in PostgreSQL's signed bigint


@contextmanager
def _file_lock(path: Path, run: str) -> Iterator[None]:
    make_private_file(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _take(descriptor, run)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, run: str) -> None:
    """A reader who looks whether the run lives holds the lock for an instant: that is waited for."""
    for _ in range(_PROBES):
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PROBE_SECONDS)
    raise _executed_elsewhere(run)


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except PermissionError:
        # Not for this person to judge.
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _executed_elsewhere(run: str) -> LockedError:
    return LockedError(
        f"run {run} is being executed by another process",
        hint=f"{typed('deployer', 'logs', Operand(run), '-f')} follows it",
    )
