"""The pieces of the store that need no database."""

from __future__ import annotations

import errno
import sqlite3
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError

from deployer.errors import SettingsError, StoreError
from deployer.store import SqlStore
from deployer.store.failures import translated
from deployer.store.migrate import migrations
from deployer.store.tables import Json, Moment, Words

DIALECT = sqlite.dialect()


def test_migrations_are_numbered_without_gaps() -> None:
    """Their numbers are 1, 2, 3 … and each has a name and statements without comments."""
    steps = migrations()

    assert list(steps) == list(range(1, len(steps) + 1))
    assert all(step.name and step.statements for step in steps.values())
    assert not any("--" in statement or ";" in statement for step in steps.values() for statement in step.statements)


def test_times_sort_as_text() -> None:
    """Every time has the same length and zone, so that the order of the text is the order of the times."""
    first = datetime(2026, 11, 20, 23, 0, tzinfo=timezone(timedelta(hours=2)))
    second = datetime(2026, 11, 20, 21, 0, 0, 1, tzinfo=UTC)

    texts = [Moment().process_bind_param(time, DIALECT) for time in (first, second)]

    assert texts == ["2026-11-20T21:00:00.000000+00:00", "2026-11-20T21:00:00.000001+00:00"]


def test_time_without_a_zone_is_refused() -> None:
    """Nobody could say later when that was."""
    with pytest.raises(ValueError, match="no time zone"):
        Moment().process_bind_param(datetime(2026, 11, 20), DIALECT)  # noqa: DTZ001  what the test is about


def test_words_are_valid_text() -> None:
    """NUL and half surrogates are replaced, all else stays."""
    assert Words().process_bind_param("Zü\0\udc80🙂\n", DIALECT) == "Zü\ufffd?🙂\n"


@pytest.mark.parametrize("url", ["mysql://ops:hunter2@db/runs", "sqlite://", "sqlite:///:memory:", "hunter2"])
def test_other_databases_are_refused(url: str, tmp_path: Path) -> None:
    """The setting is named, with the forms that it can have, and never with a password."""
    with pytest.raises(SettingsError, match="`store`") as caught:
        SqlStore(url, tmp_path)

    assert "hunter2" not in caught.value.message
    assert "postgresql+psycopg://" in caught.value.hint


def sqlite_error(code: int) -> sqlite3.OperationalError:
    """What SQLite raises, with its extended code."""
    error = sqlite3.OperationalError("said by the library")
    error.sqlite_errorcode = code
    return error


class ServerError(Exception):
    """What psycopg raises, as far as we look at it."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("said by the server\nDETAIL: more")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (sqlite_error(sqlite3.SQLITE_FULL), "Make room"),
        (sqlite_error(sqlite3.SQLITE_IOERR | 3 << 8), "Make room"),
        (sqlite_error(sqlite3.SQLITE_READONLY | 1 << 8), "Make it writable"),
        (sqlite_error(sqlite3.SQLITE_BUSY | 2 << 8), "Another process"),
        (sqlite_error(sqlite3.SQLITE_NOTADB), "Move the file away"),
        (ServerError("28P01"), "password"),
        (ServerError("3D000"), "does not exist"),
        (ServerError("42501"), "may not"),
        (ServerError("53100"), "no room"),
        (ServerError(None), "answers"),
    ],
)
def test_hint_follows_the_code(error: Exception, hint: str) -> None:
    """What to do is told by the code of the error, and only its first line is repeated."""
    with pytest.raises(StoreError, match=r"here: said by the (library|server)$") as caught, translated("here"):
        raise OperationalError("INSERT secret", {"secret": "hunter2"}, error)

    assert hint in caught.value.hint
    assert "hunter2" not in caught.value.message


def test_a_driver_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it: PostgreSQL is an extra."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(StoreError, match="psycopg") as caught:
        SqlStore("postgresql://erin@db/deployer", tmp_path).runs()

    assert "deployer-host[postgresql]" in caught.value.hint


def test_errors_of_files_name_the_file() -> None:
    """An OSError says which file, and what to do by its number."""
    with pytest.raises(StoreError, match="/state/x: No space left on device") as caught, translated("here"):
        raise OSError(errno.ENOSPC, "No space left on device", "/state/x")

    assert "Make room" in caught.value.hint


def test_what_is_a_secret_by_its_form_is_not_written() -> None:
    """Whoever wrote the text: a row of the record is read by many, and kept."""
    text = "fatal: unable to access 'https://robot:SE/CRET@h/x'"

    assert Words().process_bind_param(text, DIALECT) == "fatal: unable to access 'https://[redacted]@h/x'"
    assert "CRET" not in Json().process_bind_param(
        {"output": [text], "arguments": ["-e", "db_password=SECRET12"]}, DIALECT
    )
