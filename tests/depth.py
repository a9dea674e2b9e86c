"""How far a test goes: a sample for every day, everything for `make test-deep`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

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
