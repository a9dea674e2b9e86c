"""What happens in a run is written down first, and then told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from deployer.model.json import JsonObject
from deployer.model.run import Event, TargetResult
from deployer.ports import Clock, Listener, Store


class Recorder:
    """A listener that stores events and results and passes them on, one at a time.

    Batches of several sites report side by side; here their events get one numbering.
    """

    def __init__(self, run: str, store: Store, clock: Clock, listener: Listener) -> None:
        self._run = run
        self._store = store
        self._clock = clock
        self._listener = listener
        self._lock = threading.Lock()
        self._sequence = 0
        self._results: dict[str, TargetResult] = {}

    @property
    def run(self) -> str:
        """Id of the run."""
        return self._run

    @property
    def results(self) -> tuple[TargetResult, ...]:
        """What is known of every target so far."""
        with self._lock:
            return tuple(self._results.values())

    def event(self, event: Event) -> None:
        """Number it, store it, pass it on."""
        with self._lock:
            self._sequence += 1
            numbered = replace(event, sequence=self._sequence)
            self._store.append(self._run, (numbered,))
            self._listener.event(numbered)

    def result(self, result: TargetResult) -> None:
        """Store what is known of a target, and pass it on."""
        with self._lock:
            self._results[result.target] = result
            self._store.record(self._run, (result,))
            self._listener.result(result)

    def say(self, kind: str, text: str, *, target: str = "", data: JsonObject | None = None) -> None:
        """An event of ours."""
        self.event(Event(0, self._clock.now(), kind, text, target=target, data=data or {}))

    def expect(self, results: Sequence[TargetResult]) -> None:
        """What is on record of targets until they report: should we be killed, the record still owes them."""
        with self._lock:
            self._results.update((result.target, result) for result in results)
            self._store.record(self._run, results)

    def settle(self, results: Sequence[TargetResult]) -> None:
        """Results that have no news behind them: told only where they differ from what is known."""
        for result in results:
            if self._results.get(result.target) != result:
                self.result(result)
