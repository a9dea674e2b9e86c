"""Brings the clone's branch, index and work tree to a new tip, past everything that people have there.

Everything is staged and checked first, under git's own `index.lock`; then the journal; then only renames, links and
unlinks: files, index, branch. A crash leaves a journal from which `recover` does the rest, path by path.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Any, Callable, NamedTuple

from . import history, journal, preflight, refs
from .failure import Stopped
from .git import Git, sync_to_disk
from .history import Entry, Step
from .journal import Journal
from .preflight import Clone, Place
from .worktree import GITLINK, Worktree

ROOM = 3
"""Free space that is asked for, as a multiple of what comes in."""


class Adoption(NamedTuple):
    """What became of an adoption."""

    is_done: bool
    left: list[str]
    """Paths on which people have edits or files of their own: all that stopped it; or, where it is done, those that
    were written this instant, and were left as they are."""


def adopt(git: Git, clone: Clone, notes: Journal, new: str, save: Callable[[bool], None]) -> Adoption:
    """Adopt a commit.

    Args:
        git: the clone.
        clone: the clone.
        notes: its journal.
        new: the commit.
        save: takes the snapshot, before anything is changed and once it is sure that it will be; is told whether the
            index is plain: no flags, no files in conflict.

    Returns:
        Whether it is done; else nothing at all was.

    Raises:
        Stopped: `lock` or `stale-lock` when somebody has the index or the branch, `merge-in-progress` and the like when
            somebody began one meanwhile, `disk-full`, `permission`.
    """
    steps = history.changes(git, clone.head, new)
    plan = {"branch": clone.ref, "tracking": _tracking(git, clone, new), "old": clone.head, "new": new}
    with index_locked(clone.place), _branch_locked(clone.place, clone.ref, new):
        preflight.check_at_work(clone.place)
        if _head_of(git, clone.ref) != clone.head:
            raise Stopped("lock", argv=["git", "rev-parse", clone.ref], paths=[clone.ref])
        index = Index(git, clone.place)
        left = _overlap(git, clone.place, index, steps)
        if left:
            return Adoption(is_done=False, left=left)
        _check_writable(clone.place, steps)
        due = index.followed(steps)
        index.prepare(due, known=steps)
        save(all(tag == "H" for tag, _entry in index.entries.values()))
        notes.write(adopt={**plan, "steps": [[step.path, step.old, step.new] for step in steps]})
        return Adoption(is_done=True, left=_apply(git, clone.place, index, notes, due))


def recover(git: Git, place: Place, notes: Journal) -> list[str]:
    """Finish what a crash left, path by path; what a person changed meanwhile stays as it is.

    Returns:
        The paths that somebody changed meanwhile.

    Raises:
        Stopped: `lock` or `stale-lock` when somebody has the index or the branch, `merge-in-progress` and the like when
            somebody is in the middle of one, `index-missing` and the like: the plan waits for its end.
    """
    journal.release_leftovers(place.own)
    plan = notes.adopting
    if not plan:
        return []
    preflight.check_at_work(place)
    on_branch = git.run("symbolic-ref", "-q", "HEAD").stdout.decode().strip() == plan["branch"]
    if not on_branch or _head_of(git, plan["branch"]) not in (plan["old"], plan["new"]):
        notes.write(adopt={})
        return []
    steps = [Step(path, _pair(old), _pair(new)) for path, old, new in plan["steps"]]
    with index_locked(place), _branch_locked(place, plan["branch"], plan["new"]):
        preflight.check_index(place)
        index = Index(git, place)
        left = _overlap(git, place, index, steps)
        if left and not _is_begun(git, place, index, plan, steps):
            notes.write(adopt={})  # as without a crash: what is in the way is reported, and nothing moves
            return []
        due = _due(git, place, index, steps)
        index.prepare(due, known=steps)
        return left + _apply(git, place, index, notes, due)


def _is_begun(git: Git, place: Place, index: Index, plan: dict[str, Any], steps: list[Step]) -> bool:
    """Whether the crash came after something had moved: then the rest must follow."""
    due = index.followed(steps)
    tree = Worktree(git, place.top, due)
    files = [step for step in due if GITLINK not in _modes(step)]
    return _head_of(git, plan["branch"]) != plan["old"] or (
        any(map(index.is_new, due)) or any(tree.stands(step) == "new" for step in files)
    )


def _due(git: Git, place: Place, index: Index, steps: list[Step]) -> list[Step]:
    """Steps of files that are to be moved yet; what people staged, flagged or edited since stays as it is."""
    due = [step for step in index.followed(steps) if index.stands(step)]
    tree = Worktree(git, place.top, due)
    return [step for step in due if tree.stands(step) == "old"]


def _apply(git: Git, place: Place, index: Index, notes: Journal, due: list[Step]) -> list[str]:
    """Move everything; the paths where somebody wrote something of his own this instant, which stays."""
    plan = notes.adopting
    tree = Worktree(git, place.top, due)
    left = []
    for step in sorted(due, key=lambda step: step.new is not None):
        stands = tree.stands(step)
        is_put = stands == "old" and tree.put(step, os.path.join(index.stage, step.path))
        if not is_put and stands != "new":
            left.append(step.path)
    index.install()
    if not write_ref(git, place, plan["branch"], plan["old"], plan["new"], is_locked=True) and (
        _head_of(git, plan["branch"]) != plan["new"]
    ):
        raise Stopped("lock", argv=["git", "rev-parse", plan["branch"]], paths=[plan["branch"]])
    if plan["tracking"]:
        write_ref(git, place, plan["tracking"][0], plan["tracking"][1], plan["new"])
    notes.write(adopt={}, landed={})
    return left


@contextlib.contextmanager
def index_locked(place: Place) -> Any:  # noqa: ANN401  a generator; its type is named differently on 3.9
    """Hold git's own lock of the index, by a link that is provably ours; raises Stopped (`lock`) when it is taken."""
    lock = os.path.join(place.git_dir, "index.lock")
    if not journal.lock_file(place.own, lock):
        raise preflight.locked(place, lock)
    try:
        yield
    finally:
        journal.unlock_file(place.own, lock)
        journal.discard_stage(place.own)


