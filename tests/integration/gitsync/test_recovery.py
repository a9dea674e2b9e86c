"""People at work in a clone between a crash in the middle of an adoption and the next sync."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

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
