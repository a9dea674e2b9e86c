"""What snapshots hold, how long they are kept, and in which order they are listed."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.gitsync.remote import preflight, snapshots
from deployer.gitsync.remote.git import Git
from deployer.model.sync import SyncStatus
from tests.budget.pace import limit

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World


@pytest.mark.parametrize("refs", ["loose", "packed"])
def test_old_snapshots_are_dropped(world: World, refs: str) -> None:
    """No more than the setting says, also where `git gc` has packed the refs; refs of others stay; no lock is left."""
    world.settings = world.settings.model_copy(update={"snapshots": 2})
    world.git(world.clone, "tag", "-a", "-m", "kept", "kept")
    for number in range(4):
        world.commit(world.ada, {"other.xml": f"{number}\n"}, push=True)
        world.engine().sync(world.host, world.repository)
        if refs == "packed":
            world.git(world.clone, "pack-refs", "--all")
    known = world.engine().snapshots(world.host, world.repository)

    assert len(known) == 2
    assert known[0].head == world.git(world.clone, "rev-parse", "HEAD~1")
    assert "refs/tags/kept^{}" in world.git(world.clone, "show-ref", "--dereference")
    world.git(world.clone, "fsck", "--strict")
    assert [*(world.clone / ".git").rglob("*.lock")] == []


def test_snapshots_of_last_month_and_tips_of_rewritten_remotes_are_dropped(world: World) -> None:
    """By age, the newest one excepted; refs/deployer/moved goes the same way."""
    engine = world.engine()
    for number in range(3):
        world.commit(world.ada, {"other.xml": f"{number}\n"}, push=True)
        engine.sync(world.host, world.repository)
    folder = world.clone / ".git" / "refs" / "deployer"
    for path, year in zip(sorted((folder / "snap").iterdir()), ("2019", "2020", "2021"), strict=True):
        path.rename(path.with_name(year + path.name[4:]))
    (folder / "moved").mkdir()
    for name, age in (("old", 40), ("young", 20)):
        (folder / "moved" / name).write_text(world.tip() + "\n")
        os.utime(folder / "moved" / name, (time.time() - age * 86400,) * 2)

    world.commit(world.ada, {"other.xml": "last\n"}, push=True)
    engine.sync(world.host, world.repository)

    assert len(engine.snapshots(world.host, world.repository)) == 1
    assert [path.name for path in (folder / "moved").iterdir()] == ["young"]


def test_a_clock_that_went_back_does_not_change_the_order(world: World) -> None:
    """The newest is the one that was taken last."""
    world.commit(world.ada, {"other.xml": "first\n"}, push=True)
    world.engine().sync(world.host, world.repository)
    (only,) = (world.clone / ".git" / "refs" / "deployer" / "snap").iterdir()
    only.rename(only.with_name("29990101T000000.000000Z"))
    head = world.git(world.clone, "rev-parse", "HEAD")
    world.commit(world.ada, {"b.xml": "b\n"}, push=True)
    world.engine().sync(world.host, world.repository)

    newest = world.engine().snapshots(world.host, world.repository)[0]

    assert (newest.id, newest.head) == ("29990101T000000.000001Z", head)


def test_what_was_ignored_then_stays_where_it_is(world: World) -> None:
    """Its bytes are in no snapshot of then: an undo leaves it, also where the remote has ceased to ignore it."""
    rules = {".gitignore": "local.env\nbuild/\n*.log\n"}
    world.commit(world.ada, rules, push=True)
    world.engine().sync(world.host, world.repository)
    (world.clone / "local.env").write_text("mine\n")
    (world.clone / "build").mkdir()
    (world.clone / "build" / "first").write_text("mine\n")
    world.commit(world.ada, {".gitignore": "*.tmp\n", "new.xml": "of ada\n"}, push=True)
    world.engine().sync(world.host, world.repository)
    (world.clone / "build" / "second").write_text("later\n")
    (world.clone / "later.txt").write_text("later\n")

    undone = world.engine().undo(world.host, world.repository)

    assert undone.left == ("build/first", "build/second", "local.env")
    assert undone.removed == ("later.txt", "new.xml")
    kept = {name: (world.clone / name).read_text() for name in undone.left}
    assert kept == {"build/first": "mine\n", "build/second": "later\n", "local.env": "mine\n"}
    (world.clone / "local.env").write_text("edited\n")
    world.engine().undo(world.host, world.repository)
    assert (world.clone / "local.env").read_text() == "mine\n"
    assert (world.clone / "later.txt").read_text() == "later\n"


def opening(world: World, name: str, then: str) -> None:
    """Something happens in the very moment in which the program opens a file of that name."""
    folder = world.root / "site"
    folder.mkdir()
    lines = (
        "import os, sys",
        "def hook(event, args):",
        f"    if event == 'open' and isinstance(args[0], str) and os.path.basename(args[0]) == {name!r}:",
        f"        {then}",
        "sys.addaudithook(hook)",
    )
    (folder / "sitecustomize.py").write_text("\n".join(lines) + "\n")
    world.host.environment = {**world.environment, "PYTHONPATH": str(folder)}


def test_an_untracked_file_that_goes_away_stops_nothing(world: World) -> None:
    """An editor removes its own while it is being read: it is in no snapshot, and the sync goes on."""
    swap = world.clone / ".viatris.xml.swp"
    swap.write_text("x\n")
    world.commit(world.ada, {"viatris.xml": "of ada\n"}, push=True)
    opening(world, swap.name, "os.unlink(args[0])")

    result = world.engine().sync(world.host, world.repository)

    assert result.status is SyncStatus.RECEIVED, result.manual
    (snapshot,) = world.engine().snapshots(world.host, world.repository)
    assert (snapshot.untracked, snapshot.left) == ((), ())
    assert not swap.exists()


@pytest.mark.parametrize("name", ["x.log", "other.xml"])
def test_a_file_that_may_not_be_read_is_named_and_stays(world: World, name: str) -> None:
    """Nothing of it is changed by a sync of other files, nor by the undo."""
    (world.clone / name).write_text("of somebody\n")
    world.commit(world.ada, {"viatris.xml": "of ada\n"}, push=True)
    head = world.git(world.clone, "rev-parse", "HEAD")
    opening(world, name, "raise PermissionError(13, 'Permission denied', args[0])")

    result = world.engine().sync(world.host, world.repository)
    (snapshot,) = world.engine().snapshots(world.host, world.repository)
    undone = world.engine().undo(world.host, world.repository)

    assert result.status is SyncStatus.RECEIVED, result.manual
    assert snapshot.left == undone.left == (name,)
    assert world.git(world.clone, "rev-parse", "HEAD") == head
    assert (world.clone / name).read_text() == "of somebody\n"


def test_untracked_files_are_kept_up_to_a_size_of_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is small enough, but not all of them together: those that are too many are named, and edits are kept."""
    for name, value in world.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("deployer.gitsync.remote.snapshots.BUDGET", 10)
    (world.clone / "viatris.xml").write_text("an edit of more than ten bytes\n")
    for name in ("a.img", "b.img", "c.img"):
        (world.clone / name).write_text("4567" if name == "b.img" else "1234567")
    place = preflight.place(str(world.clone))
    Path(place.own).mkdir()
    with contextlib.closing(Git(place.top, time.monotonic() + limit(300))) as git:
        clone = preflight.open_clone(git, place, {}, "main")

        taken = snapshots.record(git, clone, why="", flags=snapshots.flags_of(git))

    assert (taken.meta["untracked"], taken.meta["left"]) == (["a.img"], ["b.img", "c.img"])
    assert world.git(world.clone, "show", f"{taken.oid}:viatris.xml") == "an edit of more than ten bytes"


