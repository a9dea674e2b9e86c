"""The commands that an undo prints, pasted: what has landed is taken back on the remote as well."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.model.sync import SyncStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.integration.gitsync.conftest import World


def news(world: World) -> None:
    """Two commits of Ada."""
    world.commit(world.ada, {"viatris.xml": "of ada\n"}, "ada's", push=True)
    world.commit(world.ada, {"new.xml": "of ada\n"}, "ada's second", push=True)


def as_in_a_terminal(world: World, commands: Sequence[str]) -> int:
    """The exit code of the lines as they stand: in a terminal a command that fails stops only what asks for it."""
    argv = ["sh", "-c", "\n".join(commands)]
    environment = {**world.environment, "TMPDIR": str(world.root)}
    ended = subprocess.run(argv, capture_output=True, check=False, env=environment, stdin=subprocess.DEVNULL)
    return ended.returncode


@pytest.mark.parametrize("state", ["clean", "replayed", "edited"])
def test_the_commands_take_it_back_on_the_remote_too(world: World, state: str) -> None:
    """Whatever the clone has, the remote has what it had before, in commits that say so; the clone is left alone."""
    root = world.tip()
    if state == "replayed":
        world.commit(world.clone, {"mine.xml": "of ben\n"}, "mine")
    if state == "edited":
        (world.clone / "other.xml").write_text("edited\n")
        (world.clone / "doc/notes.txt").write_text("staged\n")
        world.git(world.clone, "add", "doc/notes.txt")
    news(world)
    world.engine().sync(world.host, world.repository)

    undone = world.engine().undo(world.host, world.repository)
    before = world.git(world.clone, "status", "--porcelain"), world.git(world.clone, "rev-parse", "HEAD")
    assert as_in_a_terminal(world, undone.commands) == 0

    mine = ['Revert "mine"'] if state == "replayed" else []
    assert world.subjects()[: 2 + len(mine)] == ['Revert "ada\'s"', 'Revert "ada\'s second"', *mine]
    assert world.git(world.bare, "diff", "--stat", "main", root) == ""
    assert (world.git(world.clone, "status", "--porcelain"), world.git(world.clone, "rev-parse", "HEAD")) == before
    assert len(world.git(world.clone, "worktree", "list").splitlines()) == 1
    result = world.engine().sync(world.host, world.repository)
    assert (result.status, result.manual) == (SyncStatus.RECEIVED, None)
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()


def test_they_take_it_back_where_no_inventory_names_the_branch(world: World) -> None:
    """What the clone's branch follows is meant, also where that has another name."""
    root = world.tip()
    world.git(world.clone, "branch", "-m", "here")
    anywhere = replace(world.repository, remote="", branch="")
    news(world)
    world.engine().sync(world.host, anywhere)

    undone = world.engine().undo(world.host, anywhere)
    assert as_in_a_terminal(world, undone.commands) == 0

    assert world.git(world.bare, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert world.subjects()[0] == 'Revert "ada\'s"'
    assert world.git(world.bare, "diff", "--stat", "main", root) == ""


def test_they_take_back_what_came_with_a_merge(world: World) -> None:
    """Its commits each by itself; the merge commit has nothing of its own that a revert could take back."""
    root = world.tip()
    world.git(world.ada, "checkout", "-q", "-b", "side")
    world.commit(world.ada, {"side.xml": "of ada\n"}, "side")
    world.git(world.ada, "checkout", "-q", "main")
    world.commit(world.ada, {"new.xml": "of ada\n"}, "straight")
    world.git(world.ada, "merge", "-q", "--no-edit", "side")
    world.git(world.ada, "push", "-q", "origin", "main")
    world.engine().sync(world.host, world.repository)

    undone = world.engine().undo(world.host, world.repository)
    assert as_in_a_terminal(world, undone.commands) == 0

    assert {commit.subject for commit in undone.landed} == {"side", "straight", "Merge branch 'side'"}
    assert world.git(world.bare, "diff", "--stat", "main", root) == ""


def test_commands_that_fail_push_nothing_and_leave_the_clone_alone(world: World) -> None:
    """A later edit of the same lines is in the way of the revert: it stops there, and a sync works as before."""
    news(world)
    world.engine().sync(world.host, world.repository)
    undone = world.engine().undo(world.host, world.repository)
    later = world.commit(world.ada, {"viatris.xml": "of ada, later\n"}, "later", push=True)

    assert as_in_a_terminal(world, undone.commands) != 0

    assert world.tip() == later
    assert world.engine().sync(world.host, world.repository).status is SyncStatus.RECEIVED
