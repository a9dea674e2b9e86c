"""What a clone's own files tell git: what would start a program for a mere look, and what changes what is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.model.sync import CloneState, SyncStatus

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World


def test_a_look_starts_no_file_monitor(world: World) -> None:
    """Neither looking nor a sync that has to look at edits runs what core.fsmonitor names."""
    mark = world.root / "ran"
    world.git(world.clone, "config", "core.fsmonitor", f"touch '{mark}'; false")
    world.commit(world.ada, {"other.xml": "more\n"}, push=True)
    (world.clone / "viatris.xml").write_text("an edit\n")

    world.engine().inspect(world.host, world.repository)
    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.RECEIVED, result
    assert not mark.exists()


def test_a_manifest_is_read_as_the_remote_has_it(world: World) -> None:
    """An object that stands in for another (`git replace`) in the clone does not."""
    (world.clone / "false").write_text("false\n")
    false = world.git(world.clone, "hash-object", "-w", "false")
    (world.clone / "false").unlink()
    world.git(world.clone, "replace", "HEAD:viatris.xml", false)

    read = world.engine().read(world.host, world.repository, world.tip())

    assert read["viatris.xml"][1] == f"{world.at_tip('viatris.xml')}\n".encode()


@pytest.mark.parametrize("how", ["replace", "grafts"])
def test_history_is_read_as_the_remote_has_it(world: World, how: str) -> None:
    """A commit that the clone says has no parents has them: both sides land on what they have in common."""
    world.commit(world.ada, {"other.xml": "theirs\n"}, "before", push=True)
    theirs = world.commit(world.ada, {"other.xml": "theirs too\n"}, "last", push=True)
    world.commit(world.clone, {"doc/notes.txt": "ours\n"}, "ours")
    if how == "replace":
        world.git(world.clone, "fetch", "-q", str(world.bare), "main")
        world.git(world.clone, "replace", "--graft", theirs)
    else:
        (world.clone / ".git" / "info" / "grafts").write_text(f"{theirs}\n")

    state = world.engine().inspect(world.host, world.repository)
    result = world.engine().sync(world.host, world.repository)

    assert isinstance(state, CloneState)
    assert [commit.subject for commit in state.behind] == ["before", "last"]
    assert result.manual is None, result
    assert world.subjects() == ["ours", "last", "before", "first"]
