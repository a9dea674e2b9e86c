"""What people left in a clone: it is respected, reported, and mended by the commands of the report."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.model.sync import Change, CloneState, Edit, ManualWork, SyncStatus
from tests.integration.gitsync.situations import SITUATIONS, conflicting, edited, popping

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World

WHERE = "manual intervention needed on fra1-prod-dep01 in ~/deployer/clusterconfig-fra1"


@pytest.mark.parametrize("kind", SITUATIONS)
def test_the_clone_is_as_it_was(world: World, manifest: str, kind: str) -> None:
    """Each class is named, reported in the known words, and nothing of the clone is touched, also when asked twice."""
    make, command = SITUATIONS[kind]
    make(world, manifest)
    before = world.state()

    results = [world.engine().sync(world.host, world.repository) for _ in range(2)]

    for result in results:
        assert result.status is SyncStatus.MANUAL
        assert result.manual is not None
        assert result.manual.kind == kind, result.manual
        assert result.manual.line.startswith(f"{WHERE} failed to sync/pull manifest with: Command {command}")
        assert result.manual.line.endswith(" on fra1-prod-dep01 failed")
    assert len({result.manual.id for result in results if result.manual}) == 1
    assert world.state() == before


def test_a_conflict_names_both_sides(world: World, manifest: str) -> None:
    """Who changed what, and when, stands in the report; what touched other files does not."""
    world.commit(world.ada, {"other.xml": edited(manifest, 1, "ada")}, "elsewhere", push=True)
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's other")
    conflicting(world, manifest)

    result = world.engine().sync(world.host, world.repository)

    assert result.manual is not None
    assert result.manual.paths == ("viatris.xml",)
    assert [(commit.author, commit.subject) for commit in result.manual.ours] == [("Ben <ben@example.org>", "ben's")]
    assert [(commit.author, commit.subject) for commit in result.manual.theirs] == [("Ada <ada@example.org>", "ada's")]
    assert sorted(commit.subject for commit in result.unlanded) == ["ben's", "ben's other"]
    assert result.revision == world.tip()


def solve(world: World) -> None:
    """What a person does by hand between the commands."""
    (world.clone / "viatris.xml").write_text("solved\n")
    world.git(world.clone, "add", "--", "viatris.xml")


MENDED: dict[str, Callable[[World], None] | None] = {
    "rebase-in-progress": solve,
    "merge-in-progress": solve,
    "cherry-pick-in-progress": solve,
    "bisect-in-progress": None,
    "detached": None,
    "wrong-branch": None,
    "other-remote": None,
    "missing": None,
    "not-a-repository": None,
    "index-missing": None,
    "index-corrupt": None,
    "empty-ref": None,
    "force-pushed": None,
    "branch-gone": None,
}


@pytest.mark.parametrize("kind", MENDED)
def test_the_commands_mend_it(world: World, manifest: str, kind: str) -> None:
    """The commands of the report, pasted, make the next sync succeed."""
    SITUATIONS[kind][0](world, manifest)
    first = world.engine().sync(world.host, world.repository)
    assert first.manual is not None
    by_hand = MENDED[kind]
    if by_hand:
        by_hand(world)

    world.paste(first.manual.commands)

    result = world.engine().sync(world.host, world.repository)
    assert result.manual is None
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()


def test_the_commands_solve_a_conflict(world: World, manifest: str) -> None:
    """The pull stops, the person solves, the rest lands it: then the clone is in step."""
    conflicting(world, manifest)
    first = world.engine().sync(world.host, world.repository)
    assert first.manual is not None
    change_folder, pull, _edit, *rest = first.manual.commands

    world.paste([change_folder, f"{pull} || true"])
    solve(world)
    world.paste([change_folder, *rest])

    assert world.engine().sync(world.host, world.repository).status is SyncStatus.IN_SYNC
    assert world.at_tip("viatris.xml") == "solved"


def test_edits_of_people_stay(world: World, manifest: str) -> None:
    """Staged, unstaged, untracked and ignored files that the remote did not touch come through a sync as they were."""
    (world.clone / "viatris.xml").write_text(edited(manifest, 5, "unstaged"))
    (world.clone / "staged.xml").write_text("staged\n")
    world.git(world.clone, "add", "staged.xml")
    (world.clone / "untracked.xml").write_text("untracked\n")
    (world.clone / ".git/info/exclude").write_text("ignored.xml\n")
    (world.clone / "ignored.xml").write_text("ignored\n")
    before = world.git(world.clone, "status", "--porcelain", "--ignored")
    world.commit(world.ada, {"other.xml": edited(manifest, 3, "ada"), "new.xml": "n\n"}, push=True)

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.RECEIVED, result.manual
    assert world.git(world.clone, "status", "--porcelain", "--ignored") == before
    assert (world.clone / "other.xml").read_text() == edited(manifest, 3, "ada")


@pytest.mark.parametrize("how", ["unstaged", "staged", "untracked", "ignored", "deleted", "flag"])
def test_edits_that_the_remote_changed_too_are_left(world: World, how: str) -> None:
    """Local commits land; the clone stays where it was, the files are named, and it does not land twice."""
    path = "viatris.xml" if how in ("unstaged", "staged", "deleted", "flag") else "new.xml"
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")
    world.commit(world.ada, {path: "ada\n"}, push=True)
    if how == "ignored":
        (world.clone / ".git/info/exclude").write_text("new.xml\n")
    if how == "flag":
        world.git(world.clone, "update-index", "--assume-unchanged", path)
    if how == "deleted":
        (world.clone / path).unlink()
    else:
        (world.clone / path).write_text("mine\n")
    if how == "staged":
        world.git(world.clone, "add", path)
    before = world.state()

    results = [world.engine().sync(world.host, world.repository) for _ in range(2)]

    for result in results:
        assert result.manual is not None
        assert (result.status, result.manual.kind, result.left) == (SyncStatus.MANUAL, "dirty-overlap", (path,))
        assert result.revision == world.tip()
    assert [commit.subject for commit in results[0].landed] == ["ben's"]
    assert world.subjects() == ["ben's", "edit", "first"]
    assert world.state() == before


def test_the_commands_free_an_overlap(world: World, manifest: str) -> None:
    """The person's edit comes back on top of what the remote has."""
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada")}, push=True)
    (world.clone / "viatris.xml").write_text(edited(manifest, 25, "mine"))
    first = world.engine().sync(world.host, world.repository)
    assert first.manual is not None

    world.paste(first.manual.commands)

    assert (world.clone / "viatris.xml").read_text() == edited(edited(manifest, 3, "ada"), 25, "mine")
    assert world.engine().sync(world.host, world.repository).status is SyncStatus.IN_SYNC


