"""Snapshots before syncs, and the way back to them."""

from __future__ import annotations

import re
import subprocess
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.errors import AttentionError, DeployerError, LockedError, UsageError
from deployer.model.sync import SyncStatus
from tests.budget.marks import sampled

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World

MOST_POINTS = 110
"""More than an undo has mutating calls; those beyond its end are undos that nobody killed."""


def tangle(world: World, manifest: str) -> None:
    """MM, M, a staged new file, a deleted one, a staged deletion, a mode, a link, untracked and ignored files."""
    clone = world.clone
    names = ["both.xml", "worktree.xml", "gone.xml", "staged-gone.xml", "mode.sh", "later-a-folder", "flag.xml"]
    world.commit(clone, dict.fromkeys(names, manifest), "many files", push=True)
    world.git(world.ada, "pull", "-q")
    (clone / "both.xml").write_text("staged\n")
    (clone / "staged new.xml").write_text("new\n")
    world.git(clone, "add", "both.xml", "staged new.xml")
    (clone / "both.xml").write_text("and edited\n")
    (clone / "worktree.xml").write_bytes(b"\xff no text \r\n")
    (clone / "gone.xml").unlink()
    world.git(clone, "rm", "-q", "staged-gone.xml")
    (clone / "mode.sh").chmod(0o755)
    (clone / "later-a-folder").unlink()
    (clone / "later-a-folder").mkdir()
    (clone / "later-a-folder" / "untracked ü.xml").write_text("untracked\n")
    (clone / "link").symlink_to("nowhere")
    (clone / "flag.xml").write_text("hidden from git status\n")
    world.git(clone, "update-index", "--assume-unchanged", "flag.xml")
    (clone / ".git" / "info" / "exclude").write_text("*.ignored\n")
    (clone / "x.ignored").write_text("ignored\n")


def news(world: World) -> None:
    """The remote changes, adds and deletes a file."""
    world.commit(world.ada, {"viatris.xml": "of ada\n", "new/new.xml": "new\n", "other.xml": None}, "of ada", push=True)


def people(world: World) -> dict[str, str]:
    """What an undo must bring back: the work tree, the index by content, HEAD and the branch; and what it leaves."""
    files = {path: told for path, told in world.state().items() if not path.startswith(".git/")}
    files["index"] = world.git(world.clone, "ls-files", "--stage", "-v")
    files["status"] = world.git(world.clone, "status", "--porcelain=v2", "--ignored")
    files["head"] = world.git(world.clone, "rev-parse", "--symbolic-full-name", "HEAD", "main")
    files["tip"] = world.git(world.clone, "rev-parse", "HEAD")
    files["stash"] = world.git(world.clone, "stash", "list")
    return files


def test_undo_brings_everything_back_and_can_be_undone(world: World, manifest: str) -> None:
    """Branch, index and work tree are byte for byte what they were before the sync; undone again, as after it."""
    tangle(world, manifest)
    news(world)
    before = people(world)
    assert world.engine().sync(world.host, world.repository).status is SyncStatus.RECEIVED
    after = people(world)

    undone = world.engine().undo(world.host, world.repository, why="undo by ben")
    back = people(world)
    again = world.engine().undo(world.host, world.repository)

    assert (back, people(world)) == (before, after)
    assert before["tip"] != after["tip"]
    assert again.snapshot == undone.saved
    assert again.snapshot.why == "undo by ben"
    assert undone.removed == ("new/new.xml",)
    assert undone.written == ("other.xml", "viatris.xml")


def test_a_snapshot_touches_nothing(world: World, manifest: str) -> None:
    """An undo that finds everything as it was took a look at all of it, and changed not even the index's cache."""
    tangle(world, manifest)
    news(world)
    world.engine().sync(world.host, world.repository)
    world.engine().undo(world.host, world.repository)
    first = world.engine().snapshots(world.host, world.repository)
    before = world.state()

    undone = world.engine().undo(world.host, world.repository, to=first[-1].id)

    assert undone.saved is None
    assert world.state() == before
    assert world.engine().snapshots(world.host, world.repository) == first


def test_the_list_says_when_why_and_what_was_uncommitted(world: World, manifest: str) -> None:
    """Newest first; a sync with nothing to do, or one that leaves the clone alone, takes no snapshot."""
    engine = world.engine()
    head = world.git(world.clone, "rev-parse", "HEAD")
    engine.sync(world.host, world.repository, why="sync by nobody")
    world.commit(world.ada, {"other.xml": "of ada\n"}, push=True)
    engine.sync(world.host, world.repository, why="sync by cron")
    world.commit(world.ada, {"other.xml": manifest}, push=True)
    (world.clone / "viatris.xml").write_text("mine\n")
    (world.clone / "note.txt").write_text("mine\n")
    engine.sync(world.host, world.repository, why="run 1 by ops")
    world.commit(world.ada, {"viatris.xml": "of ada\n"}, push=True)
    assert engine.sync(world.host, world.repository).status is SyncStatus.MANUAL

    newest, oldest = engine.snapshots(world.host, world.repository)

    assert (newest.why, newest.dirty, newest.untracked) == ("run 1 by ops", ("viatris.xml",), ("note.txt",))
    assert (oldest.why, oldest.head, oldest.branch, oldest.subject) == ("sync by cron", head, "main", "first")
    assert oldest.dirty == oldest.untracked == ()
    assert oldest.time < newest.time


