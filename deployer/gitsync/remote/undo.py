"""undo and snapshots: a clone brought back to what it was, by the same order of steps as an adoption.

A snapshot of the present comes first; then everything is staged and checked under git's own `index.lock`; then the
journal; then only renames, links and unlinks: files, index, branch. A crash leaves a journal from which `recover` does
the rest, path by path, past what people changed meanwhile.
"""

from __future__ import annotations

import os
import time
from typing import Any, Dict, NamedTuple, Tuple

from . import adopt, history, limits, preflight, snapshots, trees
from .failure import Stopped
from .git import Git, sync_to_disk
from .history import Step
from .journal import Journal, sync_folder
from .preflight import Clone, Place
from .snapshots import Snapshot
from .worktree import Worktree

Json = Dict[str, Any]
Staged = Tuple[Tuple[str, str, str], ...]
"""What the index has at a path: (mode, object id, stage) of each side, and the letter of a flag as a last one."""
GITLINK = "160000"
PLAIN = "H"
OPTIONS = {"S": ("--skip-worktree",), "h": ("--assume-unchanged",), "s": ("--skip-worktree", "--assume-unchanged")}
"""What gives an entry of the index the flag that `ls-files -v` shows as this letter."""


def snapshots_of(request: Json, _known: Json) -> Json:
    """The snapshots of a clone, newest first; nothing is locked or changed."""
    place = preflight.place(request["path"])
    git = Git(place.top, time.monotonic() + request["seconds"], None, limits.limits_of(request))
    try:
        return {"snapshots": [snapshot.told(git) for snapshot in snapshots.listing(git, place)]}
    finally:
        git.close()


def undo(git: Git, clone: Clone, notes: Journal, request: Json) -> Json:
    """Bring the clone's branch, index and work tree back to a snapshot.

    Args:
        git: the clone.
        clone: the clone, found fit to be worked with.
        notes: its journal.
        request: `to`, the beginning of a snapshot's id (empty: the newest), `why`, `keep`.

    Returns:
        `snapshot`, what it was brought back to, and `saved`, what it was before; `written`, `removed` and `left` paths;
        `landed`, commits of the remote that the clone is behind of now, and `revert`, those that git could revert. Or
        `none`, with every snapshot in `snapshots`, when there is no such one.

    Raises:
        Stopped: `lock`, `disk-full`, `wrong-branch`; `dirty-overlap`, with what cannot be saved and is in the way.
    """
    target = _chosen(snapshots.listing(git, clone.place), request.get("to", ""))
    if target is None:
        return {"none": True, **snapshots_of(request, {})}
    if target.meta["branch"] != clone.branch:
        facts = {"branch": clone.branch, "wanted": target.meta["branch"]}
        raise Stopped("wrong-branch", argv=preflight.STATUS, facts=facts)
    with adopt.index_locked(clone.place):
        if git.resolve(clone.ref) != clone.head:
            raise Stopped("lock", argv=["git", "rev-parse", clone.ref], paths=[clone.ref])
        saved = _present(git, clone, request, target)
        work = _Restoring(git, clone.place, saved, target)
        if not work.is_needed:
            return {"snapshot": target.told(git), "before": clone.head, "after": clone.head}
        work.prepare()
        # The journal first: of an undo that was killed before it there is no snapshot to be taken for an earlier state.
        notes.write(undo={"branch": clone.ref, "id": saved.id, "saved": saved.oid, "target": target.oid})
        snapshots.keep(git, clone.place, saved)
        left = work.carry_out(notes)
    answer = {"snapshot": target.told(git), "saved": saved.told(git), "before": saved.head, "after": target.head}
    answer.update(work.told(left), **_on_remote(git, clone, saved.head, target.head))
    snapshots.prune(git, clone.place, request.get("keep", {}))
    return answer


def _chosen(listed: list[Snapshot], wanted: str) -> Snapshot | None:
    found = [snapshot for snapshot in listed if snapshot.id.startswith(wanted)]
    return found[0] if found and (len(found) == 1 or not wanted) else None


def _present(git: Git, clone: Clone, request: Json, target: Snapshot) -> Snapshot:
    """A snapshot of now, with everything that is in the way of the target: ignored files and hidden edits too."""
    flags = snapshots.flags_of(git)
    why = request.get("why", "")
    saved = snapshots.record(git, clone, why=why, flags=flags)
    hidden = _strange(git, clone.place, saved, target)
    if not hidden:
        return saved
    saved = snapshots.record(git, clone, why=why, flags=flags, extra=hidden)
    strange = _strange(git, clone.place, saved, target)
    if strange:
        raise Stopped("dirty-overlap", argv=preflight.STATUS, paths=strange, facts={"untracked": strange})
    return saved


def _strange(git: Git, place: Place, saved: Snapshot, target: Snapshot) -> list[str]:
    steps = _file_steps(git, saved, target)
    tree = Worktree(git, place.top, steps)
    return [step.path for step in steps if tree.stands(step) == "other"]


