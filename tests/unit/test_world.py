"""Which tests run in a second world."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.world import ELSEWHERE, SHARES, number, runs

TOP = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("start", "share"), SHARES.items())
def test_a_share_goes_round(start: str, share: int) -> None:
    """In as many days as the share has parts each test runs once, and each day about as many."""
    names = [f"{start}test_x.py::test_{count}" for count in range(600)]
    days = [[name for name in names if runs(name, 740_000 + day)] for day in range(share)]

    assert sorted(name for day in days for name in day) == sorted(names)
    assert min(map(len, days)) > 600 / share / 2


def test_what_is_cheap_runs_each_day() -> None:
    """Whatever the seed is, a text as well."""
    seeds = [number(seed) for seed in ("1", "2", "friday", "all")]

    assert all(runs("tests/unit/test_settings.py::test_x", seed) for seed in seeds)
    assert not any(runs("tests/benchmarks/test_sync.py::test_x", seed) for seed in seeds)
    assert len({*seeds}) == 4


def test_all_is_all() -> None:
    """But what brings a world of its own."""
    assert all(runs(f"tests/acceptance/test_x.py::test_{count}", number("all")) for count in range(9))


def test_the_places_are_there() -> None:
    """A file that was renamed would run all of its tests, or none of them, unseen."""
    assert [name for name in (*ELSEWHERE, *SHARES) if not (TOP / name).exists()] == []
