"""Snapshots: what a clone was before a sync changed it, under refs/deployer/snap/; taking one touches nothing of it.

A snapshot is a commit. Its tree is the work tree, untracked files included (not ignored ones), each edited file with
the very bytes that are on the disk. Its parents are the commit of the branch and, where the index differs from that,
commits of the index (and of the sides of files in conflict). Its message holds the rest as JSON.
"""

from __future__ import annotations

import json
import os
import stat
import time
from typing import Any, Dict, Iterable, NamedTuple

from . import history, journal, limits, refs, trees
from .git import Git
from .history import Entry
from .preflight import Clone, Place

UNDER = "refs/deployer/snap"
MOVED = "refs/deployer/moved"
STAMP = "%Y%m%dT%H%M%S.%fZ"
BUDGET = 256 << 20
"""Bytes of untracked files that one snapshot stores; those beyond are named in it and left alone by an undo."""
MOST_NAMES = 20
"""Names of each kind that the list of snapshots tells."""
WHO = "deployer <deployer@localhost>"
DAY = 86400.0

Json = Dict[str, Any]
Entries = Dict[str, Entry]


class Snapshot(NamedTuple):
    """A snapshot, read."""

    id: str
    """When it was taken, as its ref is named."""
    oid: str
    head: str
    """The commit of the branch."""
    tree: str
    """The work tree."""
    meta: Json
    """`branch`, `why`, `index` and `stages` (trees), `flags`, `dirty`, `untracked`, `ignored`, `left`, `landed`."""

    def told(self, git: Git) -> Json:
        """As the list of snapshots shows it."""
        when = _when(self.id).isoformat()
        names = {kind: self.meta.get(kind, [])[:MOST_NAMES] for kind in ("dirty", "untracked", "left")}
        message = git.contents(self.head).data.decode("utf-8", "replace").partition("\n\n")[2]
        subject = message.strip().partition("\n")[0]
        head = {"head": self.head, "branch": self.meta["branch"], "subject": subject}
        return {"id": self.id, "time": when, "why": self.meta.get("why", ""), **head, **names}


class Flags(NamedTuple):
    """What the index says of paths besides content."""

    tags: dict[str, str]
    """Path -> git's letter, where it is not the usual one: with them git passes over edits."""
    unmerged: list[tuple[str, str, Entry]]
    """(stage, path, entry) of files in conflict."""


def flags_of(git: Git, index: str = "") -> Flags:
    """Look them up.

    Args:
        git: the clone.
        index: another index than the clone's.
    """
    found = Flags({}, [])
    for line in git.ok("ls-files", "-z", "--stage", "-v", index=index).split(b"\0")[:-1]:
        head, _, name = line.partition(b"\t")
        tag, mode, oid, number = head.decode().split(" ")
        if number != "0":
            found.unmerged.append((number, history.text(name), (mode, oid)))
        elif tag != "H":
            found.tags[history.text(name)] = tag
    return found


def take(git: Git, clone: Clone, request: Json, *, landed: str, plain: bool) -> None:
    """Take a snapshot of a clone before it is changed, and drop those that are too many or too old.

    Args:
        git: the clone.
        clone: the clone.
        request: `why`, `keep`.
        landed: the commit on the remote that holds all of the branch's commits; empty where that is not known.
        plain: whether the index has no flags and no files in conflict.

    Raises:
        OSError: no room.
    """
    flags = Flags({}, []) if plain else flags_of(git)
    keep(git, clone.place, record(git, clone, why=request.get("why", ""), flags=flags, landed=landed))
    prune(git, clone.place, request.get("keep", {}))


