"""Bring the schema of a database to the newest version, however many processes want that at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, inspect, select, text

from deployer.errors import StoreError
from deployer.folders import make_private_file
from deployer.store.tables import SCHEMA_VERSION

_ADVISORY_KEY = 0x6465706C6F796572  # "deployer" in ASCII: any number will do that nobody else uses


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    version: int
    name: str
    statements: tuple[str, ...]


class Migrations:
    """The steps that a database lacks.

    Args:
        engine: of the database.
        file: the SQLite file; None for a server.
    """

    def __init__(self, engine: Engine, file: Path | None) -> None:
        self._engine = engine
        self._file = file

    def run(self) -> None:
        """Apply what is missing, in one transaction.

        Raises:
            StoreError: the database was made by a newer program.
        """
        with self._engine.begin() as connection:
            if self._found(connection) == max(migrations()):
                return
        with _locked(self._file) if self._file else nullcontext():
            if self._file:
                self._write_ahead()
            with self._engine.execution_options(deployer_writes=True).begin() as connection:
                self._apply(connection)

    def _found(self, connection: Connection) -> int:
        found, newest = _version(connection), max(migrations())
        if found > newest:
            raise StoreError(
                f"the record of runs has schema {found}, and this program knows {newest}",
                hint="A newer deployer works on it: use that one, or another state folder (DEPLOYER_STATE=/path)",
            )
        return found

    def _write_ahead(self) -> None:
        """Readers and the writer do not wait for each other; the file remembers it."""
        connection = self._engine.raw_connection()  # without a transaction, in which the mode cannot change
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()

    def _apply(self, connection: Connection) -> None:
        if self._file is None:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_KEY})
        # Another process may have done it while this one waited for the lock: it is looked up again.
        found = self._found(connection)
        SCHEMA_VERSION.create(connection, checkfirst=True)
        for version, migration in migrations().items():
            if version > found:
                for statement in migration.statements:
                    connection.exec_driver_sql(statement)
                row = {"version": version, "name": migration.name, "applied": datetime.now(UTC)}
                connection.execute(insert(SCHEMA_VERSION).values(row))


@cache
def migrations() -> Mapping[int, Migration]:
    """Every step that this program knows, by version, in order."""
    folder = files("deployer.store.migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    steps = (_parsed(name, (folder / name).read_text(encoding="utf-8")) for name in names)
    return {step.version: step for step in steps}


def _parsed(file_name: str, script: str) -> Migration:
    """A statement ends with a semicolon at the end of a line; comments have lines of their own."""
    number, _, name = file_name.removesuffix(".sql").partition("_")
    lines = [line for line in script.splitlines() if line.strip() and not line.startswith("--")]
    statements = "\n".join(lines).split(";\n")
    return Migration(int(number), name, tuple(statement.rstrip(";\n") for statement in statements if statement.strip()))


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table(SCHEMA_VERSION.name):
        return 0
    versions = connection.execute(select(SCHEMA_VERSION.c.version)).scalars().all()
    return max(versions, default=0)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """One process at a time switches to WAL and migrates.

    The lock has a file of its own: closing the database's file would end SQLite's locks in this whole process.
    """
    lock = file.with_name(f"{file.name}.lock")
    make_private_file(lock)
    descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
