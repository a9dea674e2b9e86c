"""Reads commits, trees and the state of the work tree."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from . import limits, trees
from .failure import Stopped
from .git import Git

MOST_COMMITS = 500
"""Commits that are told in an answer; counts and replays know no such limit."""
_MARK = os.urandom(16).hex()
"""Stands before each commit of a log: nothing in a commit can look like it. Its fields end with NUL, which none has."""
_FORMAT = f"--format={_MARK}%H%x00%P%x00%an <%ae>%x00%aI%x00%s%x00"
LONGEST = 1000
"""Characters of an author or a subject that are told."""
MOST_NAMES = 10_000
"""Files of a commit that are told; of one that changed more none is, as nobody would read them."""
TOO_LARGE = "too-large"
CHAIN = 20
"""Commits that are told without starting git for it."""
_PERSON = re.compile(rb"^(author|committer) (.*) (\d{1,11}) ([+-])(\d\d)(\d\d)$", re.MULTILINE)

Entry = trees.Entry
text = trees.text


class Step(NamedTuple):
    """One path that differs between two trees; an entry of None is: not there."""

    path: str
    old: Entry | None
    new: Entry | None


def commits(git: Git, *revisions: str, paths: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Commits as people want to see them, oldest first, with the files that each changed."""
    arguments = (f"--max-count={MOST_COMMITS}", "--reverse", "--topo-order", *revisions, "--", *paths)
    try:
        said = git.ok("log", _FORMAT, *arguments)
    except Stopped as stopped:
        if stopped.kind != TOO_LARGE:
            raise
        said = git.ok("log", _FORMAT.replace("%an <%ae>", "").replace("%s", ""), *arguments)
    # Not by `--name-only`: git would list every file of a tree that is named 10^10 times.
    walk = trees.Walk(git, limits.WALKS_OF_HISTORY)
    return [_commit(git, record, paths, walk) for record in said.split(_MARK.encode())[1:]]


def _commit(git: Git, record: bytes, paths: tuple[str, ...], walk: trees.Walk) -> dict[str, Any]:
    oid, parents, author, date, subject = record.split(b"\0")[:5]
    first = parents.partition(b" ")[0].decode()
    return _told(oid.decode(), author, date.decode(), subject, _names(git, first, oid.decode(), paths, walk))


def _told(oid: str, author: bytes, date: str, subject: bytes, names: list[str]) -> dict[str, Any]:
    who, what = (said[: 4 * LONGEST].decode("utf-8", "replace")[:LONGEST] for said in (author, subject))
    return {"oid": oid, "author": who, "date": date, "subject": what, "paths": names}


def _names(git: Git, parent: str, commit: str, paths: tuple[str, ...], walk: trees.Walk) -> list[str]:
    """The files that a commit changed, or those of some; none where there are more than a person would read."""
    if paths:
        return [path for path in paths if entry_at(git, parent, path) != entry_at(git, commit, path)]
    try:
        return _few([step[0] for step in trees.differences(git, parent, commit, walk.next())])
    except Stopped as stopped:
        if stopped.kind != TOO_LARGE:
            raise
        return []


def _few(names: list[str]) -> list[str]:
    return names if len(names) <= MOST_NAMES else []


def rev_list(git: Git, *revisions: str) -> list[str]:
    """Object ids of commits, oldest first."""
    return git.ok("rev-list", "--reverse", "--topo-order", *revisions, "--").decode().split()


def line(git: Git, new: str, old: str) -> list[str] | None:
    """Commits of `new` that `old` has not, oldest first, where that is soon seen; None where git must be asked."""
    known = git.nearest(old)
    found: list[str] = []
    at = new
    while at not in known:
        parents = git.parents(at)
        if parents is None or len(parents) != 1 or len(found) == CHAIN:
            return None
        found.insert(0, at)
        at = parents[0]
    # Where `old` has merged, an older commit may be nearer to it than the fork: the way to that is full of its own.
    return found if not found or _is_straight(git, old, at) else None


def _is_straight(git: Git, new: str, old: str) -> bool:
    """Whether `new` came from `old`, which is near, by commits of one parent each."""
    at = new
    while at != old:
        parents = git.parents(at)
        if parents is None or len(parents) != 1:
            return False
        at = parents[0]
    return True


def chain(git: Git, new: str, old: str) -> list[dict[str, Any]]:
    """The commits of `new` that `old` has not, as `commits` tells them."""
    oids = line(git, new, old)
    plain = None if oids is None else _plain(git, oids, trees.Walk(git, limits.WALKS_OF_HISTORY))
    return commits(git, new, "^" + old) if plain is None else plain


def told(git: Git, oids: list[str]) -> list[dict[str, Any]]:
    """These commits, as `commits` tells them, each with all its files.

    Raises:
        Stopped: `too-large`.
    """
    plain = _plain(git, oids, None) if len(oids) <= CHAIN else None
    return commits(git, "--no-walk", *oids) if plain is None else plain