def keep(git: Git, place: Place, snapshot: Snapshot) -> None:
    """Give the snapshot its ref, without which git would throw it away some day."""
    ref = f"{UNDER}/{snapshot.id}"
    if refs.is_reftable(place):
        # An undo that a crash left has it already, and git refuses to make a ref that is there.
        if git.resolve(ref) != snapshot.oid:
            git.ok("update-ref", ref, snapshot.oid, "")
        return
    path = os.path.join(place.common_dir, *ref.split("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not journal.lock_file(place.own, path + ".lock", snapshot.oid.encode() + b"\n"):
        raise OSError(f"{ref} is locked")
    os.rename(path + ".lock", path)
    journal.unlock_file(place.own, path + ".lock")
    journal.sync_folder(os.path.dirname(path))


def record(git: Git, clone: Clone, *, why: str, flags: Flags, landed: str = "", extra: Iterable[str] = ()) -> Snapshot:
    """Write the objects of a snapshot.

    Args:
        git: the clone.
        clone: the clone.
        why: what is about to be done, and by whom.
        flags: of the index.
        landed: as in `take`.
        extra: more paths to look at on the disk: ignored files, for example.
    """
    found = history.status(git, ignored=True)
    base = history.tree_of(git, clone.head)
    hidden = {*extra, *flags.tags, *(path for _stage, path, _entry in flags.unmerged)}
    index = _index_tree(git, clone.place, flags) if found.dirty or flags.unmerged or flags.tags else base
    edits = _Edits(git, clone, index)
    for path in sorted({*found.dirty, *hidden}):
        edits.look(path, tracked=True)
    for path in sorted({*found.untracked} - hidden):
        edits.look(path, tracked=False)
    scratch = _scratch(clone.place)
    tree = history.write_tree(git, scratch, index, edits.entries) if edits.entries else index
    stages = {f"{stage}/{path}": entry for stage, path, entry in flags.unmerged}
    meta = {
        "why": why,
        "branch": clone.branch,
        "index": index,
        "stages": history.write_tree(git, scratch, _empty(git), stages) if stages else "",
        "flags": flags.tags,
        "dirty": sorted({*found.dirty, *found.unmerged}),
        "untracked": [path for path in found.untracked if path in edits.entries],
        "ignored": found.ignored,
        "left": edits.left,
        "landed": landed,
    }
    now = _next_stamp(git, clone.place)
    return Snapshot(now, _commit(git, clone.head, base, tree, meta), clone.head, tree, meta)


class _Edits:
    """What is on the disk, as entries of a tree."""

    def __init__(self, git: Git, clone: Clone, index: str) -> None:
        self.entries: Entries = {}
        self.left: list[str] = []
        self._git = git
        self._top = clone.place.top
        self._index = index
        self._modes = clone.config.get("core.filemode", ["true"])[-1] != "false"
        self._budget = BUDGET
        self._readable = os.stat(os.path.join(clone.place.common_dir, "objects")).st_mode & 0o044

    def look(self, path: str, *, tracked: bool) -> None:
        """Take one path down: its bytes, its link, or that nothing is there."""
        try:
            found = self._read(path, tracked=tracked)
        except (FileNotFoundError, NotADirectoryError):
            # An untracked one that went away since git listed it (an editor's) is as if it had never been.
            if tracked:
                self.entries[path] = ("0", "0" * len(self._empty_blob()))
            return
        except OSError:
            found = None
        if found is None:
            self.left.append(path)
        else:
            self.entries[path] = found

    def _read(self, path: str, *, tracked: bool) -> Entry | None:
        """Mode and object id, its bytes stored; None for what is not stored.

        Raises:
            OSError: it is not there any more, or this user may not read it.
        """
        full = os.path.join(self._top, path)
        found = os.lstat(full)
        if stat.S_ISLNK(found.st_mode):
            return "120000", trees.write_object(self._git, "blob", os.fsencode(os.readlink(full)))
        if not stat.S_ISREG(found.st_mode) or (not tracked and not self._is_kept(found)):
            return None
        oid = self._stored(full, found.st_size)
        self._budget -= 0 if tracked else found.st_size
        return self._mode(path, found), oid

    def _stored(self, full: str, size: int) -> str:
        if size > limits.IN_MEMORY:
            # Git refuses what it cannot read by an exit code: to us that is as if we could not.
            result = self._git.run("hash-object", "-w", "--no-filters", "--", full)
            if result.code != 0:
                raise OSError(f"{full} cannot be stored: {result.stderr.strip()}")
            return result.stdout.decode().strip()
        with open(full, "rb") as handle:
            return trees.write_object(self._git, "blob", handle.read())

    def _is_kept(self, found: os.stat_result) -> bool:
        """Not beyond the budget, and nothing that others may not read (a key) is copied to where they may."""
        return found.st_size <= self._budget and not self._readable & ~found.st_mode

    def _mode(self, path: str, found: os.stat_result) -> str:
        known = None if self._modes else trees.entry_at(self._git, self._index, path)
        if known and known[0].startswith("100"):
            return known[0]
        return "100755" if self._modes and found.st_mode & 0o100 else "100644"

    def _empty_blob(self) -> str:
        return trees.write_object(self._git, "blob", b"")


def _index_tree(git: Git, place: Place, flags: Flags) -> str:
    """What is staged, as a tree; by way of a copy, since git writes into the index that it makes a tree of."""
    import shutil

    copy = _scratch(place)
    shutil.copy2(os.path.join(place.git_dir, "index"), copy)
    lines = "".join(f"0 {'0' * len(entry[1])}\t{path}\0" for _stage, path, entry in flags.unmerged)
    if lines:
        git.ok("update-index", "-z", "--index-info", stdin=lines.encode("utf-8", "surrogateescape"), index=copy)
    tree = git.line("write-tree", index=copy)
    os.unlink(copy)
    return tree


def _commit(git: Git, head: str, base: str, tree: str, meta: Json) -> str:
    others = [tree for tree in (meta["index"], meta["stages"]) if tree not in (base, "")]
    parents = [head, *(_write_commit(git, other, [head], "index\n") for other in others)]
    told = f"Before {meta['why'] or 'a sync'}\n\n{json.dumps(meta)}\n"
    return _write_commit(git, tree, parents, told)


def _write_commit(git: Git, tree: str, parents: list[str], message: str) -> str:
    stamp = f"{WHO} {int(time.time())} +0000"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {stamp}", f"committer {stamp}"]
    return trees.write_object(git, "commit", ("\n".join(lines) + "\n\n" + message).encode("utf-8", "replace"))


def _scratch(place: Place) -> str:
    return os.path.join(place.own, "merge-index")


def _empty(git: Git) -> str:
    return trees.write_object(git, "tree", b"")


def _when(stamp: str) -> Any:  # noqa: ANN401  a datetime, whose module few calls need
    from datetime import datetime

    return datetime.strptime(stamp, "%Y%m%dT%H%M%S.%f%z")


def _next_stamp(git: Git, place: Place) -> str:
    """Now, and later than every snapshot that is there: a clock that went back must not change their order."""
    from datetime import datetime, timedelta, timezone

    now = datetime.now(timezone.utc)  # noqa: UP017  Python 3.9 has no datetime.UTC
    newest = max(refs.listed(git, place, UNDER), default="").rpartition("/")[2]
    if newest >= now.strftime(STAMP):
        now = _when(newest) + timedelta(microseconds=1)
    return now.strftime(STAMP)


def listing(git: Git, place: Place) -> list[Snapshot]:
    """Every snapshot of the clone, newest first."""
    names = sorted(refs.listed(git, place, UNDER), reverse=True)
    found = (read(git, name) for name in names)
    return [snapshot for snapshot in found if snapshot]


def read(git: Git, name: str) -> Snapshot | None:
    """One snapshot by its ref or object id; None for what is none."""
    commit = git.find(name)
    if commit is None or commit.kind != "commit":
        return None
    head, _, message = git.contents(commit.oid).data.decode("utf-8", "replace").partition("\n\n")
    try:
        meta = json.loads(message.partition("\n\n")[2])
    except ValueError:
        return None
    words = [line.split(" ", 1) for line in head.splitlines()]
    return Snapshot(
        name.rpartition("/")[2],
        commit.oid,
        head=next(value for key, value in words if key == "parent"),
        tree=next(value for key, value in words if key == "tree"),
        meta=meta,
    )


def prune(git: Git, place: Place, settings: Json) -> None:
    """Drop snapshots beyond the number and the age that are kept, never the newest; and old tips of rewritten remotes.

    Args:
        git: the clone.
        place: where it is.
        settings: `snapshots`, how many; `days`, how old.
    """
    oldest = time.time() - float(settings.get("days", 30)) * DAY
    limit = time.strftime("%Y%m%dT%H%M%S", time.gmtime(oldest))
    names = sorted(refs.listed(git, place, UNDER), reverse=True)
    most = max(1, int(settings.get("snapshots", 50)))
    due = names[most:] + [name for name in names[1:most] if name.rpartition("/")[2] < limit]
    due += [name for name, since in refs.listed(git, place, MOVED).items() if since < oldest]
    refs.drop(git, place, due)
