"""The sync engine as rollout knows it: the port Clones."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from deployer.errors import AttentionError, HelperFailedError, LockedError, UnreachableError
from deployer.gitsync.bounds import limits, told
from deployer.gitsync.classes import CLASSES, FailureClass, Retry, classify
from deployer.gitsync.manual import Case, commits, manual_work, reason
from deployer.gitsync.tries import StepStoppedError, Tries
from deployer.gitsync.undoing import moment, snapshots, undone
from deployer.model.json import JsonObject, JsonValue
from deployer.model.manifest import Files, Oversized
from deployer.model.merge import RULES_FILE, Conflict
from deployer.model.site import Repository
from deployer.model.sync import Change, CloneState, Commit, ManualWork, Snapshot, SyncResult, SyncStatus, Undone
from deployer.ports import Clock, Host
from deployer.resources import program
from deployer.secrets.redactor import without_unknown
from deployer.settings import SyncSettings

REMOTE = "deployer.gitsync.remote"
MOST_ROUNDS = 200
"""Questions about files to merge in one try: each local commit may ask once."""
SERVER_LOCKS = 5
"""Tries after which a lock on the server, with a branch that does not move, is a person's business."""
GRACE = 20.0
"""Seconds beyond a step's own deadline after which the host adapter gives it up: it ends git politely first."""


class MergeOutcome(Protocol):
    """What a merge of one file came to."""

    @property
    def content(self) -> bytes | None:
        """The merged file; None with no conflicts means: not mine, merge it by lines."""

    @property
    def conflicts(self) -> Sequence[Conflict]:
        """What both sides changed; each says itself in a sentence, without the file's name."""


class Merge(Protocol):
    """Merges a file that both sides changed."""

    def __call__(self, path: str, base: bytes, ours: bytes, theirs: bytes, *, rules: bytes) -> MergeOutcome:
        """The outcome. Ours is what the clone has, or automation wants; theirs is what the remote has.

        `rules` is the content of the remote's RULES_FILE, empty where there is none.
        """


