"""Which deep cases a run takes: within the budget, other ones each day, and the parts that a change touches first."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from tests.budget.choice import Case, allowances, chosen, touched
from tests.budget.marks import rotating, sampled
from tests.budget.shares import BENCHMARKS, BUDGET, PARTS, Part, part_of

TOP = Path(__file__).parents[3]
GUIDE = TOP / "doc" / "developer_guide.md"
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
    """Each has its own share, and there is no more."""
    assert allowances({SYNC: 450, MERGE: 150}, [SYNC, MERGE]) == {SYNC: 100, MERGE: 50}


@pytest.mark.parametrize("count", range(len(PARTS) + 1))
def test_a_part_that_a_change_touches_never_gets_less_than_its_share(count: int) -> None:
    """Nor than it needs; and all together stay within the budget."""
    needs = {part: part.share * factor for part, factor in zip(PARTS, itertools.cycle((0.4, 1, 2, 7)), strict=False)}
    for changed in itertools.combinations(PARTS, count):
        given = allowances(needs, changed)

        assert sum(given.values()) <= sum(part.share for part in PARTS) + 0.001
        assert all(given[part] >= min(needs[part], part.share) - 0.001 for part in changed)
        assert all(given[part] <= need + 0.001 for part, need in needs.items())


def test_a_case_that_no_share_pays_for_runs_now_and_then() -> None:
    """On average it costs what the share is."""
    dear = [Case("tests/merge/test_x.py::test_dear", MERGE, 200), *cases(MERGE, 10, 5)]
    runs = [chosen(dear, f"{number}", ()) for number in range(400)]

    assert 60 < sum("tests/merge/test_x.py::test_dear" in run for run in runs) < 140
    assert all(len(run) >= 10 for run in runs)


def test_seconds_that_nobody_needs_are_not_spent() -> None:
    """A part with few cases leaves the others their shares."""
    assert allowances({SYNC: 30, MERGE: 150}, ()) == {SYNC: pytest.approx(30), MERGE: pytest.approx(50)}


@pytest.mark.parametrize("part", [*PARTS, *BENCHMARKS], ids=lambda part: part.name)
def test_a_deep_test_that_changed_makes_its_part_run(part: Part) -> None:
    """Else it could land without having run once."""
    assert part in touched(PARTS + BENCHMARKS, [f"{part.tests[0]}x.py"])


def test_all_code_makes_some_part_run() -> None:
    """A package that is added is named in a part, or below."""
    nobody = {"__init__.py", "__main__.py", "py.typed", "resources.py", "testing"}
    names = {path.name + "/" * path.is_dir() for path in (TOP / "deployer").iterdir() if path.name != "__pycache__"}

    assert {name for name in names if not touched(PARTS, [f"deployer/{name}"])} == {
        name for name in names if name.strip("/") in nobody
    }


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
