"""Which deep cases a run takes: within the budget, other ones each day, and the parts that a change touches first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.budget.choice import Case, allowances, chosen, touched
from tests.budget.marks import rotating, sampled
from tests.budget.shares import BENCHMARKS, BUDGET, PARTS, Part, part_of

GUIDE = Path(__file__).parents[3] / "doc" / "developer_guide.md"
SYNC = Part("sync", ("tests/sync/",), ("deployer/gitsync/",), 100)
MERGE = Part("merge", ("tests/merge/",), ("deployer/manifests/",), 50)
SEEDS = [f"2026-11-{day}-0123456789" for day in range(10, 90)]


def cases(part: Part, count: int, seconds: float) -> list[Case]:
    """Cases of one part."""
    return [Case(f"{part.tests[0]}test_x.py::test[{number}]", part, seconds) for number in range(count)]


EVERY = [*cases(SYNC, 50, 10), *cases(MERGE, 30, 5)]


def seconds(names: frozenset[str], part: Part) -> float:
    """What the chosen cases of a part cost."""
    return sum(case.seconds for case in EVERY if case.part == part and case.name in names)


def test_the_shares_do_not_come_to_more_than_the_budget() -> None:
    """A part that is added brings its own share, or others give some."""
    assert sum(part.share for part in (*PARTS, *BENCHMARKS)) <= BUDGET


def test_the_guide_shows_the_shares() -> None:
    """The table of doc/developer_guide.md is this one."""
    rows = re.findall(r"^\| (\w+) \| (\d+) \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)

    assert dict(rows) == {part.name: str(part.share) for part in (*PARTS, *BENCHMARKS)}


def test_each_part_takes_what_its_share_pays_for() -> None:
    """Nothing has changed: every part has its own seconds."""
    names = chosen(EVERY, SEEDS[0], ())

    assert (seconds(names, SYNC), seconds(names, MERGE)) == (100, 50)


def test_a_seed_chooses_the_same_cases_again_and_another_one_other_cases() -> None:
    """So a run can be played again, and in time every case is played."""
    runs = [chosen(EVERY, seed, ()) for seed in SEEDS]

    assert chosen(EVERY, SEEDS[0], ()) == runs[0]
    assert runs[0] != runs[1]
    assert frozenset().union(*runs) == {case.name for case in EVERY}


def test_what_a_change_touches_runs_first_and_the_sum_stays() -> None:
    """Sync has 500 seconds of cases: it gets all that the others can give, and they keep half of their shares."""
    names = chosen(EVERY, SEEDS[0], touched((SYNC, MERGE), ["deployer/gitsync/engine.py"]))

    assert (seconds(names, SYNC), seconds(names, MERGE)) == (120, 25)
    assert sum(allowances({SYNC: 500, MERGE: 150}, [SYNC]).values()) == 150


def test_what_a_change_touches_runs_whole_where_it_fits() -> None:
    """Merge has 150 seconds of cases, and nothing else is needed."""
    little = [*cases(SYNC, 1, 10), *cases(MERGE, 20, 5)]

    assert len(chosen(little, SEEDS[0], touched((SYNC, MERGE), ["deployer/manifests/xml.py"]))) == 21


def test_two_parts_that_a_change_touches_share_what_there_is() -> None:
    """Each in proportion to what it needs."""
    given = allowances({SYNC: 450, MERGE: 150}, [SYNC, MERGE])

    assert given == {SYNC: pytest.approx(112.5), MERGE: pytest.approx(37.5)}


def test_seconds_that_nobody_needs_are_not_spent() -> None:
    """A part with few cases leaves the others their shares."""
    assert allowances({SYNC: 30, MERGE: 150}, ()) == {SYNC: pytest.approx(30), MERGE: pytest.approx(50)}


def test_documents_touch_nothing() -> None:
    """Only code makes a part run whole."""
    assert touched(PARTS, ["doc/sync.md", "README.md"]) == frozenset()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("tests/integration/gitsync/test_landing.py", "sync"),
        ("tests/integration/gitsync/faults/test_faults.py", "faults"),
        ("tests/acceptance/test_main_job.py", "commands"),
        ("tests/acceptance/test_nspawn.py", "hosts"),
        ("tests/benchmarks/test_sync.py", "benchmarks"),
    ],
)
def test_a_file_belongs_to_the_part_with_the_longest_prefix(file: str, name: str) -> None:
    """So a folder can have a part of its own in the folder of another."""
    assert part_of(file).name == name


def test_a_file_of_no_part_is_named() -> None:
    """A deep test elsewhere must not be left out without a word."""
    with pytest.raises(LookupError, match=r"doc/x\.py"):
        part_of("doc/x.py")


def test_sampled_values_are_every_days_or_deep() -> None:
    """Each value is a case once; those of every day are spread over all."""
    marks = [bool(one.marks) for one in sampled(range(6), 2, 1.0)]

    assert marks == [False, True, True, False, True, True]


def test_a_tuple_stands_for_several_arguments() -> None:
    """As in pytest's own parametrize."""
    assert [one.values for one in sampled([("a", 1), "b"], 2, 1.0)] == [("a", 1), ("b",)]


def test_the_seeds_of_every_day_stay_the_same() -> None:
    """What fails on a desk fails on the next one too."""
    assert [one.values for one in rotating(2, 0, 1.0)] == [("daily.0",), ("daily.1",)]