def test_a_snapshot_of_a_clean_clone_is_one_object(world: World) -> None:
    """No tree and no blob is written for it: a commit on the tree that is there."""
    world.commit(world.ada, {"other.xml": "of ada\n"}, push=True)
    head = world.git(world.clone, "rev-parse", "HEAD")
    world.engine().sync(world.host, world.repository)

    (ref,) = world.git(world.clone, "for-each-ref", "--format=%(refname)", "refs/deployer/snap").splitlines()

    assert world.git(world.clone, "rev-list", "--objects", ref, "^" + head) == world.git(world.clone, "rev-parse", ref)


def test_what_landed_is_told_and_comes_again_but_lands_once(world: World, manifest: str) -> None:
    """The remote keeps it; after the undo the next sync brings it forward, even past a later edit of the same line."""
    world.commit(world.ada, {"other.xml": "of ada\n"}, "ada's", push=True)
    mine = world.commit(world.clone, {"viatris.xml": manifest.replace("line 3\n", "mine\n")}, "mine")
    world.engine().sync(world.host, world.repository)
    tip = world.tip()

    undone = world.engine().undo(world.host, world.repository)
    assert (undone.before, undone.after, world.tip()) == (tip, mine, tip)
    assert [commit.subject for commit in undone.landed] == ["ada's", "mine"]
    world.git(world.ada, "pull", "-q")
    world.commit(world.ada, {"viatris.xml": manifest.replace("line 3\n", "hers\n")}, "later", push=True)
    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.RECEIVED, result.manual
    assert world.subjects() == ["later", "mine", "ada's", "first"]
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()


def test_an_older_snapshot_by_its_name(world: World) -> None:
    """Any of them can be named, by a beginning too; one that is not there, or not the only one, is an error."""
    engine = world.engine()
    heads = []
    for number in range(3):
        heads.append(world.git(world.clone, "rev-parse", "HEAD"))
        world.commit(world.ada, {"other.xml": f"{number}\n"}, push=True)
        engine.sync(world.host, world.repository)
    known = engine.snapshots(world.host, world.repository)

    engine.undo(world.host, world.repository, to=known[1].id[:-1])

    assert world.git(world.clone, "rev-parse", "HEAD") == heads[1]
    for wrong in ("19700101", known[0].id[:4]):
        with pytest.raises(UsageError, match="no snapshot") as caught:
            engine.undo(world.host, world.repository, to=wrong)
        assert "the newest: 2" in caught.value.hint


def test_a_clone_that_was_never_changed_has_none(world: World) -> None:
    """The error says what a snapshot is."""
    with pytest.raises(UsageError, match="no snapshot"):
        world.engine().undo(world.host, world.repository)

    assert world.engine().snapshots(world.host, world.repository) == ()


@pytest.mark.parametrize("what", ["rebase", "merge", "branch", "detached"])
def test_whoever_is_at_work_in_the_clone_is_left_alone(world: World, what: str) -> None:
    """A rebase, a merge, another branch: a person is needed, with the commands; nothing changes."""
    news(world)
    world.engine().sync(world.host, world.repository)
    if what in ("rebase", "merge"):
        world.commit(world.ada, {"viatris.xml": "ada again\n"}, push=True)
        world.commit(world.clone, {"viatris.xml": "mine\n"})
        world.git(world.clone, "pull", "-q", "--rebase" if what == "rebase" else "--no-rebase", check=False)
    else:
        world.git(world.clone, "checkout", "-q", *(["-b", "topic"] if what == "branch" else ["--detach"]))
    before = world.state()

    with pytest.raises(AttentionError) as caught:
        world.engine().undo(world.host, world.repository)

    assert caught.value.hint.startswith("cd ~/deployer/clusterconfig-fra1\n")
    assert world.state() == before


def test_another_branch_without_an_inventory(world: World) -> None:
    """The snapshot is of the branch that was checked out then."""
    news(world)
    anywhere = replace(world.repository, branch="", remote="")
    world.engine().sync(world.host, anywhere)
    world.git(world.clone, "checkout", "-q", "-b", "topic")
    before = world.state()

    with pytest.raises(AttentionError, match="another branch"):
        world.engine().undo(world.host, anywhere)

    assert world.state() == before


