"""The schema, from every version to the newest."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from deployer.errors import StoreError
from deployer.model.run import Event, Outcome, Run, RunState, TargetResult
from deployer.store import SqlStore, migrate, tables

OpenStore = Callable[[Path], SqlStore]
OLD = Run(
    id="20261119-010000-old1",
    operation="instance-redeploy",
    environment="production",
    sites=("fra1",),
    instances=(),
    who="cron",
    controller="box",
    started=datetime(2026, 11, 19, 1, tzinfo=UTC),
    state=RunState.FINISHED,
    arguments=("redeploy", "fra1"),
    revisions={"fra1": ("aa", "bb")},
    ended=datetime(2026, 11, 19, 1, 2, 3, 4, tzinfo=UTC),
    exit_code=3,
    results=(
        TargetResult(
            target="viatris.fra1",
            site="fra1",
            outcome=Outcome.FAILED,
            running="A",
            version_before="A",
            version_after="B",
            error="never healthy",
            task="wait",
            started=datetime(2026, 11, 19, 1, 0, 10, tzinfo=UTC),
            ended=datetime(2026, 11, 19, 1, 2, tzinfo=UTC),
        ),
    ),
    log="/log",
)


def versions(folder: Path) -> list[int]:
    """The steps that were applied."""
    with closing(sqlite3.connect(folder / "deployer.db")) as connection:
        return [version for (version,) in connection.execute("SELECT version FROM schema_version ORDER BY version")]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with the record of the first version."""
    with closing(sqlite3.connect(tmp_path / "deployer.db")) as connection:
        connection.executescript(Path(__file__).with_name("schema_1.sql").read_text())
    return tmp_path


def test_older_record_is_read_and_written(open_store: OpenStore, old: Path) -> None:
    """The rows of an older program are there after the migration, and what is new works."""
    store = open_store(old)

    assert store.runs() == (OLD,)
    assert store.events(OLD.id) == (Event(1, datetime(2026, 11, 19, 1, 0, 1, tzinfo=UTC), "message", "began"),)
    assert store.attention() == ()
    assert versions(old) == list(migrate.migrations())


def test_newer_record_is_refused(open_store: OpenStore, tmp_path: Path) -> None:
    """An older program neither reads nor changes what a newer one made."""
    open_store(tmp_path).runs()
    with closing(sqlite3.connect(tmp_path / "deployer.db")) as connection, connection:
        connection.execute("INSERT INTO schema_version VALUES (9999, 'later', '2030-01-01T00:00:00.000000+00:00')")

    with pytest.raises(StoreError, match="has schema 9999") as caught:
        open_store(tmp_path).runs()

    assert "newer deployer" in caught.value.hint


def test_migration_that_fails_changes_nothing(
    open_store: OpenStore, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All steps that are missing are applied, or none; the next try starts from the same place."""
    broken = migrate.Migration(9999, "broken", ("CREATE TABLE extra (id TEXT)", "CREATE TABLE runs (id TEXT)"))
    steps = {**migrate.migrations(), 9999: broken}
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "migrations", lambda: steps)
        with pytest.raises(StoreError, match="already exists"):
            open_store(old).runs()
    assert versions(old) == [1]

    assert open_store(old).runs() == (OLD,)


def test_a_record_that_was_never_finished_is_made(open_store: OpenStore, tmp_path: Path) -> None:
    """The first table is there and says nothing: whoever made it came no further."""
    with closing(sqlite3.connect(tmp_path / "deployer.db")) as connection:
        connection.execute("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT, applied TEXT)")

    assert open_store(tmp_path).runs() == ()
    assert versions(tmp_path) == list(migrate.migrations())


def test_tables_are_what_the_migrations_make(open_store: OpenStore, tmp_path: Path) -> None:
    """The columns that queries are built from are those of the database."""
    open_store(tmp_path).runs()
    engine = create_engine(f"sqlite:///{tmp_path / 'deployer.db'}")
    found = inspect(engine)
    known = {table.name: {column.name for column in table.columns} for table in tables.RUNS.metadata.sorted_tables}

    assert {name: {column["name"] for column in found.get_columns(name)} for name in found.get_table_names()} == known
    engine.dispose()