@contextlib.contextmanager
def _branch_locked(place: Place, ref: str, new: str) -> Any:  # noqa: ANN401  as above
    """Hold git's lock of the branch, with what it will be: whoever has it stops us before a file has moved."""
    if refs.is_reftable(place):
        yield
        return
    lock = os.path.join(place.common_dir, *ref.split("/")) + ".lock"
    os.makedirs(os.path.dirname(lock), exist_ok=True)
    if not journal.lock_file(place.own, lock, new.encode() + b"\n"):
        raise preflight.locked(place, lock)
    try:
        yield
    finally:
        journal.unlock_file(place.own, lock)


def _check_writable(place: Place, steps: list[Step]) -> None:
    """Files move one by one: a folder that takes none must be found before the first has moved."""
    for folder in sorted({os.path.dirname(step.path) for step in steps}):
        path = os.path.join(place.top, folder)
        while not os.path.isdir(path):
            path = os.path.dirname(path)
        if not os.access(path, os.W_OK | os.X_OK):
            raise Stopped("permission", argv=["ls", "-ld", path], paths=[folder or "."])


class Index:
    """The clone's index, and the one that will take its place."""

    def __init__(self, git: Git, place: Place) -> None:
        import shutil

        self._git = git
        self._real = os.path.join(place.git_dir, "index")
        self._fresh = os.path.join(place.own, "index")
        self.stage = os.path.join(place.own, "stage")
        # With its time: git takes an entry for possibly edited when it is not older than the index (whole seconds in
        # Debian's build). In a copy that is younger, an edit made within the second of the checkout would be hidden.
        shutil.copy2(self._real, self._fresh)
        self.entries: dict[str, tuple[str, Entry]] = {}
        for line in git.ok("ls-files", "-z", "--stage", "-v", index=self._fresh).split(b"\0")[:-1]:
            head, _, name = line.partition(b"\t")
            tag, mode, oid, number = head.decode().split(" ")
            self.entries[history.text(name)] = (tag if number == "0" else "M", (mode, oid))

    def stands(self, step: Step) -> bool:
        """Whether the index has this path as the old or the new commit has it, with no flag that hides edits."""
        tag, entry = self.entries.get(step.path, ("H", None))
        return tag == "H" and entry in (step.old, step.new)

    def is_new(self, step: Step) -> bool:
        """Whether the index has this path as the new commit has it."""
        return step.path in self.entries and self.entries[step.path][1] == step.new

    def followed(self, steps: list[Step]) -> list[Step]:
        """Steps that change a file: one that people took out of the index and kept on their disk is theirs alone."""
        return [step for step in steps if step.new is not None or step.path in self.entries]

    def prepare(self, steps: list[Step], *, known: list[Step]) -> None:
        """Make the new index, and the new files with every filter that a checkout applies.

        Args:
            steps: whose files are needed; the index stands for each.
            known: every step of the index.

        Raises:
            Stopped: `disk-full`.
        """
        due = [step for step in known if self.stands(step)]
        lines = [f"0 {'0' * len(step.old[1] if step.old else '')}\t{step.path}\0" for step in due if step.new is None]
        lines += [f"{step.new[0]} {step.new[1]}\t{step.path}\0" for step in due if step.new]
        self._run("update-index", "-z", "--index-info", stdin=_encode(lines))
        wanted = [step.path + "\0" for step in steps if step.new and step.new[0] != GITLINK]
        self._check_room(steps)
        if wanted:
            self._run("checkout-index", "-q", f"--prefix={self.stage}/", "-z", "--stdin", stdin=_encode(wanted))
        for folder, _folders, names in os.walk(self.stage):
            for name in names:
                _fsync(os.path.join(folder, name))

    def install(self) -> None:
        """Put the new index in the place of the old one."""
        # Only its cached times come from this; without them git looks at the files again.
        self._git.run("update-index", "-q", "--refresh", index=self._fresh)
        _fsync(self._fresh)
        os.rename(self._fresh, self._real)
        journal.sync_folder(os.path.dirname(self._real))

    def _run(self, *args: str, stdin: bytes) -> None:
        result = self._git.run(*args, stdin=stdin, index=self._fresh)
        if result.code != 0:
            raise result.stopped("git-failed")

    def _check_room(self, steps: list[Step]) -> None:
        found = [self._git.find(step.new[1]) for step in steps if step.new and step.new[0] != GITLINK]
        room = os.statvfs(os.path.dirname(self._real))
        needed = ROOM * (sum(blob.size for blob in found if blob) + os.path.getsize(self._real))
        if room.f_bavail * room.f_frsize < needed or (room.f_files > 0 and room.f_favail < ROOM * len(steps)):
            raise Stopped("disk-full", argv=["df", self._real], facts={"needed": needed})