def _file_steps(git: Git, saved: Snapshot, target: Snapshot) -> list[Step]:
    """Files to change; repositories inside of the clone are left alone, and so is what the target left out."""
    alone = {*target.meta["left"], *_ignored_then(git, saved, target)}
    steps = history.changes(git, saved.tree, target.tree)
    return [step for step in steps if step.path not in alone and not _is_link(step)]


def _ignored_then(git: Git, saved: Snapshot, target: Snapshot) -> list[str]:
    """Files that the target does not have because git ignored them, or the folder that they are in."""
    ignored = {*target.meta.get("ignored", ())}
    folders = tuple(path for path in ignored if path.endswith("/"))
    untracked = {path for path in saved.meta["untracked"] if path.startswith(folders)}
    gone = [step.path for step in history.changes(git, saved.tree, target.tree) if step.new is None]
    return [path for path in gone if path in ignored or path in untracked]


def _is_link(step: Step) -> bool:
    return any(entry and entry[0] == GITLINK for entry in (step.old, step.new))


class _IndexStep(NamedTuple):
    """One path of the index that differs."""

    path: str
    old: Staged
    new: Staged


def _index_steps(git: Git, saved: Snapshot, target: Snapshot) -> list[_IndexStep]:
    metas = (saved.meta, target.meta)
    paths = {step.path for step in history.changes(git, saved.meta["index"], target.meta["index"])}
    paths |= {step.path.partition("/")[2] for step in history.changes(git, saved.meta["stages"], target.meta["stages"])}
    flags = [meta["flags"] for meta in metas]
    paths |= {path for path in {*flags[0], *flags[1]} if flags[0].get(path) != flags[1].get(path)}
    return [_IndexStep(path, *(_staged(git, meta, path) for meta in metas)) for path in sorted(paths)]


def _staged(git: Git, meta: Json, path: str) -> Staged:
    found = []
    for stage, tree, name in (("0", meta["index"], path), *((n, meta["stages"], f"{n}/{path}") for n in "123")):
        entry = trees.entry_at(git, tree, name) if tree else None
        if entry and entry[0] != trees.FOLDER:
            found.append((*entry, stage))
    return (*found, ("", "", meta["flags"].get(path, PLAIN))) if found else ()