def _plain(git: Git, oids: list[str], walk: trees.Walk | None) -> list[dict[str, Any]] | None:
    found = []
    for oid in oids:
        one = _plain_commit(git, oid, walk)
        if one is None:
            return None
        found.append(one)
    return found


def _plain_commit(git: Git, oid: str, walk: trees.Walk | None) -> dict[str, Any] | None:
    """A commit with one parent and in UTF-8; None for any other, which git itself reads."""
    parents = git.parents(oid)
    if parents is None:
        return None
    head, _, message = git.contents(oid).data.partition(b"\n\n")
    who = _PERSON.search(head)
    if who is None or who[1] != b"author" or not parents or len(parents) > 1 or b"\nencoding " in head:
        return None
    date = _date(who)
    if not date:
        return None
    subject = message.lstrip(b"\n").partition(b"\n\n")[0].rstrip().replace(b"\n", b" ")
    if walk:
        return _told(oid, who[2], date, subject, _names(git, parents[0], oid, (), walk))
    return _told(oid, who[2], date, subject, [step.path for step in changes(git, parents[0], oid)])


def _date(who: re.Match[bytes]) -> str:
    """As git tells it; empty for what Python knows no date for: git takes any four digits for a time zone."""
    from datetime import datetime, timedelta, timezone

    zone = timedelta(hours=int(who[5]), minutes=int(who[6]))
    try:
        return datetime.fromtimestamp(int(who[3]), timezone(-zone if who[4] == b"-" else zone)).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def changes(git: Git, old: str, new: str) -> list[Step]:
    """What differs between two trees, file by file."""
    return [Step(*step) for step in trees.differences(git, old, new)]


def tree_of(git: Git, commit: str) -> str:
    """The tree of a commit.

    Raises:
        Stopped: there is none.
    """
    return git.resolve(commit + "^{tree}") or git.line("rev-parse", "--verify", commit + "^{tree}")


def entry_at(git: Git, tree: str, path: str) -> Entry | None:
    """What a tree has at a path; nothing where there is no tree."""
    return trees.entry_at(git, tree, path)


def sizes(git: Git, oids: list[str]) -> dict[str, int]:
    """Bytes of blobs, all asked for in one process; 0 for one that is not there."""
    wanted = sorted(set(oids))
    stdin = "".join(oid + "\n" for oid in wanted).encode()
    said = git.ok("cat-file", "--batch-check=%(objectsize)", stdin=stdin).split(b"\n") if wanted else []
    return {oid: int(said[at]) if said[at].isdigit() else 0 for at, oid in enumerate(wanted)}


def blobs(git: Git, oids: list[str]) -> dict[str, bytes]:
    """Contents of blobs, all in one process."""
    wanted = sorted(set(oids))
    data = git.ok("cat-file", "--batch", stdin="".join(oid + "\n" for oid in wanted).encode()) if wanted else b""
    found, at = {}, 0
    for oid in wanted:
        end = data.index(b"\n", at)
        head = data[at:end].split(b" ")
        at = end + 1
        if head[-1] != b"missing":
            size = int(head[-1])
            found[oid] = data[at : at + size]
            at += size + 1
    return found


class Status(NamedTuple):
    """What people have in the work tree and the index, beside what is committed."""

    dirty: list[str]
    untracked: list[str]
    unmerged: list[str]
    ignored: list[str]
    """Where it was asked for; a folder ends with `/`."""


def status(git: Git, *, ignored: bool = False) -> Status:
    """Look at the work tree without writing anything, the index's cache included."""
    more = ("--ignored=matching",) if ignored else ()
    result = git.run(
        "status", "--porcelain=v2", "-z", "--untracked-files=all", "--ignore-submodules=all", "--no-renames", *more
    )
    if result.code != 0:
        raise result.stopped("index-corrupt" if git.run("ls-files").code != 0 else "git-failed")
    found = Status([], [], [], [])
    for entry in result.stdout.split(b"\0")[:-1]:
        if entry.startswith(b"1 "):
            found.dirty.append(text(entry.split(b" ", 8)[8]))
        elif entry.startswith(b"u "):
            found.unmerged.append(text(entry.split(b" ", 10)[10]))
        elif entry.startswith(b"? "):
            found.untracked.append(text(entry[2:]))
        elif entry.startswith(b"! "):
            found.ignored.append(text(entry[2:]))
    return found


def write_tree(git: Git, scratch: str, tree: str, entries: dict[str, Entry]) -> str:
    """The tree with some files replaced; where git must decide on their names, by way of an index of our own.

    Args:
        git: the clone.
        scratch: path for that index.
        tree: where to start from.
        entries: path -> what shall stand there.
    """
    made = trees.with_entries(git, tree, entries) if git.objects else None
    if made is not None:
        return made
    lines = "".join(f"{mode} {oid}\t{path}\0" for path, (mode, oid) in entries.items())
    git.ok("read-tree", tree, index=scratch)
    git.ok("update-index", "-z", "--index-info", stdin=lines.encode("utf-8", "surrogateescape"), index=scratch)
    made = git.line("write-tree", index=scratch)
    os.unlink(scratch)
    return made
