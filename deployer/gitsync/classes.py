"""The classes of failure: whether each is tried again, and what is said of it. One table; doc/sync.md shows the same.

Decided by exit code, by git's porcelain fields and by the state of files, refs and the remote. Text is read only where
nothing else tells ssh's or a web server's reasons apart; those patterns are of ssh and libcurl, in the C locale, and
stand in `_SSH` and `_HTTP` with the words `by text` in the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from deployer.model.json import JsonObject


class Retry(StrEnum):
    """Who may succeed by trying again."""

    NEVER = "never"
    CONTENTION = "contention"
    """Many tries, short random waits: somebody else landed first."""
    NETWORK = "network"
    """Few tries: the remote does not answer."""
    LOCK = "lock"
    """Wait for whoever is at work in the clone."""


class By(StrEnum):
    """What the class is told by."""

    STATE = "state"
    """Files, refs, or what the remote has."""
    CODE = "exit code"
    PORCELAIN = "porcelain"
    HTTP = "HTTP status"
    TEXT = "text"
    """Only a message tells, and it may change its words: then `git-failed` or `network` is what comes out."""


@dataclass(frozen=True, slots=True)
class FailureClass:
    """A class of failure."""

    kind: str
    retry: Retry
    by: By
    told: str
    """What a person is told, one or two sentences."""


_NEVER, _AGAIN, _NETWORK, _LOCK = Retry.NEVER, Retry.CONTENTION, Retry.NETWORK, Retry.LOCK
_TABLE = (
    FailureClass("conflict", _NEVER, By.CODE, "Both sides changed the same thing; a person decides which holds."),
    FailureClass(
        "dirty-overlap",
        _NEVER,
        By.STATE,
        "The remote changed files that have edits in the clone which nobody committed; they were left as they are.",
    ),
    FailureClass("unmerged", _NEVER, By.STATE, "Files in the clone are in conflict (a stash or a merge was left so)."),
    FailureClass("rebase-in-progress", _NEVER, By.STATE, "Somebody is in the middle of a rebase in the clone."),
    FailureClass("merge-in-progress", _NEVER, By.STATE, "Somebody is in the middle of a merge in the clone."),
    FailureClass(
        "cherry-pick-in-progress", _NEVER, By.STATE, "Somebody is in the middle of a cherry-pick in the clone."
    ),
    FailureClass("revert-in-progress", _NEVER, By.STATE, "Somebody is in the middle of a revert in the clone."),
    FailureClass("bisect-in-progress", _NEVER, By.STATE, "Somebody is in the middle of a bisection in the clone."),
    FailureClass(
        "am-in-progress", _NEVER, By.STATE, "Somebody is in the middle of applying mails (git am) in the clone."
    ),
    FailureClass("detached", _NEVER, By.STATE, "The clone has a commit checked out, not a branch."),
    FailureClass("wrong-branch", _NEVER, By.STATE, "The clone has another branch checked out than the inventory says."),
    FailureClass("other-remote", _NEVER, By.STATE, "The clone belongs to another remote than the inventory says."),
    FailureClass("no-remote", _NEVER, By.STATE, "The clone has no remote."),
    FailureClass("missing", _NEVER, By.STATE, "There is no clone."),
    FailureClass("exists", _NEVER, By.STATE, "Something else is where the clone should be made."),
    FailureClass("not-a-repository", _NEVER, By.STATE, "The folder is not the top of a git work tree."),
    FailureClass("no-commits", _NEVER, By.CODE, "The clone's branch has no commit yet."),
    FailureClass("no-revision", _NEVER, By.CODE, "The clone does not have that revision."),
    FailureClass("empty-ref", _NEVER, By.STATE, "A ref is an empty or broken file, as a power cut leaves it."),
    FailureClass("index-missing", _NEVER, By.STATE, "The index is gone: git takes every file for deleted."),
    FailureClass("index-corrupt", _NEVER, By.STATE, "The index cannot be read."),
    FailureClass("bad-config", _NEVER, By.CODE, "A configuration file of git cannot be read."),
    FailureClass("ownership", _NEVER, By.STATE, "The clone belongs to another user, so git refuses to work in it."),
    FailureClass("permission", _NEVER, By.STATE, "A file cannot be read or written by this user."),
    FailureClass("disk-full", _NEVER, By.STATE, "There is not enough room on the disk of the clone."),
    FailureClass("too-large", _NEVER, By.STATE, "Something there is larger than a limit, so it was not looked at."),
    FailureClass("identity", _NEVER, By.CODE, "The deployer host has no name and mail to commit with."),
    FailureClass("no-git", _NEVER, By.CODE, "git is missing, or older than 2.39."),
    FailureClass(
        "force-pushed", _NEVER, By.STATE, "The remote's history was rewritten: commits that the clone has are gone."
    ),
    FailureClass(
        "unrelated-history", _NEVER, By.CODE, "The remote has a history that has nothing in common with the clone."
    ),
    FailureClass("branch-gone", _NEVER, By.CODE, "The branch is no longer on the remote."),
    FailureClass("remote-gone", _NEVER, By.CODE, "The remote is not there, or no repository."),
    FailureClass("auth", _NEVER, By.TEXT, "The remote refused the login."),
    FailureClass(
        "host-key", _NEVER, By.TEXT, "The remote's host key is unknown or has changed; it is never accepted unseen."
    ),
    FailureClass("server-refused", _NEVER, By.PORCELAIN, "The server refused the push; its own words are below."),
    FailureClass(
        "stale-server-lock",
        _NEVER,
        By.PORCELAIN,
        "The server's ref is locked, again and again, and nobody moves it: a lock was left there.",
    ),
    FailureClass("push-hook", _NEVER, By.CODE, "A pre-push hook of the deployer host refused the push."),
    FailureClass("stale-lock", _NEVER, By.STATE, "A lock of git is there, it is old, and no process seems to hold it."),
    FailureClass("git-failed", _NEVER, By.CODE, "git failed in a way that has no class; its own words are below."),
    FailureClass("lost-race", _AGAIN, By.STATE, "Somebody else landed first, again and again."),
    FailureClass("server-lock", _AGAIN, By.PORCELAIN, "The server's ref is locked."),
    FailureClass("network", _NETWORK, By.TEXT, "The remote does not answer."),
    FailureClass("timeout", _NETWORK, By.STATE, "The remote did not answer in time."),
    FailureClass("server-trouble", _NETWORK, By.HTTP, "The server has trouble of its own."),
    FailureClass("lock", _LOCK, By.STATE, "Somebody is at work in the clone (a lock of git is there)."),
    FailureClass("locked", _LOCK, By.STATE, "Another sync is at work in the clone."),
)
CLASSES: Mapping[str, FailureClass] = {entry.kind: entry for entry in _TABLE}

_SSH = (
    ("host-key", r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|No \S+ host key is known"),
    ("auth", r"Permission denied|Too many authentication failures|no matching (host key|key exchange)"),
)
_HTTP = (
    ("auth", r"could not read (Username|Password)|Authentication failed|returned error: (401|403|407)"),
    ("remote-gone", r"repository '.*' not found|returned error: 404|not valid: is this a git repository"),
    ("server-trouble", r"returned error: (429|5\d\d)|rate limited by"),
)
_SERVER_LOCK = r"failed to update ref|incorrect old value provided|cannot lock ref|reference already exists"
_DISK_FULL = r"^(?!remote: ).*(No space left on device|Disk quota exceeded|Out of diskspace)"
"""Of the C library and of git 2.39 to 2.55; needed where there is room again by the time that we look."""
_NO_MEMORY = r"^(?!remote: )(fatal|error): .*([Oo]ut of memory|mmap failed: Cannot allocate memory)"
"""Of git 2.39 to 2.55: it met the limit of memory that our helper has."""
_SSH_FAILED = 255
_FACTS = (
    ("is_page", "remote-gone"),
    ("path_missing", "remote-gone"),
    ("branch_missing", "branch-gone"),
    ("disk_full", "disk-full"),
    ("denied", "permission"),
    ("untrusted", "host-key"),
)
_HIDDEN = frozenset({"disk-full", "too-large"})
"""Classes that may lie behind a failure of git that has none of its own."""
_TOO_MANY, _TROUBLE = 429, 500
_STATUSES = {401: "auth", 403: "auth", 407: "auth", 404: "remote-gone", 410: "remote-gone", 413: "server-refused"}
_GIT = r"^fatal: remote error: "
"""What a git daemon says, where it says anything: of a repository that it does not have or does not let us write to."""


def classify(failure: JsonObject) -> FailureClass:
    """Name the class of what stopped a step.

    Args:
        failure: the evidence, as deployer.gitsync.remote answers it.
    """
    said = str(failure.get("kind") or "")
    if said == "git-failed" and _kind(failure) in _HIDDEN:
        said = _kind(failure)
    return CLASSES[said] if said in CLASSES else CLASSES[_kind(failure)]


def _kind(failure: JsonObject) -> str:
    known = failure.get("facts")
    facts: JsonObject = {**(known if isinstance(known, Mapping) else {}), "is_page": failure.get("is_page")}
    if facts.get("moved"):
        return "lost-race"
    if "rejected" in facts:
        return _rejected(str(facts["rejected"]), str(facts.get("reason", "")))
    for fact, kind in _FACTS:
        if facts.get(fact):
            return kind
    if failure.get("timed_out"):
        return "timeout"
    if lacking := _lacking(failure):
        return lacking
    return "push-hook" if _is_silent_push(failure) else _transport(failure, facts)


def _lacking(failure: JsonObject) -> str:
    """The class of a git that says it had no memory or no room; empty for any other."""
    said = str(failure.get("stderr") or "")
    if re.search(_NO_MEMORY, said, re.MULTILINE):
        return "too-large"
    return "disk-full" if not _is_push(failure) and re.search(_DISK_FULL, said, re.MULTILINE) else ""


def _is_silent_push(failure: JsonObject) -> bool:
    """A refused ref gives a porcelain line, a broken answer `Done`; with neither a hook ended the push before it."""
    return _is_push(failure) and failure.get("exit") == 1 and not failure.get("stdout")


def _is_push(failure: JsonObject) -> bool:
    argv = failure.get("argv")
    return isinstance(argv, list) and "push" in argv


def _rejected(who: str, reason: str) -> str:
    """The remote's tip did not move, and yet the ref was not updated."""
    if who != "remote rejected":
        return "lost-race" if who == "rejected" else "network"
    # These words are the reason field of the porcelain line; git changed them in 2.51.
    return "server-lock" if re.search(_SERVER_LOCK, reason) else "server-refused"


