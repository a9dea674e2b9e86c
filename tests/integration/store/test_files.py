"""The store in folders that are private, shared, unwritable, full or damaged."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.errors import StoreError
from deployer.model.run import Event, Run, RunState
from deployer.model.sync import ManualWork, SyncResult, SyncStatus
from deployer.store import SqlStore

OpenStore = Callable[..., SqlStore]


def mode(path: Path) -> str:
    """Its permissions, in octal."""
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_making_a_store_touches_nothing(tmp_path: Path) -> None:
    """The folder appears with the first call, not with the object."""
    SqlStore("", tmp_path / "state")

    assert list(tmp_path.iterdir()) == []


def test_new_folder_and_files_are_private(open_store: OpenStore, tmp_path: Path, run: Run) -> None:
    """What people deploy is nobody else's to read."""
    state = tmp_path / "deep" / "state"
    with open_store(state).begin(run):
        modes = {mode(path) for path in state.rglob("*") if path.is_file()}

    assert modes == {"0o600"}
    assert {mode(state), mode(state.parent), mode(state / "runs"), mode(state / "runs" / run.id)} == {"0o700"}


def test_shared_folder_stays_shared(open_store: OpenStore, tmp_path: Path, run: Run) -> None:
    """In a folder of a group its members write the same files, whatever the umask of the first one was."""
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o2770)
    with open_store(state).begin(run):
        modes = {mode(path) for path in state.rglob("*") if path.is_file()}

    assert modes == {"0o660"}
    assert {mode(state), mode(state / "runs"), mode(state / "runs" / run.id)} == {"0o2770"}


