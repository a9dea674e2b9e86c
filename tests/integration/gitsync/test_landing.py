"""Syncs that end well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.sync import SyncStatus

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World


def edited(manifest: str, number: int, text: str) -> str:
    """The manifest with one line changed."""
    return manifest.replace(f"line {number}\n", f"{text}\n")


def test_nothing_to_do_costs_one_call(world: World) -> None:
    """A clone that is in step is told so by one call, and is left as it was."""
    before = world.state()

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.IN_SYNC, result
    assert result.revision == world.tip() == result.after == result.before
    assert len(world.host.calls) == 1
    assert world.state() == before


def test_remote_commits_are_received(world: World, manifest: str) -> None:
    """Changes, additions and deletions of the remote reach index and work tree; git finds nothing to report."""
    files = {"viatris.xml": edited(manifest, 3, "ada"), "new/acme.xml": "new\n", "doc/notes.txt": None}
    world.commit(world.ada, files, push=True)

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.RECEIVED, result.manual
    assert result.after == world.tip() == world.git(world.clone, "rev-parse", "HEAD")
    assert world.git(world.clone, "status", "--porcelain=v2", "--branch").splitlines()[-1] == "# branch.ab +0 -0"
    assert (world.clone / "new/acme.xml").read_text() == "new\n"
    assert not (world.clone / "doc").exists()
    assert [commit.author for commit in result.received] == ["Ada <ada@example.org>"]


def test_local_commits_are_replayed(world: World, manifest: str) -> None:
    """A local commit lands on top of the remote's, with its author, date and message as they were."""
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada")}, push=True)
    mine = world.commit(world.clone, {"viatris.xml": edited(manifest, 20, "ben"), "b.xml": "b\n"}, "ben's\n\nbody\n")
    wanted = world.git(world.clone, "show", "-s", "--format=%an %ae %ad %B", mine)

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.LANDED, result.manual
    assert world.at_tip("viatris.xml") + "\n" == edited(edited(manifest, 3, "ada"), 20, "ben")
    assert world.git(world.bare, "show", "-s", "--format=%an %ae %ad %B", "main") == wanted
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()
    assert world.git(world.clone, "status", "--porcelain") == ""
    assert [commit.subject for commit in result.landed] == ["ben's"]
    assert result.unlanded == ()


def test_change_of_automation_lands(world: World, manifest: str) -> None:
    """Automation's edit lands beside a person's of the same file, and never shows in index or work tree before."""
    change = world.change(edited(manifest, 20, "automation"))
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada")}, push=True)

    result = world.engine().sync(world.host, world.repository, change)

    assert result.status is SyncStatus.LANDED, result.manual
    assert result.change == world.tip() == result.after
    assert world.at_tip("viatris.xml") + "\n" == edited(edited(manifest, 3, "ada"), 20, "automation")
    said = world.git(world.bare, "show", "-s", "--format=%an <%ae>|%s", "main")
    assert said == f"prod-deployer <deployer@example.org>|{change.message}"
