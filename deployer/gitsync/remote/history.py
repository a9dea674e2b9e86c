"""Reads commits, trees and the state of the work tree."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, Tuple

from .git import Git

MOST_COMMITS = 500
"""Commits that are told in an answer; counts and replays know no such limit."""
_FORMAT = "--format=%x01%H%x02%an <%ae>%x02%aI%x02%s%x02"

Entry = Tuple[str, str]


class Step(NamedTuple):
    """One path that differs between two trees; an entry of None is: not there."""

    path: str
    old: Entry | None
    new: Entry | None


def text(data: bytes) -> str:
    """Bytes of a path as text that gives the same bytes back."""
    return data.decode("utf-8", "surrogateescape")


def commits(git: Git, *revisions: str, paths: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Commits as people want to see them, oldest first, with the files that each changed."""
    said = git.ok(
        "log", "-z", f"--max-count={MOST_COMMITS}", "--reverse", "--topo-order", "--no-renames", "--name-only",
        "--diff-merges=first-parent", _FORMAT, *revisions, "--", *paths,
    )  # fmt: skip
    return [_commit(record) for record in said.split(b"\x01")[1:]]


def _commit(record: bytes) -> dict[str, Any]:
    oid, author, date, subject, names = record.split(b"\x02", 4)
    return {
        "oid": oid.decode(),
        "author": author.decode("utf-8", "replace"),
        "date": date.decode(),
        "subject": subject.decode("utf-8", "replace"),
        "paths": [text(name.lstrip(b"\n")) for name in names.split(b"\0") if name.strip(b"\n")],
    }


def rev_list(git: Git, *revisions: str) -> list[str]:
    """Object ids of commits, oldest first."""
    return git.ok("rev-list", "--reverse", "--topo-order", *revisions, "--").decode().split()


def changes(git: Git, old: str, new: str) -> list[Step]:
    """What differs between two trees, file by file."""
    fields = git.ok("diff-tree", "-r", "-z", "--no-renames", old, new).split(b"\0")[:-1]
    steps = []
    for index in range(0, len(fields), 2):
        old_mode, new_mode, old_oid, new_oid, _status = fields[index].decode().lstrip(":").split(" ")
        steps.append(Step(text(fields[index + 1]), _entry(old_mode, old_oid), _entry(new_mode, new_oid)))
    return steps


def _entry(mode: str, oid: str) -> Entry | None:
    return None if mode == "000000" else (mode, oid)


def tree_of(git: Git, commit: str) -> str:
    """The tree of a commit."""
    return git.line("rev-parse", "--verify", commit + "^{tree}")


def entry_at(git: Git, tree: str, path: str) -> Entry | None:
    """What a tree has at a path."""
    listed = git.ok("ls-tree", "-z", "--full-tree", tree, "--", path)
    for line in listed.split(b"\0")[:-1]:
        head, _, name = line.partition(b"\t")
        mode, _kind, oid = head.decode().split(" ")
        if text(name) == path:
            return mode, oid
    return None


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


def status(git: Git) -> Status:
    """Look at the work tree without writing anything, the index's cache included."""
    result = git.run(
        "status", "--porcelain=v2", "-z", "--untracked-files=all", "--ignore-submodules=all", "--no-renames"
    )
    if result.code != 0:
        raise result.stopped("index-corrupt" if git.run("ls-files").code != 0 else "git-failed")
    found = Status([], [], [])
    for entry in result.stdout.split(b"\0")[:-1]:
        if entry.startswith(b"1 "):
            found.dirty.append(text(entry.split(b" ", 8)[8]))
        elif entry.startswith(b"u "):
            found.unmerged.append(text(entry.split(b" ", 10)[10]))
        elif entry.startswith(b"? "):
            found.untracked.append(text(entry[2:]))
    return found


def write_tree(git: Git, scratch: str, tree: str, entries: dict[str, Entry]) -> str:
    """The tree with some files replaced, by way of an index of our own.

    Args:
        git: the clone.
        scratch: path for that index.
        tree: where to start from.
        entries: path -> what shall stand there.
    """
    lines = "".join(f"{mode} {oid}\t{path}\0" for path, (mode, oid) in entries.items())
    git.ok("read-tree", tree, index=scratch)
    git.ok("update-index", "-z", "--index-info", stdin=lines.encode("utf-8", "surrogateescape"), index=scratch)
    made = git.line("write-tree", index=scratch)
    os.unlink(scratch)
    return made
