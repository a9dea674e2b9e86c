"""People at work in a clone between a crash in the middle of an adoption and the next sync."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from deployer.model.sync import SyncStatus

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World


def edited(manifest: str, number: int, text: str) -> str:
    """The manifest with one line changed."""
    return manifest.replace(f"line {number}\n", f"{text}\n")


def crashed(world: World, files: Mapping[str, str | None]) -> str:
    """Ada pushes; the sync that brings it dies when its plan is written and nothing has moved. Ada's commit."""
    old = world.tip()
    new = world.commit(world.ada, files, "ada's", push=True)
    world.git(world.clone, "fetch", "-q")
    steps = []
    for line in world.git(world.clone, "diff-tree", "-r", old, new).splitlines():
        head, path = line.split("\t")
        modes = head.lstrip(":").split(" ")
        sides = zip(modes[:2], modes[2:4], strict=True)
        steps.append([path, *(None if mode == "000000" else [mode, oid] for mode, oid in sides)])
    plan = {"branch": "refs/heads/main", "tracking": [], "old": old, "new": new, "steps": steps}
    own = world.clone / ".git" / "deployer"
    own.mkdir(exist_ok=True)
    (own / "journal.json").write_text(json.dumps({"adopt": plan}))
    return new


def test_a_merge_that_was_begun_after_a_crash_keeps_what_the_remote_changed(world: World, manifest: str) -> None:
    """It is reported, nothing moves beneath it, and her merge commit then takes nothing of the remote's back."""
    world.git(world.clone, "checkout", "-q", "-b", "side")
    world.commit(world.clone, {"viatris.xml": edited(manifest, 29, "side"), "other.xml": "side\n"})
    world.git(world.clone, "checkout", "-q", "main")
    world.commit(world.ada, {"other.xml": "main\n"}, push=True)
    world.engine().sync(world.host, world.repository)
    crashed(world, {"viatris.xml": edited(manifest, 3, "ada")})
    world.git(world.clone, "merge", "side", check=False)
    before = world.state()

    result = world.engine().sync(world.host, world.repository)

    assert result.manual is not None
    assert result.manual.kind == "merge-in-progress"
    assert world.state() == before
    world.commit(world.clone, {"other.xml": "both\n"}, "merge of side")
    again = world.engine().sync(world.host, world.repository)
    assert again.status is SyncStatus.LANDED, again.manual
    assert world.at_tip("viatris.xml") + "\n" == edited(edited(manifest, 3, "ada"), 29, "side")
    assert world.git(world.clone, "status", "--porcelain") == ""


def test_a_file_that_was_untracked_after_a_crash_stays(world: World) -> None:
    """Ben takes it out of the index between the crash and the next sync: it is his, though the remote removes it."""
    crashed(world, {"doc/notes.txt": None})
    world.git(world.clone, "rm", "-q", "--cached", "doc/notes.txt")

    result = world.engine().sync(world.host, world.repository)

    assert result.manual is None
    assert (world.clone / "doc/notes.txt").read_text() == "notes\n"
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()
    assert world.git(world.clone, "status", "--porcelain") == "?? doc/"


@pytest.mark.parametrize("kind", ["index-missing", "index-corrupt"])
def test_an_index_that_the_crash_took_is_named(world: World, manifest: str, kind: str) -> None:
    """As without a plan to finish; after the commands of the report the plan is finished."""
    crashed(world, {"viatris.xml": edited(manifest, 3, "ada"), "other.xml": edited(manifest, 3, "ada")})
    (world.clone / "other.xml").write_text(edited(manifest, 3, "ada"))
    index = world.clone / ".git" / "index"
    if kind == "index-missing":
        index.unlink()
    else:
        index.write_bytes(index.read_bytes()[:-30])
    before = world.state()

    result = world.engine().sync(world.host, world.repository)

    assert result.manual is not None
    assert result.manual.kind == kind
    assert world.state() == before
    world.paste(result.manual.commands)
    again = world.engine().sync(world.host, world.repository)
    assert again.manual is None
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()
    assert world.git(world.clone, "status", "--porcelain") == ""


def stage(world: World) -> None:
    """Stage an edit, and put the file back as it was."""
    was = (world.clone / "viatris.xml").read_text()
    (world.clone / "viatris.xml").write_text("staged by ben\n")
    world.git(world.clone, "add", "viatris.xml")
    (world.clone / "viatris.xml").write_text(was)


