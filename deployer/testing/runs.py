"""Doubles around a run: time, playbooks, whoever watches, whoever stops it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deployer.errors import DeployerError
from deployer.model.check import CheckOutcome, CheckResult, TargetChecks
from deployer.model.plan import Target
from deployer.model.run import Event, Outcome, TargetResult
from deployer.ports import Clock, Listener, PlaybookRun, Stop

_START = datetime(2026, 11, 20, 21, 46, 55, tzinfo=UTC)


class FakeClock:
    """A clock that moves only when somebody sleeps, or by `advance`."""

    def __init__(self, start: datetime = _START) -> None:
        self._start = start
        self._passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The start and what has passed since."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds that have passed."""
        return self._passed

    def sleep(self, seconds: float) -> None:
        """Return at once, that much later."""
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds


class NeverStop:
    """Nobody asks to stop."""

    asked = False
    now = False


@dataclass
class FakeStop:
    """A stop that the test asks for."""

    asked: bool = False
    now: bool = False


class RecordingListener:
    """Keeps what it is told.

    Args:
        on_result: called with each result too; a test stops a run there, for example.
    """

    def __init__(self, on_result: Callable[[TargetResult], None] = lambda _: None) -> None:
        self.events: list[Event] = []
        self.results: list[TargetResult] = []
        self._on_result = on_result

    def event(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)

    def result(self, result: TargetResult) -> None:
        """Keep it, and call `on_result`."""
        self.results.append(result)
        self._on_result(result)


class FakeDriver:
    """Plays outcomes instead of playbooks.

    Args:
        script: target -> its outcomes, one per run of it; the last one holds for all further runs. A target without a
            script is `changed`.
        clock: for the times of results; a run takes a second.
        error: raised instead of running anything.
    """

    def __init__(
        self,
        script: Mapping[str, Sequence[Outcome]] | None = None,
        clock: Clock | None = None,
        error: DeployerError | None = None,
    ) -> None:
        self._script = {target: list(outcomes) for target, outcomes in (script or {}).items()}
        self._clock = clock or FakeClock()
        self._error = error
        self._guard = threading.Lock()
        self.runs: list[PlaybookRun] = []

    def run(self, playbook: PlaybookRun, listener: Listener, stop: Stop) -> tuple[TargetResult, ...]:
        """Every target in turn: an event, a result. A stop at once interrupts those that are left."""
        with self._guard:
            self.runs.append(playbook)
        if self._error:
            raise self._error
        results = []
        for number, target in enumerate(playbook.targets, start=1):
            result = self._result(target, stop)
            listener.event(Event(number, self._clock.now(), "target", f"{target.name} {result.outcome}", target.name))
            listener.result(result)
            results.append(result)
        return tuple(results)

    def _result(self, target: Target, stop: Stop) -> TargetResult:
        started = self._clock.now()
        outcome = Outcome.INTERRUPTED if stop.now else self._outcome(target.name)
        is_good = outcome in {Outcome.OK, Outcome.CHANGED}
        return TargetResult(
            target=target.name,
            site=target.site,
            outcome=outcome,
            running=target.version if is_good else "unknown",
            version_after=target.version,
            error="" if is_good else f"scripted to be {outcome}",
            started=started,
            ended=started + timedelta(seconds=1),
        )

    def _outcome(self, target: str) -> Outcome:
        with self._guard:
            script = self._script.get(target) or [Outcome.CHANGED]
            return script.pop(0) if len(script) > 1 else script[0]


class FakeChecks:
    """Finds what a test says instead of looking.

    Args:
        script: target -> how its one check ends; a target without a script passes. `ok` and `failed` are checks that
            ran; with any other outcome nothing was checked.
        error: raised instead of checking anything.
    """

    def __init__(self, script: Mapping[str, Outcome] | None = None, error: DeployerError | None = None) -> None:
        self._script = dict(script or {})
        self._error = error
        self._guard = threading.Lock()
        self.runs: list[PlaybookRun] = []

    def run(self, playbook: PlaybookRun, stop: Stop) -> tuple[TargetChecks, ...]:
        """One result for each target, in order. A stop at once interrupts them all."""
        with self._guard:
            self.runs.append(playbook)
        if self._error:
            raise self._error
        return tuple(self._result(target, stop) for target in playbook.targets)

    def _result(self, target: Target, stop: Stop) -> TargetChecks:
        outcome = Outcome.INTERRUPTED if stop.now else self._script.get(target.name, Outcome.OK)
        error = "" if outcome is Outcome.OK else f"scripted to be {outcome}"
        if outcome not in {Outcome.OK, Outcome.FAILED}:
            return TargetChecks(target.name, target.site, outcome, error=error)
        ended = CheckOutcome.PASSED if outcome is Outcome.OK else CheckOutcome.FAILED
        return TargetChecks(target.name, target.site, outcome, (CheckResult("test_it", ended, 1.0, error),), error)
