"""One change of the code, as a value: it needs nothing of cosmic-ray."""

from __future__ import annotations

from dataclasses import dataclass

Position = tuple[int, int]
"""Line and column."""
Span = tuple[Position, Position]


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    package: str
    module: str
    operator: str
    occurrence: int
    """Which of the operator's places in the module, as cosmic-ray counts."""
    span: Span

    @property
    def name(self) -> str:
        """Says where it is; the same in each run over the same source."""
        (line, column), _ = self.span
        return f"{self.module}:{line}:{column + 1} {self.operator}#{self.occurrence}"