def test_an_undo_that_died_is_finished_where_git_itself_writes_refs(world: World) -> None:
    """As with reftables: the next sync goes on with it, and the snapshot of what was there is kept under its name."""
    (world.clone / ".git" / "reftable").mkdir()
    head = world.git(world.clone, "rev-parse", "HEAD")
    world.commit(world.ada, {"viatris.xml": "of ada\n"}, push=True)
    world.engine().sync(world.host, world.repository)
    real = shutil.which("git")
    wrapper = world.root / "bin" / "git"
    wrapper.parent.mkdir()
    dies = f'{real} "$@"; kill -9 $PPID; exit'
    wrapper.write_text(f'#!/bin/sh\ncase "$*" in *"update-ref refs/deployer/snap/"*) {dies};; esac\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    world.host.environment = {**world.environment, "PATH": f"{wrapper.parent}:{world.environment['PATH']}"}
    with pytest.raises(RuntimeError):
        world.engine().undo(world.host, world.repository)
    world.host.environment = world.environment
    kept = [one.id for one in world.engine().snapshots(world.host, world.repository)]
    world.bare.rename(world.bare.with_suffix(".away"))  # so that the sync ends once the journal is done with

    world.engine().sync(world.host, world.repository)

    assert world.git(world.clone, "rev-parse", "HEAD") == head
    assert world.git(world.clone, "status", "--porcelain") == ""
    assert len(kept) == 2
    assert [one.id for one in world.engine().snapshots(world.host, world.repository)] == kept