def test_a_lock_at_work_is_waited_for(world: World, manifest: str) -> None:
    """A fresh index.lock of somebody else is never touched; with nobody to call, the sync is left for later."""
    world.settings = world.settings.model_copy(update={"seconds": 1.5})
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada")}, push=True)
    (world.clone / ".git/index.lock").touch()
    before = world.state()

    result = world.engine().sync(world.host, world.repository)

    assert (result.status, result.manual) == (SyncStatus.RETRY_LATER, None)
    assert result.attempts > 1
    assert world.state() == before


def test_a_change_of_automation_that_conflicts(world: World, manifest: str) -> None:
    """The line is that of a commit that did not land; nothing of the clone changes."""
    change = world.change(edited(manifest, 3, "automation"))
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada")}, push=True)
    before = world.state()

    result = world.engine().sync(world.host, world.repository, change)

    assert result.manual is not None
    assert result.manual.kind == "conflict"
    begin = (
        "failed to commit/push prod-deployer made changes to viatris.xml via automation with: Command git merge-tree"
    )
    assert result.manual.line.startswith(begin)
    world.paste(result.manual.commands)
    assert world.state() == before


def test_one_conflict_does_not_hold_the_others(world: World, manifest: str) -> None:
    """A person's conflict on one manifest leaves automation free to land on another one."""
    conflicting(world, manifest)

    result = world.engine().sync(world.host, world.repository, world.change(edited(manifest, 9, "x"), "other.xml"))

    assert result.change == result.revision == world.tip()
    assert [commit.paths for commit in result.unlanded] == [("viatris.xml",)]
    assert result.manual is not None
    assert result.manual.line.startswith(WHERE)