class _Restoring:
    """The way from what is there to a snapshot.

    Args:
        git: the clone.
        place: where it is.
        saved: what is there.
        target: what shall be there.
    """

    def __init__(self, git: Git, place: Place, saved: Snapshot, target: Snapshot) -> None:
        self.saved = saved
        self.target = target
        self._git = git
        self._place = place
        self._real = os.path.join(place.git_dir, "index")
        self._fresh = os.path.join(place.own, "index")
        self._stage = os.path.join(place.own, "stage")
        self._files = _file_steps(git, saved, target)
        self._staged = _index_steps(git, saved, target)
        self._tree = Worktree(git, place.top, self._files)

    @property
    def is_needed(self) -> bool:
        """Whether anything differs."""
        return bool(self._files or self._staged or self.saved.head != self.target.head)

    def prepare(self) -> None:
        """Make the new index and the new files, aside.

        Raises:
            Stopped: `disk-full`.
        """
        import shutil

        due = [step for step in self._files if step.new and self._tree.stands(step) == "old"]
        self._check_room(due)
        shutil.copy2(self._real, self._fresh)  # with its time, as git compares it with those of files
        self._make_index()
        plain = [step for step in due if step.new == trees.entry_at(self._git, self.target.meta["index"], step.path)]
        self._check_out(plain)
        for step in due:
            if step not in plain:
                self._write(step)

    def _check_room(self, due: list[Step]) -> None:
        sizes = [self._git.find(step.new[1]) for step in due if step.new]
        needed = adopt.ROOM * (sum(found.size for found in sizes if found) + os.path.getsize(self._real))
        room = os.statvfs(self._place.git_dir)
        if room.f_bavail * room.f_frsize < needed or (room.f_files > 0 and room.f_favail < adopt.ROOM * len(due)):
            raise Stopped("disk-full", argv=["df", self._place.git_dir], facts={"needed": needed})

    def _make_index(self) -> None:
        """Path by path, and only where the index is as it was: what a person staged meanwhile stays."""
        present = _index_now(self._git)
        due = [step for step in self._staged if present.get(step.path, ()) == step.old]
        gone = "0" * len(self.target.oid)
        lines = [f"0 {gone}\t{step.path}\0" for step in due if step.old]
        lines += [f"{mode} {oid} {stage}\t{step.path}\0" for step in due for mode, oid, stage in step.new if mode]
        self._run("update-index", "-z", "--index-info", said=lines)
        for letter, options in OPTIONS.items():
            paths = [step.path + "\0" for step in due if step.new and step.new[-1][2] == letter]
            for option in options if paths else ():
                self._run("update-index", option, "-z", "--stdin", said=paths)

    def _check_out(self, steps: list[Step]) -> None:
        """Files that had no edit: with every filter that a checkout applies."""
        if not steps:
            return
        scratch = os.path.join(self._place.own, "merge-index")
        self._git.ok("read-tree", self.target.meta["index"], index=scratch)
        names = "".join(step.path + "\0" for step in steps).encode("utf-8", "surrogateescape")
        self._git.ok("checkout-index", "-q", f"--prefix={self._stage}/", "-z", "--stdin", stdin=names, index=scratch)
        os.unlink(scratch)
        for step in steps:
            path = os.path.join(self._stage, step.path)
            if not os.path.islink(path):
                with open(path, "rb+") as handle:
                    sync_to_disk(handle)

    def _write(self, step: Step) -> None:
        """An edited file: the bytes that were there."""
        mode, oid = step.new or ("", "")
        data = self._git.contents(oid).data
        path = os.path.join(self._stage, step.path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if mode == "120000":
            os.symlink(os.fsdecode(data), path)
            return
        with open(path, "wb") as handle:
            handle.write(data)
            sync_to_disk(handle)
        if mode == "100755":
            os.chmod(path, os.stat(path).st_mode | 0o111)  # noqa: S103  as git checks an executable file out

    def carry_out(self, notes: Journal) -> list[str]:
        """Move everything into its place; the paths that somebody changed this instant, and that were left to him.

        Raises:
            Stopped: `lock`, when somebody has the branch; the next sync goes on.
        """
        for step in sorted(self._files, key=lambda step: step.new is not None):
            if self._tree.stands(step) == "old":
                self._tree.put(step, os.path.join(self._stage, step.path))
        self._run("update-index", "-q", "--refresh", said=[])
        with open(self._fresh, "rb+") as handle:
            sync_to_disk(handle)
        os.rename(self._fresh, self._real)
        sync_folder(self._place.git_dir)
        ref, old, new = notes.undoing["branch"], self.saved.head, self.target.head
        if self._git.resolve(ref) == old != new and not adopt.write_ref(self._git, self._place, ref, old, new):
            raise Stopped("lock", argv=["git", "update-ref", ref, new, old], paths=[ref])
        left = [step.path for step in self._files if self._tree.stands(step) != "new"]
        # What the remote has of the branch as it was is not sent again, though in other commits.
        landed = {"head": new, "new": self.target.meta["landed"]} if self.target.meta.get("landed") else notes.landed
        notes.write(undo={}, landed=landed)
        return left

    def _run(self, *args: str, said: list[str]) -> None:
        stdin = "".join(said).encode("utf-8", "surrogateescape")
        result = self._git.run(*args, stdin=stdin, index=self._fresh)
        # --refresh says by its code that files have edits.
        if result.code != 0 and "--refresh" not in args:
            raise result.stopped("git-failed")

    def told(self, left: list[str]) -> Json:
        """What was done with files."""
        done = [step for step in self._files if step.path not in left]
        ignored = _ignored_then(self._git, self.saved, self.target)
        return {
            "written": [step.path for step in done if step.new],
            "removed": [step.path for step in done if not step.new],
            "left": sorted({*left, *self.target.meta["left"], *ignored}),
        }


def _index_now(git: Git) -> dict[str, Staged]:
    found: dict[str, list[tuple[str, str, str]]] = {}
    tags: dict[str, str] = {}
    for line in git.ok("ls-files", "-z", "--stage", "-v").split(b"\0")[:-1]:
        head, _, name = line.partition(b"\t")
        tag, mode, oid, stage = head.decode().split(" ")
        path = history.text(name)
        found.setdefault(path, []).append((mode, oid, stage))
        tags[path] = PLAIN if stage != "0" else tag
    return {path: (*entries, ("", "", tags[path])) for path, entries in found.items()}


def _on_remote(git: Git, clone: Clone, before: str, after: str) -> Json:
    """Commits that the clone goes back from and the remote keeps."""
    if not git.find(clone.seen) or git.is_ancestor(before, after):
        return {"landed": [], "revert": []}
    there = {*history.rev_list(git, clone.seen, "^" + after)}
    gone = [commit for commit in history.commits(git, before, "^" + after) if commit["oid"] in there]
    single = {*history.rev_list(git, "--no-merges", before, "^" + after)}
    return {"landed": gone, "revert": [commit["oid"] for commit in reversed(gone) if commit["oid"] in single]}


def recover(git: Git, place: Place, notes: Journal) -> None:
    """Finish an undo that a crash left, path by path; what a person changed meanwhile stays as it is.

    Raises:
        Stopped: `lock` when somebody has the index.
    """
    plan = notes.undoing
    at_work = any(os.path.lexists(os.path.join(place.git_dir, name)) for name, _kind in preflight.IN_PROGRESS)
    if not plan or at_work:
        return
    saved, target = (snapshots.read(git, plan[name]) for name in ("saved", "target"))
    on_branch = git.run("symbolic-ref", "-q", "HEAD").stdout.decode().strip() == plan["branch"]
    if saved is None or target is None or not on_branch:
        notes.write(undo={})
        return
    if git.resolve(plan["branch"]) not in (saved.head, target.head):
        notes.write(undo={})
        return
    with adopt.index_locked(place):
        work = _Restoring(git, place, saved, target)
        work.prepare()
        snapshots.keep(git, place, saved._replace(id=plan["id"]))
        work.carry_out(notes)
