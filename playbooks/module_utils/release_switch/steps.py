"""The steps of a switch, as they are told in the module's result."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Step:
    """One step: what it did, and how long it took (seconds)."""

    name: str
    changed: bool = False
    seconds: float = 0.0
    text: str = ""

    def did(self, text: str) -> None:
        """Tell that the step changed something on the host."""
        self.changed, self.text = True, text

    def as_dict(self) -> dict[str, object]:
        """The form in the module's result."""
        return {"name": self.name, "changed": self.changed, "seconds": round(self.seconds, 3), "text": self.text}


@dataclass
class Steps:
    """Every step so far, in order; one that failed has the failure as its text."""

    done: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Record a step while its work is done in the context."""
        step = Step(name)
        self.done.append(step)
        started = time.monotonic()
        try:
            yield step
        except Exception as error:
            step.text = str(error)
            raise
        finally:
            step.seconds = time.monotonic() - started