def test_what_waits_for_a_person_is_not_changed_by_automation(world: World) -> None:
    """Ben has a folder where Ada has a file: hers is a part of the conflict, though no commit of his has it."""
    world.commit(world.ada, {"conf": "of ada\n"}, "ada's", push=True)
    world.commit(world.clone, {"conf/site.xml": "of ben\n"}, "ben's")
    blob = world.git(world.bare, "rev-parse", "main:conf")
    change = Change("change of conf", (Edit("conf", b"of automation\n", blob),))

    result = world.engine().sync(world.host, world.repository, change)

    assert result.manual is not None
    assert (result.manual.kind, result.change) == ("conflict", "")
    assert "conf" in result.manual.paths
    assert world.at_tip("conf") == "of ada"
    assert world.subjects() == ["ada's", "first"]


def test_an_overlap_names_its_files_and_the_commits_of_them(world: World) -> None:
    """And no others: neither a file that came in as well, nor one that the name would match as a pattern."""
    world.commit(world.ada, {"other.xml": "of ada\n"}, "of another file", push=True)
    world.commit(world.ada, {"o*.xml": "of ada\n"}, "of this file", push=True)
    (world.clone / "o*.xml").write_text("of ben\n")

    result = world.engine().sync(world.host, world.repository)

    assert result.manual is not None
    assert (result.manual.kind, result.manual.paths) == ("dirty-overlap", ("o*.xml",))
    assert [commit.subject for commit in result.manual.theirs] == ["of this file"]


def test_inspect_names_files_in_conflict(world: World, manifest: str) -> None:
    """What a stash left unmerged is told by a look as by a sync."""
    popping(world, manifest)

    found = world.engine().inspect(world.host, world.repository)

    assert isinstance(found, ManualWork)
    assert (found.kind, found.paths) == ("unmerged", ("viatris.xml",))


def test_inspect_changes_nothing(world: World, manifest: str) -> None:
    """Ahead, behind, dirty and untracked are told, and the clone is as it was."""
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")
    world.commit(world.ada, {"other.xml": edited(manifest, 3, "ada")}, "ada's", push=True)
    (world.clone / "viatris.xml").write_text("dirty\n")
    (world.clone / "new file.xml").write_text("new\n")
    before = world.state()

    found = world.engine().inspect(world.host, world.repository)

    assert isinstance(found, CloneState), found
    assert [commit.subject for commit in found.ahead] == ["ben's"]
    assert [commit.subject for commit in found.behind] == ["ada's"]
    assert (found.dirty, found.untracked, found.branch) == (("viatris.xml",), ("new file.xml",), "main")
    assert world.state() == before


def test_a_clone_of_no_inventory(world: World, manifest: str) -> None:
    """With no remote and no branch given, those of the clone are meant."""
    world.commit(world.ada, {"other.xml": edited(manifest, 3, "ada")}, push=True)
    world.git(world.clone, "branch", "-m", "here")

    result = world.engine().sync(world.host, replace(world.repository, remote="", branch=""))

    assert (result.status, result.branch) == (SyncStatus.RECEIVED, "here"), result.manual
    assert world.git(world.clone, "rev-parse", "here") == world.tip()


def test_clone_and_read(world: World, manifest: str) -> None:
    """A missing clone is made whole; the manifests of a revision are read from its objects."""
    shutil.rmtree(world.clone.parent)

    world.engine().clone(world.host, world.repository)
    (world.clone / "viatris.xml").write_text("dirty\n")
    files = world.engine().read(world.host, world.repository, world.tip())

    assert {path: data for path, (_oid, data) in files.items()} == dict.fromkeys(
        ("viatris.xml", "other.xml"), manifest.encode()
    )
    assert isinstance(world.engine().inspect(world.host, world.repository), CloneState | ManualWork)
    assert [path.name for path in world.clone.parent.iterdir()] == ["clusterconfig-fra1"]


def test_an_edit_made_within_the_second_of_the_checkout_stays_visible(world: World, manifest: str) -> None:
    """Git compares whole seconds: the new index must not vouch for a file that was edited right after its checkout."""
    file, index = world.clone / "viatris.xml", world.clone / ".git" / "index"
    second = (int(file.stat().st_mtime) - 100) * 10**9
    world.git(world.clone, "config", "core.trustctime", "false")
    os.utime(file, ns=(second, second))
    world.git(world.clone, "update-index", "--refresh")
    os.utime(index, ns=(second + 1, second + 1))
    file.write_text(manifest.replace("line 3\n", "LINE 3\n"))
    os.utime(file, ns=(second + 500, second + 500))
    world.commit(world.ada, {"b.xml": "of ada\n"}, push=True)

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.RECEIVED, result.manual
    assert world.git(world.clone, "status", "--porcelain") == " M viatris.xml"
