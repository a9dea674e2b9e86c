"""The things that hold after every sync, whatever it met; and after the next one, when the fault is mended.

The sixteenth, that a host behind ssh tells the same as this machine, compares two syncs: test_faults.py.

They look at files, refs and commits from outside, not at what the engine says of itself.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from deployer.gitsync.classes import CLASSES, Retry
from deployer.gitsync.manual import report
from deployer.model.sync import Change, SyncResult, SyncStatus
from tests.budget.pace import limit
from tests.integration.gitsync.faults.scene import SECRET, Scene
from tests.integration.gitsync.faults.situation import Situation

ENDED_WELL = frozenset({SyncStatus.LANDED, SyncStatus.RECEIVED, SyncStatus.IN_SYNC})
MOST_REFS = 10
"""Refs of ours after a sync or two."""
PATIENCE = 60.0
"""Seconds that processes which were told to end may take."""
Lines = frozenset[tuple[str, str]]


@dataclass
class Look:
    """A world at one moment."""

    scene: Scene
    state: dict[str, str] = field(init=False)
    """Every file of the clone but objects and what is ours, hashed."""
    files: dict[str, bytes] = field(init=False)
    """Of the work tree."""
    modes: dict[str, int] = field(init=False)
    head: dict[str, str] = field(init=False)
    """Path -> blob of HEAD."""
    index: frozenset[str] = field(init=False)
    objects: frozenset[str] = field(init=False)
    commits: dict[str, tuple[str, str]] = field(init=False)
    """That the clone's refs reach."""
    kept: frozenset[str] = field(init=False)
    """Those, and those of our snapshots."""
    remote: dict[str, tuple[str, str]] = field(init=False)
    tip: str = field(init=False)
    locks: frozenset[Path] = field(init=False)

    def __post_init__(self) -> None:
        scene = self.scene
        self.state = scene.state()
        self.files = {path: scene.clone.joinpath(path).read_bytes() for path in self.state if is_of_people(scene, path)}
        self.modes = {path: scene.clone.joinpath(path).stat().st_mode for path in self.files}
        listed = scene.bytes_of("ls-tree", "-rz", "HEAD").decode(errors="surrogateescape").split("\0")
        self.head = {line.partition("\t")[2]: line.split()[2] for line in listed if line}
        entries = scene.bytes_of("ls-files", "-z", "--stage", "-v").decode(errors="surrogateescape").split("\0")
        self.index = frozenset(entry for entry in entries if entry)
        objects = scene.clone / ".git" / "objects"
        self.objects = frozenset(path.relative_to(objects).as_posix() for path in objects.rglob("*") if path.is_file())
        self.commits = scene.patches(scene.clone, "--exclude=refs/deployer/*", "--all", "HEAD")
        self.kept = frozenset(scene.bytes_of("rev-list", "--all", "HEAD").decode().split())
        self.remote = scene.patches(scene.bare, "--all")
        self.tip = scene.git(scene.bare, "rev-parse", "-q", "--verify", f"refs/heads/{scene.branch}", check=False)
        self.locks = frozenset(path for top in (scene.clone / ".git", scene.bare) for path in top.rglob("*.lock"))

    def edits(self) -> dict[str, bytes]:
        """Files that are not as HEAD has them: people's."""
        return {path: data for path, data in self.files.items() if self.head.get(path) != _blob(data)}

    def staged(self) -> frozenset[str]:
        """Entries of the index that are not as HEAD has them, or have a flag."""
        return frozenset(entry for entry in self.index if not self._is_plain(entry))

    def unmerged(self) -> set[str]:
        """Files in conflict: whoever solves it rewrites them."""
        split = [entry.partition("\t") for entry in self.index]
        return {path for head, _, path in split if not head.endswith(" 0")}

    def _is_plain(self, entry: str) -> bool:
        head, _, path = entry.partition("\t")
        tag, _mode, oid, number = head.split(" ")
        return tag == "H" and number == "0" and self.head.get(path) == oid


def is_of_people(scene: Scene, path: str) -> bool:
    """Whether a path is a file of the work tree."""
    return not path.startswith(".git/") and path != ".git" and not scene.clone.joinpath(path).is_symlink()


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass
class Case:
    """A sync that met a fault, seen before and after."""

    scene: Scene
    situation: Situation
    before: Look
    after: Look
    result: SyncResult
    change: Change | None
    decoy: dict[str, bytes]
    """Another repository, around the clone, as it was."""

    @property
    def ended_well(self) -> bool:
        """Whether nothing is left to be done."""
        return self.result.status in ENDED_WELL

    @property
    def words(self) -> str:
        """All that people get to read."""
        work = self.result.manual
        return repr(self.result) + (report(work) if work else "")


