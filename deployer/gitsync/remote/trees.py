"""Trees read, compared, merged and written without starting git: a change of one file needs no index for it.

What is written are loose objects, as git writes them: whole under a temporary name, fsynced, then renamed.
"""

from __future__ import annotations

import os
import re
import zlib
from typing import Dict, Iterator, Tuple

from . import digest, limits
from .git import Git, sync_to_disk

Entry = Tuple[str, str]
"""Mode in six digits as `ls-tree` prints it, and object id."""
Tree = Dict[str, Entry]
FOLDER = "040000"
ODD_NAME = re.compile(r"\.{0,2}|(\.git|git~).*|.*[\\:\0].*", re.IGNORECASE | re.DOTALL)
"""Names that git refuses in an index, at least on some systems: it decides on them."""


def text(data: bytes) -> str:
    """Bytes of a path as text that gives the same bytes back."""
    return data.decode("utf-8", "surrogateescape")


def read_tree(git: Git, oid: str) -> Tree:
    """The entries of one folder; an empty one where there is none."""
    if not oid:
        return {}
    data = git.contents(oid + "^{tree}").data
    size = len(oid) // 2
    found: Tree = {}
    at = 0
    while at < len(data):
        end = data.index(b"\0", at)
        mode, _, name = data[at:end].partition(b" ")
        found[text(name)] = (mode.decode().zfill(6), data[end + 1 : end + 1 + size].hex())
        at = end + 1 + size
    return found


def entry_at(git: Git, tree: str, path: str) -> Entry | None:
    """What a tree has at a path."""
    entry: Entry | None = (FOLDER, tree)
    for name in path.split("/"):
        if entry is None or entry[0] != FOLDER:
            return None
        entry = read_tree(git, entry[1]).get(name)
    return entry


Step = Tuple[str, "Entry | None", "Entry | None"]


def differences(git: Git, old: str, new: str, walk: Walk | None = None) -> list[Step]:
    """What differs between two trees (or commits), file by file, sorted by path: `(path, old, new)`.

    Args:
        git: the clone.
        old: one tree; empty for none.
        new: the other one.
        walk: counts what several comparisons look at together.

    Raises:
        Stopped: `too-large`.
    """
    steps = _differences(git, old, new, "", walk or Walk(git))
    return sorted(steps, key=lambda step: step[0].encode("utf-8", "surrogateescape"))


class Walk:
    """Counts what a walk through trees looks at: one that is named many times is looked at many times.

    Args:
        git: the clone.
        times: entries that all walks of a history may look at, as a multiple of the files that a revision may have; 0
            for one walk that is not told but needed.
    """

    def __init__(self, git: Git, times: int = 0) -> None:
        self._limits = git.limits
        self._all = times * git.limits.most_files
        self._most = (limits.WALKS_OF_COMMIT if times else limits.WALKS) * git.limits.most_files
        self._seen = 0

    def next(self) -> Walk:
        """The same for another walk."""
        self._all -= self._seen
        self._most, self._seen = min(self._most, self._all), 0
        return self

    def step(self, entries: int, depth: int) -> None:
        """Some entries more, so many folders deep; raises Stopped (`too-large`)."""
        self._seen += entries + 1
        if self._seen > self._most:
            raise limits.too_large("files that differ", f"more than {self._most}", self._most, "sync.most_files")
        if depth > self._limits.most_depth:
            most = self._limits.most_depth
            raise limits.too_large("depth of folders", f"more than {most}", most, "sync.most_depth")


def files(git: Git, tree: str) -> Iterator[Tuple[str, Entry]]:
    """Every file of a tree, in no order. Measure it first."""
    todo = [("", tree)]
    while todo:
        under, oid = todo.pop()
        for name, entry in read_tree(git, oid).items():
            if entry[0] == FOLDER:
                todo.append((under + name + "/", entry[1]))
            else:
                yield under + name, entry


def _differences(git: Git, old: str, new: str, under: str, walk: Walk) -> list[Step]:
    if old == new:
        return []
    left, right = read_tree(git, old), read_tree(git, new)
    walk.step(len(left) + len(right), under.count("/"))
    steps: list[Step] = []
    for name in left.keys() | right.keys():
        before, after = left.get(name), right.get(name)
        if before == after:
            continue
        path = under + name
        folders = [entry[1] if entry and entry[0] == FOLDER else "" for entry in (before, after)]
        files = [None if entry and entry[0] == FOLDER else entry for entry in (before, after)]
        if files[0] != files[1]:
            steps.append((path, files[0], files[1]))
        if any(folders):
            steps += _differences(git, folders[0], folders[1], path + "/", walk)
    return steps


