"""A fault at every change of a file that a sync makes, its own and git's: the next sync ends as if it had not been."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from deployer.model.sync import Change, SyncResult, SyncStatus
from tests.budget.marks import sampled
from tests.integration.gitsync.swept import (
    COUNT,
    FULL_FROM,
    FULL_ONCE,
    KILL,
    ProgramKilledError,
    Swept,
    Template,
)

CHUNKS = 40
"""Parts of a sweep: some are played every day, the others in turn."""
NUMBERS = sampled(range(CHUNKS), 2, 2)
MESSAGE = "prod-deployer made changes to viatris.xml via automation"
KEPT = {
    "other.xml": "unstaged\n",
    "staged.xml": "and edited on\n",
    "untracked.xml": "untracked\n",
    "ignored.log": "ignored\n",
}
"""What people had in the work tree."""


def wanted(world: Swept) -> Change:
    """The change of automation."""
    text = (world.clone / "viatris.xml").read_text()
    return world.change(text.replace("line 9\n", "automation\n"), message=MESSAGE)


def calls(template: Template) -> int:
    """How many changes of files the whole sync makes."""
    world = template.fresh()
    change = wanted(world)
    world.faulty.is_faulty, world.faulty.mode = True, COUNT
    result = world.engine().sync(world.host, world.repository, change)
    assert result.status is SyncStatus.LANDED, result.manual
    return world.faulty.count


@pytest.fixture(scope="module")
def points(template: Template) -> Sequence[int]:
    """The numbers of all calls, and some beyond: a run with a fault may make more."""
    many = calls(template)
    assert many > 100, "the shim does not see what git does"
    return range(1, many + 3)


def chunk(points: Sequence[int], number: int) -> Sequence[int]:
    """One part of a sweep."""
    return points[number::CHUNKS]


def hurt(world: Swept, change: Change, mode: int, at: int) -> SyncResult | None:
    """A sync that meets the fault; None when it was killed."""
    world.faulty.is_faulty, world.faulty.mode, world.faulty.at = True, mode, at
    try:
        return world.engine().sync(world.host, world.repository, change)
    except ProgramKilledError:
        return None
    finally:
        world.faulty.is_faulty = False


def check_healed(world: Swept, change: Change, where: str) -> None:
    """The next sync: converged, everything of people there, nothing in progress, each commit once."""
    result = world.engine().sync(world.host, world.repository, change)

    assert result.manual is None, f"{where}: {result.manual}"
    assert result.status in {SyncStatus.LANDED, SyncStatus.RECEIVED, SyncStatus.IN_SYNC}, f"{where}: {result}"
    assert sorted(world.subjects()) == sorted([MESSAGE, "ada's", "ben's", "first"]), where
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip(), where
    assert world.git(world.clone, "symbolic-ref", "HEAD") == "refs/heads/main", where
    status = world.git(world.clone, "status", "--porcelain").splitlines()
    assert status == [" M other.xml", "MM staged.xml", "?? untracked.xml"], f"{where}: {status}"
    assert {name: (world.clone / name).read_text() for name in KEPT} == KEPT, where
    assert world.git(world.clone, "show", ":staged.xml") == "staged", where
    leftovers = [*world.clone.glob(".git/**/*.lock"), *world.clone.glob(".git/deployer/stage")]
    assert not leftovers, f"{where}: {leftovers}"
    assert "automation" in (world.clone / "viatris.xml").read_text(), where
    world.git(world.clone, "fsck", "--no-dangling", "--connectivity-only")


@pytest.mark.parametrize("number", NUMBERS)
def test_killed_at_a_call(template: Template, points: Sequence[int], number: int) -> None:
    """SIGKILL of the program and of every git that it runs."""
    for at in chunk(points, number):
        world = template.fresh()
        change = wanted(world)
        hurt(world, change, KILL, at)
        check_healed(world, change, f"killed at {at}")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("mode", [FULL_ONCE, FULL_FROM], ids=["once", "from-then-on"])
def test_no_room_at_a_call(template: Template, points: Sequence[int], number: int, mode: int) -> None:
    """A disk that is full at one call, or from it on: an answer, nothing lost, and healed when there is room again."""
    for at in chunk(points, number):
        world = template.fresh()
        change = wanted(world)
        result = hurt(world, change, mode, at)
        where = f"no room {'at' if mode == FULL_ONCE else 'from'} {at}"
        assert result is not None, where
        if result.manual:
            # git does not always say why; where there is room again when it is looked for, nothing else tells.
            kinds = {"disk-full", "git-failed"} if mode == FULL_ONCE else {"disk-full"}
            assert result.manual.kind in kinds, f"{where}: {result.manual}"
        check_healed(world, change, where)
