"""How often a step is tried, with a clock that does not wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deployer.errors import UnreachableError
from deployer.gitsync.classes import CLASSES
from deployer.gitsync.tries import StepStoppedError, Tries
from deployer.model.json import JsonObject
from deployer.settings import SyncSettings


class StillClock:
    """Time that passes only in waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def now(self) -> datetime:
        """Always the same."""
        return datetime(2026, 11, 20, tzinfo=UTC)

    def monotonic(self) -> float:
        """The waits so far."""
        return sum(self.waits)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.waits.append(seconds)


def tried(kind: str, settings: SyncSettings) -> tuple[int, list[float]]:
    """Tries and waits for a class that never goes away."""
    clock = StillClock()
    tries = Tries(clock, settings)

    def step() -> JsonObject:
        raise StepStoppedError({}, CLASSES[kind])

    with pytest.raises(StepStoppedError):
        tries.run(step)
    return tries.count, clock.waits


def test_contention_has_many_short_tries() -> None:
    """All of the budget is used, and no wait is longer than the longest."""
    count, waits = tried("lost-race", SyncSettings(attempts=12, seconds=1000, first_wait=0.1, longest_wait=4))

    assert count == 12
    assert max(waits) <= 4
    assert waits[0] <= 0.2


def test_a_network_has_few() -> None:
    """Its own budget."""
    count, waits = tried("network", SyncSettings(network_attempts=3, seconds=1000))

    assert (count, len(waits)) == (3, 2)


def test_what_needs_a_person_has_one() -> None:
    """No wait, no second try."""
    assert tried("conflict", SyncSettings()) == (1, [])


def test_a_lock_is_waited_for_until_the_deadline() -> None:
    """However many tries that takes, and never past it."""
    count, waits = tried("lock", SyncSettings(attempts=2, seconds=60, longest_wait=1))

    assert count > 20
    assert sum(waits) <= 60


def test_an_unreachable_host_is_tried_as_a_network_is() -> None:
    """The line to the deployer host may be back in a moment."""
    tries = Tries(StillClock(), SyncSettings(network_attempts=2))

    def step() -> JsonObject:
        raise UnreachableError("no answer")

    with pytest.raises(UnreachableError):
        tries.run(step)
    assert tries.count == 2