def _transport(failure: JsonObject, facts: JsonObject) -> str:
    scheme, text = str(facts.get("scheme", "")), str(failure.get("stderr") or "")
    if scheme == "ssh":
        return _ssh(failure, facts, text)
    if scheme == "http":
        return _http(failure.get("http_status"), text)
    if scheme == "git":
        return _no(failure, facts) if re.search(_GIT, text, re.MULTILINE) else "network"
    return _local(failure, facts) if scheme else "git-failed"


def _http(status: object, text: str) -> str:
    if isinstance(status, int) and (status == _TOO_MANY or status >= _TROUBLE):
        return "server-trouble"
    if isinstance(status, int) and status in _STATUSES:
        return _STATUSES[status]
    return next((kind for kind, pattern in _HTTP if re.search(pattern, text)), "network")


def _ssh(failure: JsonObject, facts: JsonObject, text: str) -> str:
    ssh_exit = failure.get("ssh_exit")
    if ssh_exit == _SSH_FAILED or ssh_exit is None:
        return next((kind for kind, pattern in _SSH if re.search(pattern, text)), "network")
    # The login worked: the other side's git said no (128), is not installed (127), or the line was cut (0).
    return _no(failure, facts) if ssh_exit in (1, 127, 128) else "network"


def _no(failure: JsonObject, facts: JsonObject) -> str:
    """The other side said no: to everybody, or to a push only."""
    if not facts.get("answers"):
        return "remote-gone"
    return "server-refused" if _is_push(failure) else "network"


def _local(failure: JsonObject, facts: JsonObject) -> str:
    if failure.get("exit") != 128:  # noqa: PLR2004  git's code for "no session"
        return "git-failed"
    # A remote that answers at once, and did not a moment ago: its git died.
    return "network" if facts.get("answers") else "remote-gone"
