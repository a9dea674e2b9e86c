"""What a listener of the command line can do besides listening."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from deployer.model.plan import Plan
from deployer.model.run import Event, Run, TargetResult


class RunListener(Protocol):
    """Shows a run from its header to its last target; a context, so that a terminal is left as it was."""

    def __enter__(self) -> Self:
        """Start showing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def header(self, lines: tuple[str, ...], run: Run, plan: Plan) -> None:
        """What is about to happen, before it does."""

    def ask(self, question: str) -> bool:
        """Ask the person."""

    def begin(self) -> None:
        """It was approved: targets are started now."""

    def event(self, event: Event) -> None:
        """Something happened."""

    def result(self, result: TargetResult) -> None:
        """A target ended."""


class Silent:
    """Shows nothing: for cron, which mails whatever is printed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing to leave."""

    def header(self, lines: tuple[str, ...], run: Run, plan: Plan) -> None:
        """Nothing."""

    def ask(self, question: str) -> bool:  # noqa: ARG002  nobody is there to read it
        """Nobody is there."""
        return False

    def begin(self) -> None:
        """Nothing."""

    def event(self, event: Event) -> None:
        """Nothing: the store has it."""

    def result(self, result: TargetResult) -> None:
        """Nothing: the store has it."""
