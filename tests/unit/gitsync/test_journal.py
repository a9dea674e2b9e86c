"""The journal and the locks of a clone: what a crash or a power cut leaves does no harm."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from deployer.gitsync.remote.journal import MOST_ATTEMPTS, Journal, held, lock_file, release_leftovers, unlock_file
from tests.budget.pace import limit


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Our folder in a clone."""
    folder = tmp_path / ".git" / "deployer"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("data", [b"", b'{"adopt": {"bra', b"\0\0\0\0", b"[]"])
def test_a_journal_that_a_power_cut_broke_is_an_empty_one(own: Path, data: bytes) -> None:
    """The next sync begins as one without a crash, and writes a whole journal."""
    (own / "journal.json").write_bytes(data)

    notes = Journal(str(own))
    assert (notes.adopting, notes.undoing, notes.attempts, notes.landed) == ({}, {}, [], {})
    notes.write(landed={"head": "a", "new": "b"})

    assert Journal(str(own)).landed == {"head": "a", "new": "b"}


def test_the_last_pushes_are_remembered(own: Path) -> None:
    """Of more than are kept the oldest go: it is the last ones of which the server may have more than was heard."""
    for number in range(MOST_ATTEMPTS + 2):
        Journal(str(own)).attempt("head", f"new{number}", "", "", {})

    kept = [attempt["new"] for attempt in Journal(str(own)).attempts]
    assert kept == [f"new{number}" for number in range(2, MOST_ATTEMPTS + 2)]


def test_the_lock_names_its_present_holder(own: Path) -> None:
    """Also behind one with a longer name: whoever waits reads who it is."""
    for who in ("somebody with a very long name <somebody@example.org>", "ben"):
        with held(str(own), who, time.monotonic() + limit(300), lambda: None):
            assert json.loads((own / "lock").read_bytes())["who"] == who


def test_a_lock_that_a_person_took_meanwhile_stays_hers(own: Path) -> None:
    """Ours was removed by hand after a crash, and her git runs now: its lock is not ours to take away."""
    lock = own.parent / "index.lock"
    assert lock_file(str(own), str(lock))
    lock.unlink()
    lock.write_text("hers")

    release_leftovers(str(own))
    unlock_file(str(own), str(lock))

    assert lock.read_text() == "hers"


def test_a_lock_that_a_crash_left_is_removed(own: Path) -> None:
    """It is proved to be ours; of a branch with an odd name as well."""
    locks = [own.parent / "index.lock", own.parent / "refs" / "heads" / "a%2Fb" / "c.lock"]
    locks[1].parent.mkdir(parents=True)
    assert all(lock_file(str(own), str(lock)) for lock in locks)

    release_leftovers(str(own))

    assert not [lock for lock in locks if lock.exists()]
    assert [*(own / "tokens").iterdir()] == []