def test_a_lock_of_somebody_is_respected(world: World) -> None:
    """A fresh index.lock: exit code 6, and nothing is touched."""
    news(world)
    world.engine().sync(world.host, world.repository)
    world.settings = world.settings.model_copy(update={"seconds": 1.0})
    (world.clone / ".git/index.lock").touch()
    before = world.state()

    with pytest.raises(LockedError):
        world.engine().undo(world.host, world.repository)

    assert world.state() == before


def test_an_ignored_file_in_the_way_is_saved_first(world: World) -> None:
    """What would be overwritten is in the snapshot of the present, also where git would not have looked."""
    (world.clone / "report.txt").write_text("then\n")
    news(world)
    world.engine().sync(world.host, world.repository)
    (world.clone / ".git/info/exclude").write_text("report.txt\n")
    (world.clone / "report.txt").write_text("now\n")

    world.engine().undo(world.host, world.repository)
    then = (world.clone / "report.txt").read_text()
    world.engine().undo(world.host, world.repository)

    assert (then, (world.clone / "report.txt").read_text()) == ("then\n", "now\n")


def test_what_cannot_be_saved_is_in_the_way(world: World) -> None:
    """A repository of its own where a file shall come back: nothing is done, and it is named."""
    news(world)
    world.engine().sync(world.host, world.repository)
    (world.clone / "other.xml").mkdir()
    world.git(world.clone / "other.xml", "init", "-q")
    (world.clone / "other.xml" / "x").write_text("x\n")
    before = world.state()

    with pytest.raises(AttentionError) as caught:
        world.engine().undo(world.host, world.repository)

    assert "other.xml" in caught.value.hint
    assert world.state() == before


def test_a_huge_untracked_file_is_named_and_stays(world: World) -> None:
    """It is no part of a manifest repository: it is not copied at each sync, and an undo does not touch it."""
    with (world.clone / "huge.img").open("wb") as handle:
        handle.truncate((256 << 20) + 1)
    news(world)
    world.engine().sync(world.host, world.repository)
    (snapshot,) = world.engine().snapshots(world.host, world.repository)

    undone = world.engine().undo(world.host, world.repository)

    assert (snapshot.left, snapshot.untracked) == (("huge.img",), ())
    assert undone.left == ("huge.img",)
    assert (world.clone / "huge.img").stat().st_size == (256 << 20) + 1


@pytest.mark.parametrize(("folder", "kept"), [(0o755, False), (0o700, True)])
def test_a_private_file_is_not_copied_to_where_others_may_read(world: World, folder: int, kept: bool) -> None:  # noqa: FBT001  parametrized
    """An untracked key stays where it is; where nobody else may read the clone's objects it is kept as any file."""
    (world.clone / "key").write_text("secret\n")
    (world.clone / "key").chmod(0o600)
    (world.clone / ".git" / "objects").chmod(folder)
    news(world)
    world.engine().sync(world.host, world.repository)
    (snapshot,) = world.engine().snapshots(world.host, world.repository)

    world.engine().undo(world.host, world.repository)

    assert (snapshot.untracked, snapshot.left) == ((("key",), ()) if kept else ((), ("key",)))
    assert (world.clone / "key").read_text() == "secret\n"


def test_files_in_conflict_come_back_as_they_were(world: World, manifest: str) -> None:
    """A stash that did not apply leaves three sides in the index; a sync of other files passes it, and so does undo."""
    (world.clone / "viatris.xml").write_text(manifest.replace("line 3\n", "stashed\n"))
    world.git(world.clone, "stash")
    world.commit(world.clone, {"viatris.xml": manifest.replace("line 3\n", "committed\n")}, push=True)
    world.git(world.clone, "stash", "pop", check=False)
    world.git(world.ada, "pull", "-q")
    world.commit(world.ada, {"other.xml": "of ada\n"}, push=True)
    before = people(world)
    assert world.engine().sync(world.host, world.repository).status is SyncStatus.RECEIVED
    world.git(world.clone, "checkout", "-q", "--ours", "viatris.xml")
    world.git(world.clone, "add", "viatris.xml")

    world.engine().undo(world.host, world.repository)

    assert people(world) == before


def test_line_ends_of_an_edited_file_stay_as_they_were(world: World) -> None:
    """With git's conversion of line ends: an edited file comes back byte for byte, a clean one as checked out."""
    world.commit(world.ada, {".gitattributes": "*.txt text eol=crlf\n", "a.txt": "a\n", "b.txt": "b\n"}, push=True)
    world.engine().sync(world.host, world.repository)
    (world.clone / "a.txt").write_bytes(b"mixed\r\nends\n")
    world.git(world.ada, "pull", "-q")
    world.commit(world.ada, {"b.txt": "b of ada\n"}, push=True)
    before = people(world)
    assert world.engine().sync(world.host, world.repository).status is SyncStatus.RECEIVED
    (world.clone / "a.txt").write_bytes(b"later\r\n")

    world.engine().undo(world.host, world.repository)

    assert people(world) == before
    assert (world.clone / "b.txt").read_bytes() == b"b\r\n"