def _overlap(git: Git, place: Place, index: Index, steps: list[Step]) -> list[str]:
    due = index.followed(steps)
    tree = Worktree(git, place.top, due)
    return [step.path for step in due if not index.stands(step) or tree.stands(step) == "other"]


def _modes(step: Step) -> list[str]:
    return [entry[0] for entry in (step.old, step.new) if entry]


def _tracking(git: Git, clone: Clone, new: str) -> list[str]:
    """`refs/remotes/…` and its value, where it would only go forward: people read "ahead of origin" from it."""
    named = [clone.config.get(f"branch.{clone.branch}.{what}", [""])[-1] for what in ("remote", "merge")]
    plain = [f"+refs/heads/*:refs/remotes/{named[0]}/*"]
    if clone.config.get(f"remote.{named[0]}.fetch") == plain and named[1].startswith("refs/heads/"):
        said = named[1].replace("refs/heads/", f"refs/remotes/{named[0]}/", 1)
    else:
        said = git.line("for-each-ref", "--format=%(upstream)", clone.ref)
    if not said.startswith("refs/remotes/"):
        return []
    value = _head_of(git, said)
    return [said, value] if value and value != new and git.is_ancestor(value, new) else []


def _head_of(git: Git, ref: str) -> str:
    return git.resolve(ref)


def write_ref(git: Git, place: Place, ref: str, old: str, new: str, *, is_locked: bool = False) -> bool:
    """Move a ref from one value to another, by a lock that is provably ours; False when it is locked or elsewhere.

    So it is when it is another name of another ref: it would be cut off from that.

    `git update-ref` does the same, but its lock cannot be told from a person's after a crash.
    """
    if refs.is_reftable(place):
        return git.run("update-ref", "-m", "deployer: sync", ref, new, old).code == 0
    path = os.path.join(place.common_dir, *ref.split("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    lock = path + ".lock"
    if not is_locked and not journal.lock_file(place.own, lock, new.encode() + b"\n"):
        return False
    try:
        if _head_of(git, ref) != old or _is_symbolic(path):
            return False
        _log(git, place, ref, old, new)
        os.rename(lock, path)
        journal.sync_folder(os.path.dirname(path))
    finally:
        journal.unlock_file(place.own, lock)
    return True


def _is_symbolic(path: str) -> bool:
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as handle:
        return handle.read(len(b"ref:")) == b"ref:"
    return False


def _log(git: Git, place: Place, ref: str, old: str, new: str) -> None:
    who = git.committer().stdout.decode("utf-8", "surrogateescape").strip()
    if not who:
        return
    line = f"{old} {new} {who}\tdeployer: sync\n".encode("utf-8", "surrogateescape")
    logs = [os.path.join(place.common_dir, "logs", ref)]
    if ref.startswith("refs/heads/"):
        logs.append(os.path.join(place.git_dir, "logs", "HEAD"))
    for path in logs:
        if os.path.isfile(path):
            with open(path, "ab") as handle:
                handle.write(line)


def _fsync(path: str) -> None:
    if stat.S_ISREG(os.lstat(path).st_mode):
        with open(path, "rb+") as handle:
            sync_to_disk(handle)


def _encode(lines: list[str]) -> bytes:
    return "".join(lines).encode("utf-8", "surrogateescape")


def _pair(entry: Any) -> Entry | None:  # noqa: ANN401  from JSON
    return (entry[0], entry[1]) if entry else None