def test_a_reader_does_not_make_a_run_wait(open_store: OpenStore, tmp_path: Path, run: Run) -> None:
    """A long look at the record, of a backup for example, stops no write meanwhile."""
    store = open_store(tmp_path)
    with store.begin(run), closing(sqlite3.connect(tmp_path / "deployer.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        before = reader.execute("SELECT state FROM runs").fetchall()
        store.update(replace(run, state=RunState.FINISHED))
        during = reader.execute("SELECT state FROM runs").fetchall()

    assert before == during != [(RunState.FINISHED,)]
    assert store.run(run.id).state is RunState.FINISHED


def test_folder_that_cannot_be_made(open_store: OpenStore, tmp_path: Path) -> None:
    """A file where the folder should be is named, with what to do."""
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"/file: File exists") as caught:
        open_store(tmp_path / "file" / "state").runs()

    assert "DEPLOYER_STATE" in caught.value.hint


AS_NOBODY = """
import os, sys
from pathlib import Path
from deployer.errors import StoreError
from deployer.store import SqlStore
from deployer.model.run import Run
import sqlalchemy.dialects.sqlite

os.chdir(sys.argv[1])
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
try:
    SqlStore("", Path("state")).runs()
except StoreError as error:
    print(error.message, "|", error.hint)
"""


@pytest.mark.parametrize("exists", [False, True], ids=["empty folder", "store of somebody else"])
def test_unwritable_folder(open_store: OpenStore, tmp_path: Path, *, exists: bool) -> None:
    """Somebody who may not write there is told which file and how to use another folder."""
    state = tmp_path / "state"
    state.mkdir()
    if exists:
        open_store(state).runs()
    state.chmod(0o555)
    tmp_path.chmod(0o711)

    done = subprocess.run([sys.executable, "-c", AS_NOBODY, tmp_path], capture_output=True, text=True, check=False)

    state.chmod(0o755)
    assert done.stderr == ""
    assert "state/deployer.db" in done.stdout
    assert "DEPLOYER_STATE" in done.stdout


FILL = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from deployer.errors import StoreError
from deployer.model.run import Event, Run, RunState
from deployer.store import SqlStore

store, number = SqlStore("", Path(sys.argv[1])), 1
try:
    with store.begin(Run("full", "o", "e", (), (), "w", "c", datetime.now(UTC))):
        while True:
            store.append("full", [Event(number, datetime.now(UTC), "task", "x" * 5000)])
            number += 1
except StoreError as error:
    print(number - 1, error.hint)
"""


def test_full_disk_loses_nothing_that_was_recorded(open_store: OpenStore, tmp_path: Path) -> None:
    """Writing ends with an error and a hint; every event that was accepted is there, and the file is whole."""
    open_store(tmp_path).runs()
    limit = 300_000

    done = subprocess.run(
        [sys.executable, "-c", FILL, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )

    accepted, _, hint = done.stdout.partition(" ")
    assert done.stderr == ""
    assert "Make room" in hint
    assert len(open_store(tmp_path).events("full")) == int(accepted) > 0
    connection = sqlite3.connect(tmp_path / "deployer.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_damaged_file(open_store: OpenStore, tmp_path: Path) -> None:
    """A file that is no database is not overwritten."""
    file = tmp_path / "deployer.db"
    file.write_bytes(b"not a database, though long enough to look like one" * 100)

    with pytest.raises(StoreError, match=r"deployer\.db") as caught:
        open_store(tmp_path).runs()

    assert "Move the file away" in caught.value.hint
    assert file.read_bytes().startswith(b"not a database")


def test_writer_that_never_ends(
    open_store: OpenStore, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who cannot write in time hears that another process is in the way; readers are not held up."""
    monkeypatch.setattr("deployer.store.database._BUSY_SECONDS", 0)
    store = open_store(tmp_path)
    with store.begin(run):
        blocker = sqlite3.connect(tmp_path / "deployer.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreError) as caught:
            store.append(run.id, [Event(1, run.started, "task", "x")])

        assert "Another process" in caught.value.hint
        assert store.run(run.id).id == run.id
        blocker.close()


def test_database_file_of_ones_own(open_store: OpenStore, tmp_path: Path, run: Run) -> None:
    """A URL may name another file; the locks of runs are beside it, where all who read it look."""
    url = f"sqlite:///{tmp_path / 'shared' / 'runs.db'}"
    with open_store(tmp_path / "mine", url).begin(run):
        assert open_store(tmp_path / "yours", url).run(run.id).state == "running"

    assert not (tmp_path / "mine").exists()


def test_no_server_answers(open_store: OpenStore, tmp_path: Path) -> None:
    """The message names the server, and not the password."""
    url = f"postgresql+psycopg://ops:hunter2@/runs?host={tmp_path}"

    with pytest.raises(StoreError, match=r"postgresql\+psycopg://ops:\*\*\*@/runs") as caught:
        open_store(tmp_path, url).runs()

    assert "hunter2" not in caught.value.message
    assert "answers" in caught.value.hint


def spoiled(state: Path, column: str, value: object) -> None:
    """Put something else into a column of the only run."""
    with closing(sqlite3.connect(state / "deployer.db")) as database, database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute(f'UPDATE runs SET "{column}" = ?', (value,))  # noqa: S608  the column is one of ours


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", "../../../tmp/x"),
        ("id", "--help"),
        ("operation", "$(touch canary)"),
        ("environment", "prod\x1b[2J"),
        ("sites", '"fra1"'),
        ("sites", '["-x"]'),
        ("sites", "{"),
        ("instances", "[1]"),
        ("started", "yesterday"),
        ("state", "unheard-of"),
        ("params", "[]"),
        ("params", DEEP),
        ("asked", '{"options": {"raw": "-e"}}'),
        ("asked", '{"options": {"forks": true}}'),
        ("asked", '{"options": {"verbosity": 1000000000}}'),
        ("asked", '{"sets": [["version"]]}'),
        ("revisions", '{"fra1": ["aa", "--output=/tmp/x"]}'),
        ("who", "x" * ((1 << 24) + 1)),
    ],
)
def test_a_row_that_we_would_not_write_is_an_error(
    open_store: OpenStore, tmp_path: Path, run: Run, column: str, value: object
) -> None:
    """It says which field, in words that a terminal takes; nothing is done with the row."""
    store = open_store(tmp_path)
    with store.begin(run):
        pass
    spoiled(tmp_path, column, value)

    with pytest.raises(StoreError, match="the record holds a") as caught:
        store.runs()

    assert caught.value.exit_code == 1
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("path", "permissions", "is_private"),
    [
        ("state", 0o700, True),
        ("state", 0o755, True),
        ("state", 0o777, False),
        ("state", 0o2770, False),
        ("state", 0o1777, True),
        ("state/deployer.db", 0o600, True),
        ("state/deployer.db", 0o644, True),
        ("state/deployer.db", 0o660, False),
        ("state/deployer.db", 0o606, False),
        ("state/deployer.db-wal", 0o606, False),
        (".", 0o757, False),
    ],
)
def test_a_record_that_others_can_write_is_not_private(
    open_store: OpenStore, tmp_path: Path, run: Run, path: str, permissions: int, *, is_private: bool
) -> None:
    """The file, what SQLite reads beside it, and each folder in which another file could be put in its place."""
    store = open_store(tmp_path / "state")
    with store.begin(run):
        assert store.is_private
        place = tmp_path / path
        if os.geteuid() == 0:
            # A group that is nobody's own.
            os.chown(place, 0, 12345)
        place.chmod(permissions)

        assert store.is_private is is_private


def test_commands_of_others_are_not_pasted(open_store: OpenStore, tmp_path: Path) -> None:
    """Who else writes the record does not say what a person pastes; who found the work does."""
    work = ManualWork("w1", "h", "~/c", "git", "conflict", "line", "detail", ("git status",), site="fra1")
    result = SyncResult("h", "~/c", "main", SyncStatus.MANUAL, "", "", "", manual=work)
    here = open_store(tmp_path)
    here.open_work(work)
    here.record_sync("fra1", result, datetime.now(UTC))
    assert open_store(tmp_path).attention()[0].commands == work.commands
    (tmp_path / "deployer.db").chmod(0o606)

    there = open_store(tmp_path)
    (read,) = there.attention()
    (due,) = there.claim_work()
    synced = there.last_syncs()["fra1"][0].manual

    assert here.attention()[0].commands == work.commands
    assert (read.commands, due.work.commands, synced and synced.commands) == ((), (), ())
    assert read.detail.startswith("detail\n")
    assert "deployer sync fra1 shows them" in read.detail