def check(case: Case) -> None:
    """All that holds at once."""
    for invariant in INVARIANTS:
        invariant(case)


def no_commit_is_lost(case: Case) -> None:
    """1. What the clone or the remote had is there: as it was, or with its patch, author and date on the remote."""
    lost = {*case.before.commits} - case.after.kept - {*_replayed(case)}
    assert not lost, f"commits are gone: {lost}"
    assert case.before.objects <= case.after.objects, "objects are gone"


def _replayed(case: Case) -> list[str]:
    """Commits of the clone that are on the remote, as they were or on top of others."""
    keys = {*case.after.commits.values(), *case.after.remote.values()}
    return [oid for oid, key in case.before.commits.items() if key in keys]


def no_commit_is_lost_when_people_solve(case: Case) -> None:
    """1, later: a person may have put something else into a commit, with its author, date and subject."""
    names = {name for _patch, name in (*case.after.commits.values(), *case.after.remote.values())}
    lost = {oid for oid, (_patch, name) in case.before.commits.items() if name not in names}
    assert not lost, f"commits are gone: {lost}"


def no_edit_is_lost(case: Case) -> None:
    """2. Edits, untracked and ignored files have their bytes and modes; the index what was staged, and flags."""
    filtered = case.situation.merged if case.ended_well else ()
    for path, data in case.before.edits().items():
        assert path in filtered or case.after.files.get(path) == data, f"{path} changed under its author"
    for path in case.before.files.keys() & case.after.files.keys():
        assert case.before.modes[path] == case.after.modes[path], f"{path} has another mode"
    assert case.before.staged() <= case.after.index, "what was staged is gone"


def a_failure_changes_nothing(case: Case) -> None:
    """3. HEAD, branches, index, work tree, stash, configuration, hooks, what is in progress: all as before."""
    if not case.ended_well or case.result.status is SyncStatus.IN_SYNC:
        changed = {path for path, _hash in {*case.before.state.items()} ^ {*case.after.state.items()}}
        assert not changed, f"changed by a sync that failed: {changed}"


def each_lands_once(case: Case) -> None:
    """4. One intended change is one commit on the remote, also after a push whose end was not known."""
    many = {key: count for key, count in Counter(case.after.remote.values()).items() if count > 1}
    assert not many, f"more than once on the remote: {many}"
    if case.change:
        subjects = case.scene.git(case.scene.bare, "log", "--all", "--format=%s", check=False).splitlines()
        assert subjects.count(case.change.message) <= 1


def what_is_told_to_have_landed_has(case: Case) -> None:
    """5. A clone made now has every commit that was said to have landed."""
    told = [*(commit.oid for commit in case.result.landed), *filter(None, [case.result.change])]
    for oid in told:
        case.scene.git(case.scene.bare, "merge-base", "--is-ancestor", oid, case.scene.branch)
    if told:
        fresh = case.scene.root / "fresh"
        case.scene.git(case.scene.root, "clone", "-q", "--branch", case.scene.branch, str(case.scene.bare), str(fresh))
        case.scene.git(case.scene.root, "-C", str(fresh), "cat-file", "-e", told[0])


def the_remote_only_grows(case: Case) -> None:
    """6. Each tip has the former one in its history, and nothing is ever called with force."""
    if case.before.tip != case.after.tip and case.before.tip:
        case.scene.git(case.scene.bare, "merge-base", "--is-ancestor", case.before.tip, case.after.tip)
    for argv in case.scene.argv():
        forced = [word for word in argv if word in ("-f", "-u") or "force" in word or word.startswith("+")]
        assert not forced, argv


def both_sides_are_in_what_landed(case: Case) -> None:
    """7. What landed has every line that each side added, and none that a side took out."""
    if not case.ended_well or not case.before.tip or not case.result.landed:
        return
    scene, first = case.scene, case.scene.git(case.scene.bare, "rev-list", "--max-parents=0", case.after.tip)
    has = _lines(scene, scene.bare, first, case.after.tip)
    for oid in (*case.before.commits, *case.before.remote):
        where = scene.bare if oid in case.before.remote else scene.clone
        if oid != first:
            missing = _lines(scene, where, f"{oid}^", oid) - has
            assert not missing, f"of {oid}: {missing}"


def no_conflict_marks_land(case: Case) -> None:
    """8. No line of the remote begins like a mark of a conflict."""
    found = case.scene.git(case.scene.bare, "grep", "-lE", "^(<<<<<<<|>>>>>>>) ", case.scene.branch, "--", check=False)
    assert not found.startswith(case.scene.branch + ":"), found


