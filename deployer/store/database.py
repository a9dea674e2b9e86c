"""The database of the record: opened when first needed, brought to the newest schema."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from deployer.errors import SettingsError
from deployer.folders import is_private, make_private_file
from deployer.store.failures import translated
from deployer.store.migrate import Migrations

_BUSY_SECONDS = 30
_CONNECT_SECONDS = 10
# Both ends notice within a minute that the other one is gone: a connection that lives means a run that lives.
_KEEPALIVES = {"keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 4}


class Database:
    """SQLite in a file, or PostgreSQL.

    Args:
        url: SQLAlchemy's; empty for `deployer.db` in the folder.
        folder: the state folder.

    Raises:
        SettingsError: the URL is none, or is of another kind of database.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self._url = _parsed(url, folder)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self.folder = Path(self._url.database or "").parent if self.is_sqlite else folder
        """Where the lock files of runs are: beside a SQLite file, so that all who read it find them."""
        self.where = str(self._url.database) if self.is_sqlite else self._url.render_as_string(hide_password=True)
        self._opening = threading.Lock()
        self._engine: Engine | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the record.

        Raises:
            StoreError: the database says no.
        """
        with translated(self.where), self._opened().begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is written whole or not at all, after those of others.

        Raises:
            StoreError: the database says no.
        """
        with translated(self.where), self._opened().execution_options(deployer_writes=True).begin() as connection:
            yield connection

    @property
    def is_private(self) -> bool:
        """Whether nobody but this user (and root) can have written what is in it."""
        return self.is_sqlite and is_private(Path(self.where))

    def session(self) -> Connection:
        """A connection to PostgreSQL outside the pool, whose session locks live until it is closed."""
        connection = self._opened().connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        for setting, value in _KEEPALIVES.items():
            connection.exec_driver_sql(f"SET tcp_{setting} = {value}")
        return connection

    def close(self) -> None:
        """End every connection; the next use opens it again."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
            self._engine = None

    def _opened(self) -> Engine:
        with self._opening:
            if self._engine is None:
                self._engine = self._open()
            return self._engine

    def _open(self) -> Engine:
        engine = _sqlite(self._url) if self.is_sqlite else _postgresql(self._url)
        try:
            Migrations(engine, Path(self.where) if self.is_sqlite else None).run()
        except BaseException:
            engine.dispose()
            raise
        return engine


def _parsed(url: str, folder: Path) -> URL:
    try:
        parsed = make_url(url) if url else URL.create("sqlite", database=str(folder / "deployer.db"))
    except ArgumentError as exc:
        # The text is not repeated: it may hold a password.
        raise SettingsError("the setting `store` is no URL of a database", hint=_FORMS) from exc
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise SettingsError(f"the setting `store` cannot be {parsed.render_as_string(hide_password=True)}", hint=_FORMS)
    if url and not Path(str(parsed.database)).is_absolute():
        raise SettingsError(f"the setting `store` is a relative path: {parsed.database}", hint=_FORMS)
    return parsed


_FORMS = "It is sqlite:////absolute/path.db or postgresql+psycopg://user@host/name, or empty"


def _postgresql(url: URL) -> Engine:
    arguments = {"connect_timeout": _CONNECT_SECONDS, "application_name": "deployer", **_KEEPALIVES}
    return create_engine(url, connect_args=arguments, pool_pre_ping=True, hide_parameters=True)


def _sqlite(url: URL) -> Engine:
    make_private_file(Path(url.database or ""))
    arguments = {"timeout": _BUSY_SECONDS, "isolation_level": None}
    # As many connections as threads ask for: a full pool would make a site wait for another's slow disk.
    engine = create_engine(url, connect_args=arguments, max_overflow=-1, hide_parameters=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # With WAL a crash of the machine can lose the last commits, but never the file.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    # Python's sqlite3 starts no transaction for a SELECT, and takes the write lock too late to read before writing.
    writes = connection.get_execution_options().get("deployer_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
