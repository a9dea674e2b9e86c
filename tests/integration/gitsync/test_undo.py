"""Snapshots before syncs, and the way back to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.sync import SyncStatus

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World


def tangle(world: World, manifest: str) -> None:
    """MM, M, a staged new file, a deleted one, a staged deletion, a mode, a link, untracked and ignored files."""
    clone = world.clone
    names = ["both.xml", "worktree.xml", "gone.xml", "staged-gone.xml", "mode.sh", "later-a-folder"]
    world.commit(clone, dict.fromkeys(names, manifest), "many files", push=True)
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
    (clone / ".git" / "info" / "exclude").write_text("*.ignored\n")
    (clone / "x.ignored").write_text("ignored\n")


def people(world: World) -> dict[str, str]:
    """What `undo` must bring back: the work tree, the index by content, HEAD and the branch."""
    files = {path: told for path, told in world.state().items() if not path.startswith(".git/")}
    files["index"] = world.git(world.clone, "ls-files", "--stage", "-v")
    files["status"] = world.git(world.clone, "status", "--porcelain=v2", "--ignored")
    files["head"] = world.git(world.clone, "rev-parse", "--symbolic-full-name", "HEAD", "main")
    files["stash"] = world.git(world.clone, "stash", "list")
    return files


def test_undo_brings_everything_back_and_can_be_undone(world: World, manifest: str) -> None:
    """Branch, index and work tree are byte for byte what they were before the sync; undone again, as after it."""
    tangle(world, manifest)
    world.git(world.ada, "pull", "-q")
    world.commit(world.ada, {"viatris.xml": "of ada\n", "new.xml": "new\n", "other.xml": None}, "of ada", push=True)
    before = people(world)
    assert world.engine().sync(world.host, world.repository).status is SyncStatus.RECEIVED
    after = people(world)

    undone = world.engine().undo(world.host, world.repository)
    back = people(world)
    again = world.engine().undo(world.host, world.repository)

    assert back == before
    assert people(world) == after
    assert before != after
    assert again.snapshot == undone.saved