def hide(world: World) -> None:
    """Hide a file's edits from git by a flag."""
    world.git(world.clone, "update-index", "--assume-unchanged", "viatris.xml")


@pytest.mark.parametrize("act", [stage, hide])
def test_an_entry_of_the_index_that_was_changed_after_a_crash_stays(
    world: World, manifest: str, act: Callable[[World], None]
) -> None:
    """What a crash left half moved is finished around it, which is told once; the next sync is as ever."""
    crashed(world, {"viatris.xml": edited(manifest, 3, "ada"), "other.xml": edited(manifest, 3, "ada")})
    (world.clone / "other.xml").write_text(edited(manifest, 3, "ada"))
    act(world)
    index = ("ls-files", "-v", "--stage", "viatris.xml")
    before = world.git(world.clone, *index)

    results = [world.engine().sync(world.host, world.repository) for _ in range(2)]

    assert [result.manual for result in results] == [None, None]
    assert [result.left for result in results] == [("viatris.xml",), ()]
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()
    assert world.git(world.clone, *index) == before
    assert (world.clone / "viatris.xml").read_text() == manifest
    assert (world.clone / "other.xml").read_text() == edited(manifest, 3, "ada")


@pytest.mark.parametrize("act", [stage, hide])
def test_a_crash_that_moved_nothing_is_no_reason_to_move_past_people(
    world: World, manifest: str, act: Callable[[World], None]
) -> None:
    """As without a crash: the clone is left as it is, and the file is named."""
    crashed(world, {"viatris.xml": edited(manifest, 3, "ada"), "other.xml": edited(manifest, 3, "ada")})
    act(world)
    before = world.state()

    result = world.engine().sync(world.host, world.repository)

    assert result.manual is not None
    assert (result.manual.kind, result.left) == ("dirty-overlap", ("viatris.xml",))
    assert world.state() == before


def undo_that_dies(world: World) -> None:
    """Ada's commit comes in; the undo of it dies when files have moved, and index and branch have not."""
    world.commit(world.ada, {"viatris.xml": "of ada\n"}, "ada's", push=True)
    world.engine().sync(world.host, world.repository)
    wrapper = world.root / "bin" / "git"
    wrapper.parent.mkdir()
    dies = "kill -9 $PPID; exit"
    wrapper.write_text(f'#!/bin/sh\ncase "$*" in *" --refresh") {dies};; esac\nexec {shutil.which("git")} "$@"\n')
    wrapper.chmod(0o755)
    world.host.environment = {**world.environment, "PATH": f"{wrapper.parent}:{world.environment['PATH']}"}
    with pytest.raises(RuntimeError):
        world.engine().undo(world.host, world.repository)
    world.host.environment = world.environment
    (world.clone / ".git" / "index.lock").unlink()  # as a person does whose git stops at it


def test_a_commit_that_was_made_after_an_undo_died_ends_the_undo(world: World, manifest: str) -> None:
    """Ben goes on from where the branch is: his commit lands, and the index is not turned back beneath it."""
    undo_that_dies(world)
    world.git(world.clone, "checkout", "-q", "--", "viatris.xml")
    world.commit(world.clone, {"b.xml": "of ben\n"}, "ben's")

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.LANDED, result.manual
    assert world.subjects() == ["ben's", "ada's", "first"]
    assert world.git(world.clone, "status", "--porcelain") == ""
    assert (world.clone / "viatris.xml").read_text() == "of ada\n" != manifest


def test_an_undo_that_died_waits_for_the_end_of_a_merge(world: World, manifest: str) -> None:
    """Ben is in the middle of one: it is reported, nothing moves beneath it, and the undo is finished after it."""
    undo_that_dies(world)
    (world.clone / ".git" / "MERGE_HEAD").write_text(world.tip() + "\n")
    before = world.state()

    result = world.engine().sync(world.host, world.repository)

    assert result.manual is not None
    assert result.manual.kind == "merge-in-progress"
    assert world.state() == before
    (world.clone / ".git" / "MERGE_HEAD").unlink()
    world.bare.rename(world.bare.with_suffix(".away"))  # so that the sync ends once the journal is done with
    world.engine().sync(world.host, world.repository)
    assert world.git(world.clone, "log", "-1", "--format=%s") == "first"
    assert world.git(world.clone, "status", "--porcelain") == ""
    assert (world.clone / "viatris.xml").read_text() == manifest