def test_an_edited_script_is_executable_again(world: World) -> None:
    """Its mode comes back with its bytes."""
    script = world.clone / "check.sh"
    world.commit(world.ada, {"other.xml": "of ada\n"}, push=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    world.commit(world.clone, {"check.sh": "#!/bin/sh\ntrue\n"})
    script.write_text("#!/bin/sh\nfalse\n")
    world.engine().sync(world.host, world.repository)
    script.chmod(0o644)
    script.write_text("later\n")

    world.engine().undo(world.host, world.repository)

    assert script.read_text() == "#!/bin/sh\nfalse\n"
    assert script.stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize("point", sampled(range(1, MOST_POINTS), 6, 1))
def test_killed_at_any_point_the_next_call_finishes_or_nothing_was_done(
    world: World, manifest: str, point: int
) -> None:
    """After SIGKILL the next sync finishes the undo by its journal, or finds that it had not begun; nothing is lost."""
    tangle(world, manifest)
    news(world)
    before = people(world)
    world.engine().sync(world.host, world.repository)
    (world.clone / "both.xml").write_text("edited since\n")
    after = people(world)
    world.host.die_at = point
    with suppress(RuntimeError):
        world.engine().undo(world.host, world.repository)
    world.host.die_at = 0
    world.bare.rename(world.bare.with_suffix(".away"))  # so that the sync ends once the journal is done with

    assert world.engine().sync(world.host, world.repository).status is SyncStatus.MANUAL

    found = people(world)
    assert found in (before, after)
    assert [*(world.clone / ".git").rglob("*.lock")] == []
    if found == before:
        world.engine().undo(world.host, world.repository)
        assert people(world) == after


def test_an_edit_between_crash_and_recovery_stays(world: World, manifest: str) -> None:
    """Path by path: what somebody wrote or staged since the crash is his."""
    tangle(world, manifest)
    news(world)
    world.engine().sync(world.host, world.repository)
    before = world.git(world.clone, "rev-parse", "HEAD")
    for point in range(1, MOST_POINTS):
        world.host.die_at = point
        with suppress(RuntimeError):
            world.engine().undo(world.host, world.repository)
        if '"undo"' in (world.clone / ".git" / "deployer" / "journal.json").read_text():
            break
    world.host.die_at = 0
    (world.clone / ".git" / "index.lock").unlink(missing_ok=True)
    (world.clone / "viatris.xml").write_text("typed just now\n")
    (world.clone / "other.xml").write_text("staged just now\n")
    world.git(world.clone, "add", "other.xml")
    world.bare.rename(world.bare.with_suffix(".away"))

    ended = world.engine().sync(world.host, world.repository)

    assert world.git(world.clone, "rev-parse", "HEAD") != before, ended
    assert (world.clone / "viatris.xml").read_text() == "typed just now\n"
    assert world.git(world.clone, "show", ":other.xml") == "staged just now"
    assert not (world.clone / "new").exists()


def test_no_git_command_of_an_undo_is_a_destructive_one(world: World, manifest: str, recorded: object) -> None:
    """No stash, reset, rebase, merge, checkout, clean, restore or switch in a person's clone, and no force."""
    tangle(world, manifest)
    news(world)
    world.engine().sync(world.host, world.repository)
    world.engine().undo(world.host, world.repository)

    assert callable(recorded)
    commands = [re.sub(r"^.*?(?:-C \S.*? )?(?:-c \S+ )*", "", " ".join(argv)) for argv in recorded()]
    words = {word for argv in recorded() for word in argv}
    assert commands
    assert not words & {"stash", "reset", "rebase", "merge", "checkout", "clean", "restore", "switch", "--force", "-f"}


def test_undo_without_the_remote(world: World) -> None:
    """Nothing is asked of the remote: an undo works while it is away."""
    news(world)
    world.engine().sync(world.host, world.repository)
    world.bare.rename(world.bare.with_suffix(".away"))

    undone = world.engine().undo(world.host, world.repository)

    assert world.git(world.clone, "rev-parse", "HEAD") == undone.after
    assert subprocess.run(["git", "-C", world.clone, "diff", "--quiet", "HEAD"], check=False).returncode == 0


def test_errors_have_the_right_exit_codes(world: World) -> None:
    """A clone that is not there: a person is needed."""
    world.clone.rename(world.clone.with_name("away"))

    for call in (world.engine().undo, world.engine().snapshots):
        with pytest.raises(DeployerError) as caught:
            call(world.host, world.repository)
        assert caught.value.exit_code == 5
