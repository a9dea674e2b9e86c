"""A live line per target, on a terminal."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Self

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

from deployer.cli import console
from deployer.cli.output.cells import Console, Words, joined, words
from deployer.cli.output.words import COLOURS, event_line, versions
from deployer.model.plan import Plan
from deployer.model.run import Event, Run, TargetResult


class LiveLines:
    """Shows every target on one line that changes in place; what is worth keeping scrolls above."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._spinner = Spinner("dots")
        self._doing: dict[str, str] = {}
        self._since: dict[str, float] = {}
        self._results: dict[str, TargetResult] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._live is not None:
            with suppress(OSError):
                self._live.stop()

    def header(self, lines: tuple[str, ...], run: Run, plan: Plan) -> None:  # noqa: ARG002  a listener that logs needs the run
        """The header; targets wait below it."""
        for line in lines:
            self._print(words(line))
        self._doing = dict.fromkeys((target.name for target in plan.targets), "waiting")

    def ask(self, question: str) -> bool:
        """Ask before anything moves on the screen."""
        return console.ask(question)

    def begin(self) -> None:
        """From here on every target has its line."""
        if self._doing:
            self._live = Live(console=self._console, refresh_per_second=8, get_renderable=self._table)
            with suppress(OSError):
                self._live.start()

    def event(self, event: Event) -> None:
        """A target's line says what it does now; other news scroll by."""
        line = event_line(event)
        with self._lock:
            if event.target in self._doing:
                self._since.setdefault(event.target, time.monotonic())
                self._doing[event.target] = event.text
            elif line:
                self._print(words(line))
        self._refresh()

    def result(self, result: TargetResult) -> None:
        """The target's line is final."""
        with self._lock:
            self._results[result.target] = result
            if result.target not in self._doing:
                colour = COLOURS[result.outcome]
                self._print(joined(words(result.target), words(result.outcome, colour), words(result.error)))
        self._refresh()

    def _print(self, text: Words) -> None:
        # A terminal that was closed says no: the run goes on.
        with suppress(OSError):
            self._console.print(text, soft_wrap=True)

    def _refresh(self) -> None:
        if self._live is not None:
            with suppress(OSError):
                self._live.refresh()

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for target, doing in list(self._doing.items())[: max(1, self._console.height - 2)]:
            table.add_row(*self._row(target, doing))
        hidden = len(self._doing) - table.row_count
        if hidden > 0:
            table.add_row("", words(f"… and {hidden} more", "dim"))
        return table

    def _row(self, target: str, doing: str) -> tuple[Words | Spinner, ...]:
        result = self._results.get(target)
        seconds = f"{time.monotonic() - self._since[target]:4.1f} s" if target in self._since else ""
        if result is None:
            mark: Words | Spinner = self._spinner if target in self._since else words(" ")
            return mark, words(target), words(doing, "dim", is_cut=True), words(seconds)
        self._since.pop(target, None)
        colour = COLOURS[result.outcome]
        said = result.error or versions(result)
        return words("■", colour), words(target), words(result.outcome, colour), words(said, is_cut=True)
