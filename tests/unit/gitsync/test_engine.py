"""What the engine makes of a sync's tries, with a deployer host that gives the answers which a test names."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest

from deployer.gitsync.engine import SERVER_LOCKS, SyncEngine
from deployer.model.json import JsonObject
from deployer.model.program import Program
from deployer.model.site import Repository
from deployer.model.sync import SyncResult, SyncStatus
from deployer.ports import Completed
from deployer.settings import SyncSettings

REPOSITORY = Repository("clusterconfig-fra1", "~/deployer/clusterconfig-fra1", "ssh://git@example.org/fra1.git")
LANDED: JsonObject = {"head": "aa", "after": "bb", "remote": "bb", "landed": [{"oid": "bb", "paths": ["v.xml"]}]}
PUSH = ["git", "push", "-q", "--porcelain", "url", "bb:refs/heads/main"]


class AnsweringHost:
    """A host whose program gives some answers, one after the other; the last one for as long as it is asked."""

    name = "fra1-prod-dep01"

    def __init__(self, answers: Sequence[JsonObject]) -> None:
        self._answers = [*answers]

    def call(self, program: Program, request: JsonObject, *, deadline: float = 120.0) -> JsonObject:
        """The next answer."""
        assert "main" in program.modules
        assert request["step"] == "sync"
        assert deadline > 0
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = 60.0) -> Completed:
        """Not needed by a sync."""
        raise NotImplementedError

    def hold(self, program: Program, request: JsonObject) -> AbstractContextManager[JsonObject]:
        """Not needed by a sync."""
        raise NotImplementedError


class StillClock:
    """Time that passes only in waits."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def now(self) -> datetime:
        """Always the same."""
        return datetime(2026, 11, 20, tzinfo=UTC)

    def monotonic(self) -> float:
        """The waits so far."""
        return self._seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds


def synced(*answers: JsonObject) -> SyncResult:
    """A sync of which each try gets one of the answers."""
    engine = SyncEngine(StillClock(), SyncSettings(seconds=1000, network_attempts=3), None, "")
    return engine.sync(AnsweringHost(answers), REPOSITORY)


def fetch_failed(*, answers: bool) -> JsonObject:
    """A fetch over ssh that broke; whether the remote answered right afterwards."""
    facts: JsonObject = {"scheme": "ssh", "answers": answers}
    return {
        "failure": {"kind": "", "argv": ["git", "fetch"], "exit": 128, "ssh_exit": 0, "stderr": "cut", "facts": facts}
    }


def server_locked(tip: str) -> JsonObject:
    """A push that the server refused for a lock, while its branch stands at a commit."""
    facts: JsonObject = {"moved": False, "rejected": "remote rejected", "reason": "failed to update ref"}
    return {"remote": tip, "failure": {"kind": "", "argv": PUSH, "exit": 1, "stdout": "!\t…\nDone", "facts": facts}}


RACE: JsonObject = {"remote": "t0", "failure": {"kind": "", "argv": PUSH, "exit": 1, "facts": {"moved": True}}}


@pytest.mark.parametrize(
    ("answered", "status", "kind"),
    [
        ([True, True, True], SyncStatus.MANUAL, "git-failed"),
        ([True, False, True], SyncStatus.RETRY_LATER, ""),
        ([False, False, True], SyncStatus.RETRY_LATER, ""),
        ([True, True, False], SyncStatus.RETRY_LATER, ""),
        ([False, False, False], SyncStatus.RETRY_LATER, ""),
    ],
)
def test_a_person_is_called_only_where_the_remote_answered_after_each_failure(
    answered: list[bool], status: SyncStatus, kind: str
) -> None:
    """One look that the remote did not answer makes it a network that comes and goes: the next sync may succeed."""
    result = synced(*(fetch_failed(answers=each) for each in answered))

    assert (result.status, result.attempts) == (status, 3)
    assert (result.manual.kind if result.manual else "") == kind
    assert bool(result.reason) == (status is SyncStatus.RETRY_LATER)
    assert result.seconds > 0


def test_one_failure_calls_nobody() -> None:
    """The remote answered right afterwards: what broke a moment ago may well work in a moment."""
    engine = SyncEngine(StillClock(), SyncSettings(seconds=1000, network_attempts=1), None, "")

    result = engine.sync(AnsweringHost([fetch_failed(answers=True)]), REPOSITORY)

    assert (result.status, result.manual, result.attempts) == (SyncStatus.RETRY_LATER, None, 1)


def test_a_lock_on_the_server_that_nobody_moves_past_is_reported() -> None:
    """After five tries: no more are made, and a person is told where to look."""
    result = synced(server_locked("t1"))

    assert result.manual is not None
    assert (result.manual.kind, result.attempts, result.revision) == ("stale-server-lock", SERVER_LOCKS, "t1")


def test_a_lock_on_the_server_of_a_branch_that_moves_is_tried_past() -> None:
    """Others land beneath it, so it is alive: the change lands at the seventh try, and nobody is called."""
    tips = ["t1", "t1", "t1", "t1", "t2", "t2"]

    result = synced(*map(server_locked, tips), LANDED)

    assert (result.status, result.attempts, result.manual) == (SyncStatus.LANDED, len(tips) + 1, None)


def test_a_branch_that_moved_long_ago_does_not_keep_a_stale_lock_from_being_reported() -> None:
    """It moved once, and then the lock was met five times at one commit."""
    result = synced(server_locked("t1"), server_locked("t2"))

    assert result.manual is not None
    assert (result.manual.kind, result.attempts, result.revision) == ("stale-server-lock", SERVER_LOCKS + 1, "t2")


def test_a_try_without_a_lock_begins_the_count_anew() -> None:
    """A lost race between two locks of the same commit: somebody works there."""
    locks = [server_locked("t1")] * (SERVER_LOCKS - 1)

    result = synced(*locks, RACE, *locks, LANDED)

    assert (result.status, result.attempts) == (SyncStatus.LANDED, 2 * len(locks) + 2)


def test_files_that_nobody_here_can_merge_are_left_to_the_program() -> None:
    """An engine without formats answers that it has none, and the program goes on with git's own merge."""
    asked: JsonObject = {"key": "k", "path": "v.xml", "base": "", "ours": "", "theirs": "", "rules": ""}

    result = synced({"needs": [asked]}, LANDED)

    assert (result.status, result.attempts) == (SyncStatus.LANDED, 1)


def test_what_a_sync_changed_is_told_from_its_first_try_on() -> None:
    """The first try was cut short while it brought the clone forward; the second finds it done, and says so."""
    cut: JsonObject = {"head": "aa", "failure": {"kind": "locked", "argv": ["flock"]}}

    result = synced(cut, {"head": "bb", "after": "bb", "remote": "bb"})

    assert (result.status, result.before, result.after) == (SyncStatus.RECEIVED, "aa", "bb")
