"""A crash is not alone: a second one while the first is mended, a person at work in between, a power cut on top."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.budget.marks import rotating
from tests.budget.seed import dice
from tests.integration.gitsync.sweeps.test_sweeps import KEPT, MESSAGE, calls, check_healed, hurt, wanted
from tests.integration.gitsync.swept import KILL, Swept, Template

CASES = 4
"""Of each seed."""


@pytest.fixture(scope="module")
def many(template: Template) -> int:
    """How many changes of files a whole sync makes."""
    return calls(template)


@pytest.mark.parametrize("drawn_by", rotating(3, 40, 1.5))
def test_killed_again_while_mending(template: Template, many: int, drawn_by: str) -> None:
    """SIGKILL at a call, and at a call of the next sync, and perhaps of the one after: then all is well."""
    for seed in range(CASES):
        chance = dice(drawn_by, seed)
        world = template.fresh()
        change = wanted(world)
        points = [chance.randint(1, many), chance.randint(1, 60), *([chance.randint(1, 40)] * chance.randint(0, 1))]
        for at in points:
            hurt(world, change, KILL, at)
        check_healed(world, change, f"seed {seed}: killed at {points}")


def _edit(world: Swept, chance: random.Random) -> tuple[str, str]:
    name = chance.choice(["viatris.xml", "other.xml", "b.xml"])
    text = (world.clone / name).read_text() + "and a line\n"
    (world.clone / name).write_text(text)
    return name, text


def _put(world: Swept, chance: random.Random) -> tuple[str, str]:
    name = chance.choice(["new/acme.xml", "new/b.xml", "gone.xml", "mine.xml", "later.log"])
    (world.clone / name).parent.mkdir(exist_ok=True)
    (world.clone / name).write_text("a person's\n")
    return name, "a person's\n"


def _stage(world: Swept, chance: random.Random) -> tuple[str, str]:
    name, text = _edit(world, chance)
    # A lock of the dead sync may be there: git says so, and the edit stays an edit.
    world.git(world.clone, "add", "--", name, check=False)
    return name, text


PEOPLE: tuple[Callable[[Swept, random.Random], tuple[str, str]], ...] = (_edit, _put, _stage)


@pytest.mark.parametrize("drawn_by", rotating(3, 40, 1.5))
def test_a_person_between_the_crash_and_the_next_sync(template: Template, many: int, drawn_by: str) -> None:
    """What she wrote is there afterwards, byte for byte; the rest is finished around it, or reported."""
    for seed in range(CASES):
        chance = dice(drawn_by, seed)
        world = template.fresh()
        change = wanted(world)
        at = chance.randint(many // 3, many)
        hurt(world, change, KILL, at)
        mine = dict(chance.choice(PEOPLE)(world, chance) for _ in range(chance.randint(1, 3)))
        where = f"seed {seed}: killed at {at}, wrote {sorted(mine)}"

        result = world.engine().sync(world.host, world.repository, change)

        assert result.manual is None or result.manual.kind == "dirty-overlap", f"{where}: {result.manual}"
        kept = KEPT | mine
        assert {name: (world.clone / name).read_text() for name in kept} == kept, where
        assert sorted(world.subjects()) == sorted([MESSAGE, "ada's", "ben's", "first"]), where
        assert not [*world.clone.glob(".git/**/*.lock")], where
        if result.manual is None:
            assert world.git(world.clone, "rev-parse", "HEAD") == world.tip(), where


@pytest.mark.parametrize("drawn_by", rotating(3, 40, 1.5))
def test_a_power_cut_that_empties_what_was_written_last(template: Template, many: int, drawn_by: str) -> None:
    """Our own files are empty or cut short: an answer comes, and nothing of people is lost, nothing lands twice."""
    for seed in range(CASES):
        chance = dice(drawn_by, seed)
        world = template.fresh()
        change = wanted(world)
        at = chance.randint(1, many)
        hurt(world, change, KILL, at)
        own = world.clone / ".git" / "deployer"
        # A token that became a ref by a rename is that ref: it was on the disk before.
        refs = {path.stat().st_ino for path in (world.clone / ".git" / "refs").rglob("*")}
        ours = [path for path in sorted(own.rglob("*")) if path.is_file() and path.stat().st_ino not in refs]
        torn = [path for path in ours if chance.random() < 0.7]
        for path in torn:
            data = path.read_bytes()
            path.write_bytes(data[: chance.choice([0, len(data) // 2])])
        where = f"seed {seed}: killed at {at}, torn {[path.name for path in torn]}"

        result = world.engine().sync(world.host, world.repository, change)

        assert result.manual is None or result.manual.kind == "dirty-overlap", f"{where}: {result.manual}"
        assert {name: (world.clone / name).read_text() for name in KEPT} == KEPT, where
        assert sorted(world.subjects()) == sorted([MESSAGE, "ada's", "ben's", "first"]), where