class SyncEngine:
    """Brings clones and their remotes together (implements `deployer.ports.Clones`).

    Args:
        clock: for deadlines and waits.
        settings: budgets and waits.
        merge: merges a file that both sides changed; without it git's line merge decides alone.
        identity: `Name <mail>` that commits of ours carry; empty for the deployer host's own.
    """

    def __init__(self, clock: Clock, settings: SyncSettings, merge: Merge | None, identity: str) -> None:
        self._clock = clock
        self._settings = settings
        self._merge = merge
        self._identity = identity

    def inspect(self, host: Host, repository: Repository) -> CloneState | ManualWork:
        """Fetch and compare, changing nothing but objects, refs/deployer/* and `.git/deployer/`.

        Raises:
            UnreachableError: the deployer host, or the remote from there, did not answer.
            LockedError: a sync holds the clone until the deadline.
        """
        try:
            answer = self._simple(host, repository, {"step": "inspect"})
        except StepStoppedError as stopped:
            self._raise_passing(host, repository, stopped)
            work = manual_work(_case(host, repository, stopped.answer, None), stopped.failure_class)
            return replace(work, last_good=moment(stopped.answer.get("good")))
        return CloneState(
            host=host.name,
            path=repository.path,
            branch=_text(answer, "branch"),
            head=_text(answer, "head"),
            remote=_text(answer, "remote"),
            ahead=commits(answer.get("ahead")),
            behind=commits(answer.get("behind")),
            dirty=_texts(answer.get("dirty")),
            untracked=_texts(answer.get("untracked")),
            last_good=moment(answer.get("good")),
        )

    def snapshots(self, host: Host, repository: Repository) -> tuple[Snapshot, ...]:
        """What the clone was before each sync that changed it, newest first.

        Raises:
            AttentionError: there is no clone.
            UnreachableError: the deployer host did not answer.
        """
        try:
            return snapshots(self._simple(host, repository, {"step": "snapshots"}))
        except StepStoppedError as stopped:
            raise self._error(host, repository, stopped) from stopped

    def undo(self, host: Host, repository: Repository, *, to: str = "", why: str = "") -> Undone:
        """Bring a clone back to a snapshot: branch, index and work tree. The remote stays as it is.

        Args:
            host: where the clone is.
            repository: the clone.
            to: id of the snapshot, or a beginning that only one has; empty for the newest.
            why: what the snapshot of the present will say of itself.

        Raises:
            UsageError: there is no such snapshot.
            AttentionError: a person is in the middle of something in the clone.
            LockedError: a sync or a git is at work in it.
            UnreachableError: the deployer host did not answer.
        """
        try:
            answer = self._simple(host, repository, {"step": "undo", "to": to, "why": why})
        except StepStoppedError as stopped:
            raise self._error(host, repository, stopped) from stopped
        return undone(host.name, repository, answer, to)

    def sync(self, host: Host, repository: Repository, change: Change | None = None, *, why: str = "") -> SyncResult:
        """Bring the clone and its remote together without losing anything of either.

        Args:
            host: where the clone is.
            repository: the clone.
            change: a commit of automation.
            why: what the snapshot says that is taken before the clone is changed.

        Returns:
            What was done. `change` is the commit of automation as it landed; where all that it wants stands on the
            remote already, the remote's tip.

        Raises:
            UnreachableError: the deployer host itself did not answer.
            HelperFailedError: the program there ended without an answer.
        """
        started = self._clock.monotonic()
        tries = Tries(self._clock, self._settings)
        work = _Work(host, repository, change)
        request: JsonObject = {
            "step": "sync",
            "why": why,
            "id": uuid.uuid4().hex,
            "change": _wanted(change),
            "asks": self._merge is not None,
            "rules": RULES_FILE,
            "combine": self._settings.combine_window,
        }
        try:
            answer = tries.run(lambda: work.seen(self._merged(host, repository, request, tries)))
        except StepStoppedError as stopped:
            return work.stopped(stopped, tries.count, self._clock.monotonic() - started)
        return work.done(answer, tries.count, self._clock.monotonic() - started)

    def read(self, host: Host, repository: Repository, revision: str) -> Files:
        """The manifests of a revision: path -> (blob's object id, content). Never from the work tree.

        Raises:
            AttentionError: the clone or the revision is not there.
            UnreachableError: the deployer host did not answer.
        """
        request: JsonObject = {"step": "read", "revision": revision, "patterns": list(repository.manifests)}
        try:
            answer = self._simple(host, repository, request)
        except StepStoppedError as stopped:
            raise self._error(host, repository, stopped) from stopped
        found, large = (_mapping(answer.get(name)) for name in ("files", "large"))
        return {
            **{path: _file(entry) for path, entry in found.items()},
            **{path: _large(entry) for path, entry in large.items()},
        }

    def clone(self, host: Host, repository: Repository) -> None:
        """Make a missing clone, whole or not at all.

        Raises:
            AttentionError: a person is needed.
            UnreachableError: the deployer host, or the remote from there, did not answer.
        """
        try:
            self._simple(host, repository, {"step": "clone"})
        except StepStoppedError as stopped:
            raise self._error(host, repository, stopped) from stopped

    def _simple(self, host: Host, repository: Repository, request: JsonObject) -> JsonObject:
        tries = Tries(self._clock, self._settings)
        return tries.run(lambda: _checked(self._call(host, repository, request, tries)))

    def _call(self, host: Host, repository: Repository, request: JsonObject, tries: Tries) -> JsonObject:
        whole = {
            "path": repository.path,
            "remote": repository.remote,
            "branch": repository.branch,
            "identity": self._identity,
            "who": self._identity or "deployer",
            "seconds": tries.left,
            "limits": limits(self._settings),
            "keep": {"snapshots": self._settings.snapshots, "days": self._settings.snapshot_days},
            **request,
        }
        return host.call(program(REMOTE), whole, deadline=tries.left + GRACE)

    def _merged(self, host: Host, repository: Repository, request: JsonObject, tries: Tries) -> JsonObject:
        """Call, and merge the files that the answer asks about, until it asks no more."""
        answers: dict[str, JsonValue] = {}
        for _round in range(MOST_ROUNDS):
            answer = self._call(host, repository, {**request, "answers": answers}, tries)
            needs = answer.get("needs")
            if not isinstance(needs, list):
                return answer
            answers.update(self._settle(need) for need in needs if isinstance(need, Mapping))
        raise HelperFailedError(f"{repository.path} on {host.name}: asked {MOST_ROUNDS} times about files to merge")

    def _settle(self, need: JsonObject) -> tuple[str, JsonValue]:
        # The program puts what is here on top of the remote's tip; for people what is here is ours.
        sides = [base64.b64decode(_text(need, side)) for side in ("base", "theirs", "ours")]
        rules = base64.b64decode(_text(need, "rules"))
        outcome = self._merge(_text(need, "path"), *sides, rules=rules) if self._merge else None
        if outcome is None or (outcome.content is None and not outcome.conflicts):
            return _text(need, "key"), {}
        content = None if outcome.content is None else base64.b64encode(outcome.content).decode()
        return _text(need, "key"), {"content": content, "conflicts": told(outcome.conflicts)}

    def _error(self, host: Host, repository: Repository, stopped: StepStoppedError) -> AttentionError:
        self._raise_passing(host, repository, stopped)
        work = manual_work(_case(host, repository, stopped.answer, None), stopped.failure_class)
        first = work.detail.partition("\n")[0]
        return AttentionError(f"{work.path} on {work.host}: {first}", hint=work.commands)

    def _raise_passing(self, host: Host, repository: Repository, stopped: StepStoppedError) -> None:
        """What goes away without a person is no manual work."""
        entry = stopped.failure_class
        because = f"{repository.path} on {host.name}: {reason(stopped.answer.get('failure'), entry)}"
        if entry.retry in (Retry.LOCK, Retry.CONTENTION):
            raise LockedError(because) from stopped
        if entry.retry is Retry.NETWORK:
            raise UnreachableError(because) from stopped


