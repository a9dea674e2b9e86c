"""Measures what comes in before anything walks through it: a few objects can name 10^10 files.

Sizes are asked for before contents, and each object of a tree is read once, however often it is named.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Tuple

from . import history
from .failure import Stopped
from .git import Git
from .limits import MEBIBYTE, too_large
from .trees import FOLDER, Entry, read_tree

LONGEST_PATH = 4000
"""Characters of a path: no system has a file with a longer one."""
INDEX_HEADER = 12
GITLINK = "160000"
FEW = 20
"""Files whose sizes are asked for without starting git for it."""


class Extent(NamedTuple):
    """How large a folder is, as far as it is measured."""

    files: int = 0
    size: int = 0
    """Bytes."""
    depth: int = 0
    """Folders in it, in each other."""
    longest: int = 0
    """Characters of its longest path."""

    def beside(self, other: Extent) -> Extent:
        """Both in one folder."""
        more = self.files + other.files, self.size + other.size
        return Extent(*more, max(self.depth, other.depth), max(self.longest, other.longest))

    def under(self, name: str) -> Extent:
        """The same, in a folder of that name."""
        return Extent(self.files, self.size, self.depth + 1, self.longest + len(name) + 1)


class Measure:
    """Measures revisions, as far as they differ from what is known.

    Args:
        git: the clone.
        revision: what is measured, for the message.
    """

    def __init__(self, git: Git, revision: str) -> None:
        self._git = git
        self._limits = git.limits
        self._revision = revision[:12]
        self._known: Dict[Tuple[str, str], Extent] = {}
        self._sizes: Dict[str, int] = {}
        self._read = 0

    def tree(self, new: str, old: str = "", *, before: int = 0) -> Extent:
        """Measure a tree, but not yet the sizes of its files.

        Args:
            new: the tree, or a commit.
            old: another one: what stands there at the same path is not counted.
            before: files of the other one.

        Raises:
            Stopped: `too-large`.
        """
        found = self._folder(new, old, 0)
        if found.files + before > self._limits.most_files:
            if not before:
                raise self._too_large("files", str(found.files), "most_files")
            self._read = 0
            self.tree(new)
        if found.longest > LONGEST_PATH:
            raise self._too_large("length of a path", str(found.longest), "", str(LONGEST_PATH))
        return found

    def content(self, new: str, old: str = "", *, before: int = 0) -> Extent:
        """Measure a tree and the sizes of its files; as `tree`."""
        self.tree(new, old, before=before)
        self._sizes = self._asked([*self._sizes])
        self._known, self._read = {}, 0
        found = self._folder(new, old, 0)
        if found.size > self._limits.most_size:
            most = f"{self._limits.most_size // MEBIBYTE} MiB"
            raise self._too_large("content of the files", f"{found.size // MEBIBYTE} MiB", "most_size", most)
        return found

    def _asked(self, oids: list[str]) -> dict[str, int]:
        if len(oids) > FEW:
            return history.sizes(self._git, oids)
        found = {oid: self._git.find(oid) for oid in oids}
        return {oid: blob.size for oid, blob in found.items() if blob}

    def _folder(self, new: str, old: str, depth: int) -> Extent:
        """A folder that lies so deep; one that was measured is measured only once."""
        extent = self._known.get((new, old)) or self._measured(new, old, depth)
        if depth + extent.depth > self._limits.most_depth:
            raise self._too_deep()
        self._known[new, old] = extent
        return extent

    def _measured(self, new: str, old: str, depth: int) -> Extent:
        if depth > self._limits.most_depth:
            raise self._too_deep()
        extent = Extent()
        left, right = read_tree(self._git, old), read_tree(self._git, new)
        self._count(len(right))
        for name, entry in right.items():
            other = left.get(name)
            if entry == other:
                continue
            if entry[0] == FOLDER:
                inside = self._folder(entry[1], other[1] if other and other[0] == FOLDER else "", depth + 1)
                extent = extent.beside(inside.under(name))
            else:
                extent = extent.beside(Extent(1, self._size(entry), 0, len(name)))
        return extent

    def _count(self, entries: int) -> None:
        """Each object is read once, but a hostile history may have very many of them."""
        self._read += entries + 1
        most = self._limits.most_files
        if self._read > 2 * most:
            raise self._too_large("files", f"more than {most}", "most_files")

    def _size(self, entry: Entry) -> int:
        return 0 if entry[0] == GITLINK else self._sizes.setdefault(entry[1], 0)

    def _too_deep(self) -> Stopped:
        return self._too_large("depth of folders", f"more than {self._limits.most_depth}", "most_depth")

    def _too_large(self, what: str, found: str, setting: str, limit: str = "") -> Stopped:
        limit = limit or str(getattr(self._limits, setting))
        named = f"sync.{setting}" if setting else ""
        return too_large(f"{what} of revision {self._revision}", found, limit, named)


def check(git: Git, head: str, tip: str, index: str) -> None:
    """Measure what comes in, before anything walks through it.

    Args:
        git: the clone.
        head: what the clone has.
        tip: what the remote has.
        index: path of the clone's index, which knows how many files there are.

    Raises:
        Stopped: `too-large`.
    """
    if head != tip:
        Measure(git, tip).content(tip, head, before=_entries(index))


def _entries(index: str) -> int:
    with open(index, "rb") as handle:
        return int.from_bytes(handle.read(INDEX_HEADER)[-4:], "big")