def who_ends_well_is_in_step(case: Case) -> None:
    """9. After a sync that ended well clone and remote have the same tip."""
    if case.ended_well:
        assert case.scene.git(case.scene.clone, "rev-parse", "HEAD") == case.after.tip


def a_journal_has_nothing_to_do(case: Case) -> None:
    """10. Nothing is half done: a sync at once after this one would find no adoption and no undo to finish."""
    own = case.scene.clone / ".git" / "deployer"
    journal = own / "journal.json"
    text = journal.read_text() if journal.is_file() else ""
    assert '"adopt"' not in text
    assert '"undo"' not in text


def nothing_of_ours_is_left(case: Case) -> None:
    """11. No lock, no staged file, nothing in progress, neither in the clone nor on the remote."""
    assert case.after.locks <= case.before.locks, "a lock was left"
    own = case.scene.clone / ".git" / "deployer"
    left = [path for name in ("tokens", "stage") for path in own.glob(f"{name}/*")]
    assert not [*left, *own.glob("index*"), *own.glob("merge-index*")]


def people_come_first(case: Case) -> None:
    """12. Locks of others, and what they have in progress, are there still."""
    kept = {path for path in case.before.locks if path.is_relative_to(case.scene.clone)}
    held = {path for path in kept if "deployer" not in path.parts}
    if not case.ended_well:
        assert held <= case.after.locks
    for name in ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG", "rebase-merge", "rebase-apply"):
        was = {path for path in case.before.state if path.startswith(f".git/{name}")}
        assert was == {path for path in case.after.state if path.startswith(f".git/{name}")}


def no_other_repository_is_touched(case: Case) -> None:
    """13. Each git is told where to work, and the repository around the clone is as it was."""
    top = os.path.realpath(case.scene.clone)
    for argv in case.scene.argv():
        assert argv[0] == "-C", argv
        assert argv[1] in (top, str(case.scene.clone), str(case.scene.clone.parent)), argv
    assert decoy_of(case.scene) == case.decoy


def the_words_are_complete(case: Case) -> None:
    """14. The class, the tries within their budget, no secret; manual work says host, clone, command and what to do."""
    settings, last = case.scene.settings, case.situation.last
    assert SECRET not in case.words
    retry = CLASSES[last].retry if last else Retry.NEVER
    assert case.result.attempts <= settings.attempts or retry is Retry.LOCK
    work = case.result.manual
    assert (work is not None) == (case.result.status is SyncStatus.MANUAL)
    if work:
        text = report(work)
        for word in (
            work.host,
            work.path,
            work.command,
            f"class: {last}",
            CLASSES[last].told,
            *work.commands,
            *work.paths,
        ):
            assert word in text, word
        assert work.commands, "nothing to paste"
        assert work.line == text.splitlines()[0]


def nothing_lives_on(case: Case) -> None:
    """15. No process of the sync is left, and the refs of ours are few."""
    end = time.monotonic() + limit(PATIENCE)
    while case.scene.living() and time.monotonic() < end:
        time.sleep(0.01)
    assert not case.scene.living(), "a process of the sync is left"
    refs = [path for path in case.scene.clone.glob(".git/refs/deployer/**/*") if path.is_file()]
    assert len(refs) <= MOST_REFS, refs


def _lines(scene: Scene, where: Path, old: str, new: str) -> Lines:
    """(path, `+line` or `-line`) of a difference."""
    said = scene.git(where, "diff", "-U0", "--no-renames", "--no-ext-diff", old, new, check=False)
    path, found = "", set()
    for line in said.splitlines():
        if line.startswith("diff --git "):
            path = line.rpartition(" b/")[2]
        elif line.startswith(("+", "-")) and not line.startswith(("+++ ", "--- ")):
            found.add((path, line))
    return frozenset(found)


def decoy_of(scene: Scene) -> dict[str, bytes]:
    """The repository around the clone (the home is one), file by file."""
    top = scene.root / "home" / ".git"
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}


INVARIANTS = (
    no_commit_is_lost,
    no_edit_is_lost,
    a_failure_changes_nothing,
    each_lands_once,
    what_is_told_to_have_landed_has,
    the_remote_only_grows,
    both_sides_are_in_what_landed,
    no_conflict_marks_land,
    who_ends_well_is_in_step,
    a_journal_has_nothing_to_do,
    nothing_of_ours_is_left,
    people_come_first,
    no_other_repository_is_touched,
    the_words_are_complete,
    nothing_lives_on,
)
