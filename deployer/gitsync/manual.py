"""What a person is told when a sync cannot go on: complete, so that it is solved from the text alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from deployer.gitsync.advice import Situation, commands
from deployer.gitsync.classes import FailureClass, Retry
from deployer.model.command import typed
from deployer.model.json import JsonObject, JsonValue
from deployer.model.site import Repository
from deployer.model.sync import Change, Commit, FieldConflict, ManualWork
from deployer.secrets.shapes import without_shapes, without_url_secrets
from deployer.visible import quoted, visible

_OBJECT_ID = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b")
_MORE = {
    "dirty-overlap": (
        "The commands bring the edits back on top of what the remote has; edits of the same lines come with conflict "
        "marks, and stay in git stash list. A file that git does not track is kept beside the remote's, as .mine."
    ),
    "rebase-in-progress": "Solve what git status shows and git add it first; git rebase --abort gives the rebase up.",
    "merge-in-progress": "Solve what git status shows and git add it first; git merge --abort gives the merge up.",
    "cherry-pick-in-progress": "Solve what git status shows and git add it first.",
    "revert-in-progress": "Solve what git status shows and git add it first.",
    "host-key": "Compare the key with what the server's people say before anything else.",
    "branch-gone": "The command puts it back, if it was removed by mistake.",
    "force-pushed": "The commands keep the clone's branch under another name and follow the remote.",
    "stale-server-lock": (
        "Whoever runs the server looks for <branch>.lock under refs/heads in the repository there, and removes it when "
        "no git works in it; then the command works."
    ),
    "too-large": (
        "A commit on top that takes it back (git revert) is enough: history need not be rewritten. If the size is "
        "intended, raise the setting."
    ),
    "ownership": "Run deployer as the owner, or give the clone to the right user.",
    "unmerged": "Edit the files, then git add them.",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A step that stopped: where, on what, and with which evidence (redacted)."""

    host: str
    repository: Repository
    failure: JsonObject
    known: JsonObject
    """What the answer said of the clone besides: `branch`, `head`, `url`, `unlanded` …"""
    change: Change | None = None
    change_landed: bool = False


def manual_work(case: Case, failure_class: FailureClass) -> ManualWork:
    """Build the report's content.

    Args:
        case: what stopped.
        failure_class: its class.
    """
    situation = _situation(case)
    command = command_text(case.failure.get("argv"))
    paths = tuple(without_url_secrets(path) for path in situation.paths)
    ours, theirs = commits(case.failure.get("ours") or case.known.get("unlanded")), commits(case.failure.get("theirs"))
    conflicts = tuple(_conflicts(situation.facts.get("told"), _Last(ours, case.change), _Last(theirs)))
    return ManualWork(
        id=_identify(case, failure_class.kind, paths),
        host=case.host,
        path=case.repository.path,
        command=command,
        kind=failure_class.kind,
        line=_line(case, command),
        detail=_detail(failure_class, _limit(failure_class, situation), conflicts),
        commands=tuple(typed(*line, clean=without_shapes) for line in commands(failure_class.kind, situation)),
        paths=paths,
        conflicts=conflicts,
        ours=ours,
        theirs=theirs,
        output=without_shapes(_output(case.failure)),
    )


def _situation(case: Case) -> Situation:
    facts = case.failure.get("facts")
    told: JsonObject = facts if isinstance(facts, Mapping) else {}
    branch = str(case.known.get("branch") or case.repository.branch)
    listed = case.failure.get("paths")
    return Situation(
        path=case.repository.path,
        branch=branch,
        upstream=str(case.known.get("upstream") or branch),
        remote=str(case.known.get("remote_name") or "origin"),
        url=case.repository.remote or str(case.known.get("url") or ""),
        head=str(case.known.get("head") or ""),
        paths=tuple(str(path) for path in listed) if isinstance(listed, list) else (),
        is_change=bool(told.get("of_change")),
        facts=told,
    )


def command_text(argv: JsonValue) -> str:
    """A command as one would type it, short: object ids cut, secrets out."""
    words = [str(word) for word in argv] if isinstance(argv, Sequence) and not isinstance(argv, str) else []
    kept = [word for word in words if word not in _NOISE]
    return typed(*kept, clean=lambda word: without_shapes(_OBJECT_ID.sub(r"\1", word))) or "git"


_NOISE = frozenset(
    {
        "--porcelain",
        "--no-prune",
        "--refmap=",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
        "--no-messages",
        "--name-only",
        "-z",
    }
)
"""Options that make git's answer readable for a program; a person who repeats the command is better off without."""


def _line(case: Case, command: str) -> str:
    """The first line, in exactly the words that people know from years of logs."""
    if case.change is not None and not case.change_landed:
        message = without_shapes(case.change.message.strip().partition("\n")[0])
        return f"failed to commit/push {message} with: Command {command} on {case.host} failed"
    return (
        f"manual intervention needed on {case.host} in {case.repository.path} "
        f"failed to sync/pull manifest with: Command {command} on {case.host} failed"
    )


