"""What a benchmark is held to: its bound in `make bench`, half as much again where other work may share the machine."""

from __future__ import annotations

import os

SLACK = 1.0 if os.environ.get("TESTS_BENCH") == "strict" else 1.5


def within(bound: float) -> float:
    """The most that a measured figure may be here.

    Args:
        bound: what is promised, of a time or a ratio of times. Counts and memory have no slack.
    """
    return bound * SLACK