class _Work:
    """One sync: what its tries said, put together."""

    def __init__(self, host: Host, repository: Repository, change: Change | None) -> None:
        self.host = host
        self.repository = repository
        self.change = change
        self.before = ""
        self.landed: dict[str, Commit] = {}
        self.landed_change = ""
        self.answered: list[bool] = []
        """Of each try that stopped: whether the remote answered right afterwards."""
        self.locked_at: list[str] = []
        """The remote's tip of each try since the last that met no lock on the server."""

    def seen(self, answer: JsonObject) -> JsonObject:
        """Take down what this try did, for it holds even where the try then stopped."""
        self.before = self.before or _text(answer, "head")
        self.landed.update((commit.oid, commit) for commit in commits(answer.get("landed")))
        self.landed_change = _text(answer, "change") or self.landed_change
        try:
            return _checked(answer)
        except StepStoppedError as stopped:
            self.answered.append(_answered(stopped))
            if self._is_left_over(stopped):
                raise StepStoppedError(answer, CLASSES["stale-server-lock"]) from stopped
            raise

    def _is_left_over(self, stopped: StepStoppedError) -> bool:
        """Whether a lock on the server is met again and again while the branch does not move."""
        is_locked = stopped.failure_class.kind == "server-lock"
        self.locked_at = [*self.locked_at, _text(stopped.answer, "remote")] if is_locked else []
        return len(self.locked_at) >= SERVER_LOCKS and len({*self.locked_at[-SERVER_LOCKS:]}) == 1

    def done(self, answer: JsonObject, attempts: int, seconds: float) -> SyncResult:
        received = commits(answer.get("received"))
        if self.landed or (self.change and self.landed_change not in ("", self.before)):
            status = SyncStatus.LANDED
        else:
            status = SyncStatus.IN_SYNC if _text(answer, "after") == self.before else SyncStatus.RECEIVED
        return self._result(answer, status, attempts, seconds, received)

    def stopped(self, error: StepStoppedError, attempts: int, seconds: float) -> SyncResult:
        answer = error.answer
        final = self._final(error.failure_class)
        if final.retry is not Retry.NEVER:
            later = self._result(answer, SyncStatus.RETRY_LATER, attempts, seconds)
            return replace(later, reason=reason(answer.get("failure"), final))
        case = _case(self.host, self.repository, answer, self.change, landed=bool(self.landed_change))
        manual = manual_work(case, final)
        return self._result(answer, SyncStatus.MANUAL, attempts, seconds, manual=manual)

    def _final(self, found: FailureClass) -> FailureClass:
        """What is no network's fault: a remote that answers after each of several failures, and still it fails."""
        is_local = found.kind == "network" and len(self.answered) > 1 and all(self.answered)
        return CLASSES["git-failed"] if is_local else found

    def _result(
        self,
        answer: JsonObject,
        status: SyncStatus,
        attempts: int,
        seconds: float,
        received: tuple[Commit, ...] = (),
        manual: ManualWork | None = None,
    ) -> SyncResult:
        return SyncResult(
            host=self.host.name,
            path=self.repository.path,
            branch=_text(answer, "branch") or self.repository.branch,
            status=status,
            before=self.before,
            after=_text(answer, "after") or self.before,
            revision=_text(answer, "remote"),
            landed=tuple(self.landed.values()),
            received=received,
            unlanded=commits(answer.get("unlanded")),
            left=_texts(answer.get("left")),
            attempts=attempts,
            change=self.landed_change,
            manual=manual,
            seconds=seconds,
        )


def _answered(stopped: StepStoppedError) -> bool:
    failure = stopped.answer.get("failure")
    facts = failure.get("facts") if isinstance(failure, Mapping) else None
    return isinstance(facts, Mapping) and bool(facts.get("answers"))


def _checked(answer: JsonObject) -> JsonObject:
    failure = answer.get("failure")
    if isinstance(failure, Mapping):
        raise StepStoppedError(answer, classify(failure))
    return answer


def _case(
    host: Host, repository: Repository, answer: JsonObject, change: Change | None, *, landed: bool = False
) -> Case:
    failure = without_unknown(answer.get("failure"))
    found = failure if isinstance(failure, Mapping) else {}
    return Case(host.name, repository, found, answer, change, change_landed=landed)


def _wanted(change: Change | None) -> JsonValue:
    if change is None:
        return None
    edits = [
        {"path": edit.path, "content": base64.b64encode(edit.content).decode(), "base": edit.base}
        for edit in change.edits
    ]
    return {"message": change.message, "author": change.author, "edits": edits}


def _file(entry: JsonValue) -> tuple[str, bytes]:
    oid, content = entry if isinstance(entry, list) else ("", "")
    return str(oid), base64.b64decode(str(content))


def _mapping(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _large(entry: JsonValue) -> tuple[str, Oversized]:
    oid, size = entry if isinstance(entry, list) else ("", 0)
    return str(oid), Oversized(size if isinstance(size, int) else 0)


def _text(answer: JsonObject, name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
