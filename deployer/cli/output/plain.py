"""Plain lines with time, for a log file, a pipe or CI."""

from __future__ import annotations

import threading
import time
from typing import Self

from deployer.cli import console
from deployer.cli.output.words import event_line, result_line
from deployer.model.plan import Plan
from deployer.model.run import Event, Run, TargetResult

SILENCE = 30.0
"""Seconds after which a heartbeat line says that the run is alive: CI systems end jobs that say nothing."""


class PlainLines:
    """Writes a line per event to stderr, and a heartbeat when nothing happens; readers may go away."""

    def __init__(self, silence: float = SILENCE) -> None:
        self._silence = silence
        self._done = threading.Event()
        self._last = time.monotonic()
        self._started = time.monotonic()
        self._waiting_for: set[str] = set()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join()

    def header(self, lines: tuple[str, ...], run: Run, plan: Plan) -> None:  # noqa: ARG002  the live listener needs the run
        """The header as it is."""
        self._waiting_for = {target.name for target in plan.targets}
        console.tell(*lines)

    def ask(self, question: str) -> bool:
        """Ask on the terminal."""
        return console.ask(question)

    def begin(self) -> None:
        """The first line comes with the first event."""

    def event(self, event: Event) -> None:
        """A line, where it says something to a person."""
        if line := event_line(event):
            self._write(f"{event.time.astimezone():%H:%M:%S} {line}")

    def result(self, result: TargetResult) -> None:
        """A line."""
        self._waiting_for.discard(result.target)
        self._write(f"{time.strftime('%H:%M:%S')} {result_line(result)}")

    def _write(self, line: str) -> None:
        self._last = time.monotonic()
        console.tell(line)

    def _beat(self) -> None:
        while not self._done.wait(max(0.05, self._silence - (time.monotonic() - self._last))):
            if time.monotonic() - self._last >= self._silence:
                waiting = ", ".join(sorted(self._waiting_for)[:5]) or "the sync"
                seconds = time.monotonic() - self._started
                self._write(f"{time.strftime('%H:%M:%S')} still running after {seconds:.0f} s, waiting for {waiting}")