def _limit(failure_class: FailureClass, situation: Situation) -> str:
    """What is larger than which limit."""
    if failure_class.kind != "too-large":
        return ""
    if not situation.fact("what"):  # git itself met it
        return "git needs more memory than the setting ssh.most_memory allows to it."
    what, found, limit, setting = (situation.fact(name) for name in ("what", "found", "limit", "setting"))
    named = f"the setting {setting}" if setting else "a limit that no setting raises"
    return f"{what}: {found}; {named} allows {limit}."


def _detail(failure_class: FailureClass, limit: str, conflicts: Iterable[FieldConflict]) -> str:
    first = f"{failure_class.told} {limit}".rstrip()
    sentences = [first, _MORE.get(failure_class.kind, ""), *map(str, conflicts)]
    # A line each: a file name or an author in one of them begins none.
    return "\n".join(visible(without_shapes(sentence)) for sentence in sentences if sentence)


@dataclass(frozen=True, slots=True)
class _Last:
    """Who changed each file last on one side."""

    commits: tuple[Commit, ...]
    """The oldest first."""
    change: Change | None = None
    """Of automation, on top of them."""

    def of(self, path: str) -> tuple[str, str]:
        """Person and time; empty where that is not known."""
        if self.change is not None and any(edit.path == path for edit in self.change.edits):
            return self.change.author or "automation", ""
        found = next((one for one in reversed(self.commits) if path in one.paths), None)
        return (found.author, found.date) if found else ("", "")


def _conflicts(told: JsonValue, ours: _Last, theirs: _Last) -> Iterator[FieldConflict]:
    for file, listed in told.items() if isinstance(told, Mapping) else ():
        for each in listed if isinstance(listed, list) else [listed]:
            known = each if isinstance(each, Mapping) else {"said": each}
            yield FieldConflict(
                file,
                path=_said(known, "path") or "",
                kind=_said(known, "kind") or "",
                base=_said(known, "base"),
                ours=_said(known, "ours"),
                theirs=_said(known, "theirs"),
                said=_said(known, "said") or "",
                ours_by=ours.of(file)[0],
                ours_at=ours.of(file)[1],
                theirs_by=theirs.of(file)[0],
                theirs_at=theirs.of(file)[1],
            )


def _said(item: JsonObject, name: str) -> str | None:
    value = item.get(name)
    return None if value is None else without_shapes(str(value))


def _output(failure: JsonObject) -> str:
    said = [str(failure.get(stream) or "").strip() for stream in ("stdout", "stderr")]
    # merge-tree answers with NULs and ids for us; what it says of paths stands in `paths`.
    return "\n".join(text for text in said if text and text != "Done" and "\0" not in text)


def _identify(case: Case, kind: str, paths: tuple[str, ...]) -> str:
    parts = "\0".join((case.host, case.repository.path, kind, *sorted(paths)))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def commits(value: JsonValue) -> tuple[Commit, ...]:
    """Commits of an answer."""
    found = [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
    return tuple(_commit(item) for item in found)


def _commit(item: JsonObject) -> Commit:
    paths = item.get("paths")
    return Commit(
        oid=str(item.get("oid")),
        author=str(item.get("author")),
        date=str(item.get("date")),
        subject=without_shapes(str(item.get("subject"))),
        paths=tuple(str(path) for path in paths) if isinstance(paths, list) else (),
    )


def reason(failure: JsonValue, failure_class: FailureClass) -> str:
    """Why a sync is left for later, in a line: the class, and the lock or the first thing that git said."""
    found: JsonObject = failure if isinstance(failure, Mapping) else {}
    paths = found.get("paths")
    if failure_class.retry is Retry.LOCK:
        said = ", ".join(map(str, paths)) if isinstance(paths, Sequence) and not isinstance(paths, str) else ""
    else:
        said = next((line.strip() for line in str(found.get("stderr") or "").splitlines() if line.strip()), "")
    return without_shapes(f"{failure_class.told} ({said})" if said else failure_class.told)


def report(work: ManualWork) -> str:
    """The whole report as text, the known line first."""
    return "".join(f"{line}\n" for line in report_lines(work))


def report_lines(work: ManualWork) -> tuple[str, ...]:
    """The lines of the report, cleaned: whatever people and hosts named, only ours begin at the margin."""
    return tuple(visible(line) for line in _parts(work))


def _parts(work: ManualWork) -> list[str]:
    parts = [work.line, "", f"class: {work.kind}", *_indented(work.detail.split("\n"))]
    if work.paths:
        parts += ["", "files:", *_indented(work.paths)]
    for title, side in (("ours (in the clone):", work.ours), ("theirs (on the remote):", work.theirs)):
        if side:
            parts += ["", title, *_indented(_told(commit) for commit in side)]
    if work.output:
        parts += ["", "said:", *_indented(quoted(work.output))]
    if work.commands:
        parts += ["", f"to mend it, on {work.host}:", *_indented(work.commands)]
    return parts


def _told(commit: Commit) -> str:
    return f"{commit.oid[:12]} {commit.date} {commit.author}: {commit.subject}"


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]
