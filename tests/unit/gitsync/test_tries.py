"""How often a step is tried, with a clock that does not wait."""

from __future__ import annotations

import heapq
import random
import threading
from datetime import UTC, datetime

import pytest

from deployer.errors import UnreachableError
from deployer.gitsync.classes import CLASSES
from deployer.gitsync.tries import StepStoppedError, Tries
from deployer.model.json import JsonObject
from deployer.settings import SyncSettings
from tests.budget.pace import limit


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


def asked_to_wait(seconds: float, deadline: float) -> tuple[int, list[float]]:
    """Tries and waits where a web server wants to be left alone for a while."""
    clock = StillClock()
    tries = Tries(clock, SyncSettings(seconds=deadline))

    def step() -> JsonObject:
        raise StepStoppedError({"failure": {"retry_after": seconds}}, CLASSES["server-trouble"])

    with pytest.raises(StepStoppedError):
        tries.run(step)
    return tries.count, clock.waits


def test_a_server_that_says_when_to_come_again_is_obeyed() -> None:
    """No wait is shorter than it asked for."""
    count, waits = asked_to_wait(50, 1000)

    assert count == 3
    assert min(waits) >= 50


def test_a_server_that_says_when_is_not_asked_again_before() -> None:
    """Where that is after the deadline, the sync ends at once."""
    assert asked_to_wait(3600, 90) == (1, [])


def test_a_network_has_few() -> None:
    """Its own budget."""
    count, waits = tried("network", SyncSettings(network_attempts=3, seconds=1000))

    assert (count, len(waits)) == (3, 2)


def test_an_old_sync_comes_back_sooner_than_younger_ones() -> None:
    """The bounds of the waits double up to the longest, and from the ninth on they are halved down to the first."""
    clock = StillClock()
    tries = Tries(
        clock, SyncSettings(attempts=15, seconds=1000, first_wait=0.1, longest_wait=4), lambda _low, high: high
    )

    def step() -> JsonObject:
        raise StepStoppedError({}, CLASSES["lost-race"])

    with pytest.raises(StepStoppedError):
        tries.run(step)

    assert clock.waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 4, 4, 4, 2, 1, 0.5, 0.25, 0.125]


class Arena:
    """A branch that many land on without a pause, one thread at a time and each when its time has come."""

    def __init__(self, writers: int, changes: int, seed: int) -> None:
        self.random = random.Random(seed)
        self.landed: list[tuple[float, int]] = []
        self.given_up = 0
        self._changes = changes
        self._now = 0.0
        self._tip = 0
        self._due: list[tuple[float, int]] = [(number / 1000, number) for number in range(writers)]
        self._turns = [threading.Semaphore(0) for _ in range(writers)]
        self._end = threading.Semaphore(0)

    def run(self) -> Arena:
        """Until all that shall land has landed or was given up."""
        for number in range(len(self._turns)):
            threading.Thread(target=self._write, args=(number,), daemon=True).start()
        self._next()
        assert self._end.acquire(timeout=limit(120))
        return self

    def _next(self) -> None:
        if not self._due:
            self._end.release()
            return
        self._now, number = heapq.heappop(self._due)
        self._turns[number].release()

    def _pause(self, number: int, seconds: float) -> None:
        heapq.heappush(self._due, (self._now + seconds, number))
        self._next()
        self._turns[number].acquire()

    def _write(self, number: int) -> None:
        self._turns[number].acquire()
        arena = self

        class Clock(StillClock):
            def monotonic(self) -> float:
                return arena._now

            def sleep(self, seconds: float) -> None:
                arena._pause(number, seconds)

        for _ in range(self._changes):
            began = self._now
            tries = Tries(Clock(), SyncSettings(), self.random.uniform)
            try:
                tries.run(lambda: self._try(number))
            except StepStoppedError:
                self.given_up += 1
            else:
                self.landed.append((self._now - began, tries.count))
            self._pause(number, 0.01)
        self._next()

    def _try(self, number: int) -> JsonObject:
        """Lands when nobody else did between its look at the branch and its push."""
        seen = self._tip
        self._pause(number, 0.04)
        if self._tip != seen:
            raise StepStoppedError({}, CLASSES["lost-race"])
        self._tip += 1
        return {}


def test_nobody_starves_where_many_land_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """16 writers, 40 changes each: fewer than one in a hundred is left for later, and the slowest comes much sooner."""
    seeds = range(4)
    aged = [Arena(16, 40, seed).run() for seed in seeds]
    monkeypatch.setattr("deployer.gitsync.tries.OLD", 1000)
    ageless = [Arena(16, 40, seed).run() for seed in seeds]

    assert sum(arena.given_up for arena in aged) < 4 * 16 * 40 / 100
    assert sum(max(arena.landed)[0] for arena in aged) < 0.8 * sum(max(arena.landed)[0] for arena in ageless)


def test_what_needs_a_person_has_one() -> None:
    """No wait, no second try."""
    assert tried("conflict", SyncSettings()) == (1, [])


def test_a_lock_is_waited_for_until_the_deadline() -> None:
    """However many tries that takes, and never past it."""
    count, waits = tried("lock", SyncSettings(attempts=2, seconds=60, longest_wait=1))

    assert count > 20
    assert sum(waits) <= 60


def test_a_lock_that_is_held_for_an_hour_is_waited_for_as_well() -> None:
    """Thousands of tries, each after a wait within its bounds, and the deadline is what ends them."""
    count, waits = tried("lock", SyncSettings(seconds=3600, first_wait=0.1, longest_wait=2))

    assert count > 2000
    assert max(waits) <= 2


def test_lost_races_and_a_bad_network_have_budgets_of_their_own() -> None:
    """A busy branch does not use up the few tries of a network that fails now and then: the eleventh try lands."""
    kinds = iter([*["lost-race"] * 4, "network", *["lost-race"] * 4, "network"])
    tries = Tries(StillClock(), SyncSettings(attempts=9, network_attempts=3, seconds=1000))

    def step() -> JsonObject:
        for kind in kinds:
            raise StepStoppedError({}, CLASSES[kind])
        return {"remote": "landed"}

    assert tries.run(step) == {"remote": "landed"}
    assert tries.count == 11


def test_an_unreachable_host_is_tried_as_a_network_is() -> None:
    """The line to the deployer host may be back in a moment."""
    tries = Tries(StillClock(), SyncSettings(network_attempts=2))

    def step() -> JsonObject:
        raise UnreachableError("no answer")

    with pytest.raises(UnreachableError):
        tries.run(step)
    assert tries.count == 2
