"""How often, and after which waits, a step is tried again: tenacity with budgets by kind of failure."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping

import tenacity

from deployer.errors import UnreachableError
from deployer.gitsync.classes import FailureClass, Retry
from deployer.model.json import JsonObject
from deployer.ports import Clock
from deployer.settings import SyncSettings

NETWORK_SPREAD = 10
"""Waits for a network are longer than those for a lost race by this factor: few tries, long waits."""

SPREAD, LONGEST = 4, 16
"""Bounds of the first and of the longest wait after a lost race, as multiples of the try that lost it, where that is
more than the settings say: what meets again is whole tries, and they take longer on a slow line or a busy machine."""

MOST_DOUBLED = 64
"""Times that a wait is doubled: by then every bound is reached, and after a thousand more the number would overflow."""

OLD = 8
"""Lost races after which a sync is old: from then on its longest wait is halved each time, and so it comes back sooner
than those that came later. Not from the start: most land before that, and it is their spreading that saves tries."""


class StepStoppedError(Exception):
    """A step stopped; inside this package only.

    Args:
        answer: what the step answered.
        failure_class: its class.
    """

    def __init__(self, answer: JsonObject, failure_class: FailureClass) -> None:
        super().__init__(failure_class.kind)
        self.answer = answer
        self.failure_class = failure_class


class Tries:
    """The tries of one sync.

    Args:
        clock: for the deadline and the waits.
        settings: budgets and waits.
        uniform: a random number between two bounds.
    """

    def __init__(
        self, clock: Clock, settings: SyncSettings, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._uniform = uniform
        self._end = clock.monotonic() + settings.seconds
        self._counts: Counter[Retry] = Counter()
        self.count = 0
        self._began = 0.0

    @property
    def left(self) -> float:
        """Seconds to the deadline, at least one: a step must be able to say what stopped it."""
        return max(1.0, self._end - self._clock.monotonic())

    def run(self, step: Callable[[], JsonObject]) -> JsonObject:
        """Run a step until it succeeds or its budget is spent.

        Raises:
            StepStoppedError: the last failure.
            UnreachableError: the deployer host did not answer.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: _policy(error) is not Retry.NEVER),
            wait=self._wait,
            stop=self._stop,
            sleep=self._clock.sleep,
            before=self._count,
            reraise=True,
        )
        return retrying(step)

    def _count(self, _state: tenacity.RetryCallState) -> None:
        self.count += 1
        self._began = self._clock.monotonic()

    def _stop(self, state: tenacity.RetryCallState) -> bool:
        policy = _policy_of(state)
        self._counts[policy] += 1
        late = self._clock.monotonic() + state.upcoming_sleep >= self._end
        budget = self._settings.network_attempts if policy is Retry.NETWORK else self._settings.attempts
        # Whoever holds a lock may take his time: only the deadline ends the wait for him.
        return late or (policy is not Retry.LOCK and self._counts[policy] >= budget)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Full jitter: those who lost the same race spread out instead of meeting again."""
        policy = _policy_of(state)
        count = self._counts[policy]
        if policy is Retry.CONTENTION:
            bound = self._spread(count, self._clock.monotonic() - self._began)
        else:
            factor = NETWORK_SPREAD if policy is Retry.NETWORK else 1
            bound = min(self._settings.longest_wait, _doubled(self._settings.first_wait, count)) * factor
        return max(self._uniform(0, bound), _asked(state))

    def _spread(self, lost: int, took: float) -> float:
        """Bound of the wait after a lost race, of which `lost` were lost before, by a try that took so many seconds."""
        first = max(self._settings.first_wait, SPREAD * took)
        longest = max(self._settings.longest_wait, LONGEST * took)
        return max(first, math.ldexp(min(longest, _doubled(first, lost)), -max(0, lost - OLD)))


def _doubled(seconds: float, times: int) -> float:
    return math.ldexp(seconds, min(times, MOST_DOUBLED))


def _asked(state: tenacity.RetryCallState) -> float:
    """The seconds that a web server asked to be left alone (Retry-After)."""
    error = state.outcome.exception() if state.outcome else None
    failure = error.answer.get("failure") if isinstance(error, StepStoppedError) else None
    asked = failure.get("retry_after") if isinstance(failure, Mapping) else None
    return float(asked) if isinstance(asked, int | float) else 0.0


def _policy_of(state: tenacity.RetryCallState) -> Retry:
    return _policy(state.outcome.exception() if state.outcome else None)


def _policy(error: BaseException | None) -> Retry:
    if isinstance(error, StepStoppedError):
        return error.failure_class.retry
    return Retry.NETWORK if isinstance(error, UnreachableError) else Retry.NEVER