def merge_trees(git: Git, base: str, ours: str, theirs: str) -> str | None:
    """The merged tree where each file was changed by one side at most; None where one was changed by both."""
    made = _merge(git, base, ours, theirs, Walk(git), 0)
    return _write(git, {}) if not made and made is not None else made


def _merge(git: Git, base: str, ours: str, theirs: str, walk: Walk, depth: int) -> str | None:
    if theirs in (ours, base):
        return ours
    if base == ours:
        return theirs
    sides = [read_tree(git, oid) for oid in (base, ours, theirs)]
    walk.step(sum(map(len, sides)), depth)
    merged: Tree = {}
    for name in {*sides[0], *sides[1], *sides[2]}:
        old, left, right = (side.get(name) for side in sides)
        if right in (left, old):
            entry = left
        elif left == old:
            entry = right
        elif old and left and right and old[0] == left[0] == right[0] == FOLDER:
            made = _merge(git, old[1], left[1], right[1], walk, depth + 1)
            if made is None:
                return None
            entry = (FOLDER, made) if made else None
        else:
            return None
        if entry:
            merged[name] = entry
    return _write(git, merged) if merged else ""


def with_entries(git: Git, tree: str, entries: dict[str, Entry]) -> str | None:
    """The tree with some files replaced (mode `0`: taken away); None where git must decide on a name."""
    if any(ODD_NAME.fullmatch(name) for path in entries for name in path.split("/")):
        return None
    return _replaced(git, tree, entries) or _write(git, {})


def _replaced(git: Git, tree: str, entries: dict[str, Entry]) -> str:
    nested: dict[str, dict[str, Entry]] = {}
    found = read_tree(git, tree)
    for path, entry in entries.items():
        name, _, rest = path.partition("/")
        if rest:
            nested.setdefault(name, {})[rest] = entry
        elif int(entry[0], 8):
            found[name] = entry
        else:
            found.pop(name, None)
    for name, inside in nested.items():
        there = found.get(name)
        made = _replaced(git, there[1] if there and there[0] == FOLDER else "", inside)
        if made:
            found[name] = (FOLDER, made)
        elif there and there[0] == FOLDER:
            del found[name]
    return _write(git, found) if found else ""


def _write(git: Git, entries: Tree) -> str:
    def place(item: tuple[str, Entry]) -> bytes:
        name = item[0].encode("utf-8", "surrogateescape")
        return name + b"/" if item[1][0] == FOLDER else name

    data = b"".join(
        b"%s %s\0%s" % (mode.lstrip("0").encode(), name.encode("utf-8", "surrogateescape"), bytes.fromhex(oid))
        for name, (mode, oid) in sorted(entries.items(), key=place)
    )
    return write_object(git, "tree", data)


def write_object(git: Git, kind: str, data: bytes) -> str:
    """Write an object and return its id.

    Raises:
        OSError: there is no room, or no permission.
    """
    folder = git.objects
    if not folder:
        return git.line("hash-object", "-t", kind, "-w", "--stdin", stdin=data)
    whole = b"%s %d\0" % (kind.encode(), len(data)) + data
    oid = digest.object_id(kind, data, is_sha256=git.sha256)
    path = os.path.join(folder, oid[:2], oid[2:])
    if not _there(path):
        _write_loose(path, zlib.compress(whole, 1))
    return oid


def _there(path: str) -> bool:
    """Whether the object is there; a power cut leaves empty files, which are not."""
    try:
        return os.stat(path).st_size > 0
    except FileNotFoundError:
        return False


def _write_loose(path: str, data: bytes) -> None:
    import tempfile

    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    # With this name `git gc` sweeps away what a crash leaves.
    descriptor, fresh = tempfile.mkstemp(prefix="tmp_obj_", dir=folder)
    try:
        with open(descriptor, "wb") as handle:
            handle.write(data)
            os.fchmod(descriptor, 0o444)
            sync_to_disk(handle)
        os.rename(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise
