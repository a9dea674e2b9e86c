"""How slow this machine is beside a usual one: limits of tests are for hangs only, and grow with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

USUAL = 0.30
"""Seconds of the yardstick on the machine of doc/performance.md."""
STEPS = 1_000_000
TRIES = 3


def yardstick() -> float:
    """Seconds of a fixed piece of work, the quickest of some tries: Python computes, and starts five times."""
    return min(_once() for _ in range(TRIES))


def _once() -> float:
    start = time.perf_counter()
    sum(number * number for number in range(STEPS))
    for _ in range(5):
        subprocess.run([sys.executable, "-S", "-c", ""], check=True)
    return time.perf_counter() - start


def _measured() -> str:
    return f"{max(1.0, yardstick() / USUAL):.2f}"


def pace() -> float:
    """How many times as long as on a usual machine a piece of work takes here; at least 1. Measured once in a run."""
    # Workers inherit the environment, and measuring beside each other they would find each other.
    if "TESTS_PACE" not in os.environ:
        os.environ["TESTS_PACE"] = _measured()
    return float(os.environ["TESTS_PACE"])


def limit(seconds: float) -> float:
    """Seconds after which something hangs, here.

    Args:
        seconds: the same on a usual machine with nothing beside it: at least five times what it takes there.
    """
    return seconds * pace()
