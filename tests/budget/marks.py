"""Which tier a test belongs to, and what its cases cost.

`everyday` (make test): every case but the deep ones. `deep` (make test-deep): the deep ones, chosen anew by each run's
seed until the budget is spent. `all` (make test-all): every case of both.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import pytest
from _pytest.mark import ParameterSet

from tests.budget.seed import SEED

TIER = os.environ.get("TESTS_TIER", "everyday")
IS_DEEP = TIER != "everyday"


def deep(seconds: float) -> pytest.MarkDecorator:
    """A test that the everyday tier leaves out.

    Args:
        seconds: what each of its cases takes, alone on a usual machine.
    """
    return pytest.mark.deep(seconds)


def deeper(seconds: float) -> pytest.MarkDecorator:
    """A test that every tier has, and that tries more in the deep one (`depth`).

    Args:
        seconds: what it takes in the deep tier, alone on a usual machine.
    """
    return pytest.mark.deeper(seconds)


def depth(everyday: int, deep: int) -> int:
    """How many examples to try."""
    return deep if IS_DEEP else everyday


def sampled(values: Iterable[object], everyday: int, seconds: float) -> list[ParameterSet]:
    """The parameters of a test: some of them, spread over all, are everyday cases; the others are deep ones.

    Args:
        values: a tuple stands for several arguments.
        everyday: how many are cases of every day.
        seconds: what a case takes.
    """
    every = [*values]
    daily = (
        {index * len(every) // everyday for index in range(everyday)}
        if everyday < len(every)
        else set(range(len(every)))
    )
    return [_parameters(value, [] if index in daily else [deep(seconds)]) for index, value in enumerate(every)]


def rotating(everyday: int, deep_cases: int, seconds: float) -> list[ParameterSet]:
    """Seeds as parameters: those of every day are always the same, the deep ones are new with each day and commit."""
    new = [pytest.param(f"{SEED}.{number}", marks=deep(seconds)) for number in range(deep_cases)] if IS_DEEP else []
    return [*(pytest.param(f"daily.{number}") for number in range(everyday)), *new]


def _parameters(value: object, marks: Sequence[pytest.MarkDecorator]) -> ParameterSet:
    if isinstance(value, ParameterSet):
        return pytest.param(*value.values, id=value.id, marks=[*value.marks, *marks])
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=marks)
