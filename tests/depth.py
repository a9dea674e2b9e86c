"""How far a test goes: a sample for every day, everything for `make test-deep`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest

Item = TypeVar("Item")
Test = TypeVar("Test", bound=Callable[..., Any])

IS_DEEP = bool(os.environ.get("DEPLOYER_DEEP"))
"""Set by `make test-deep`."""


def depth(everyday: int, deep: int) -> int:
    """How many cases to try."""
    return deep if IS_DEEP else everyday


def sample(items: Sequence[Item], everyday: int) -> Sequence[Item]:
    """All items in the deep tests; else some, spread over all of them."""
    if IS_DEEP or len(items) <= everyday:
        return items
    return [items[index * len(items) // everyday] for index in range(everyday)]


def only_deep(takes: str) -> Callable[[Test], Test]:
    """A test that every day has something shorter for, and that takes so long."""
    skipped = pytest.mark.skipif(not IS_DEEP, reason=f"{takes}: make test-deep")
    return lambda test: pytest.mark.deep(skipped(test))
