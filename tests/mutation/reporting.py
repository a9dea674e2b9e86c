"""What a run found, as doc/quality.md shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.mutation.mutant import Mutant
from tests.mutation.session import Line, Session

HEAD = """\
| package | mutants | killed by the everyday tests | killed by all | of these by a timeout | survivors | not tried |
|---|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Row:
    """A package, or all of them."""

    title: str
    tried: int
    killed: int
    """By the everyday tests."""
    killed_deep: int
    """By the deep tests only."""
    timeouts: int
    """Of both: no test failed before a limit."""
    untried: int
    """Of the sample: the time was up, or the package's tests fail without a mutant."""

    @property
    def everyday(self) -> float:
        """Per cent."""
        return 100 * self.killed / self.tried if self.tried else 100.0

    @property
    def by_all(self) -> float:
        """Per cent."""
        return 100 * (self.killed + self.killed_deep) / self.tried if self.tried else 100.0

    def __str__(self) -> str:
        both = self.killed + self.killed_deep
        return (
            f"| {self.title} | {self.tried} | {self.killed} ({self.everyday:.0f} %) | {both} ({self.by_all:.0f} %) "
            f"| {self.timeouts} | {self.tried - both} | {self.untried} |"
        )


def rows(mutants: Mapping[str, Sequence[Mutant]], session: Session) -> list[Row]:
    """One for each package, and their sum."""
    found = [_row(package, sample, session) for package, sample in mutants.items()]
    figures = zip(*((row.tried, row.killed, row.killed_deep, row.timeouts, row.untried) for row in found), strict=True)
    return [*found, Row("all", *map(sum, figures))] if found else [Row("all", 0, 0, 0, 0, 0)]


def _row(package: str, sample: Sequence[Mutant], session: Session) -> Row:
    lines = [line for mutant in sample if (line := session.find(package, mutant.name, is_deep=False))]
    deep = [session.find(package, line.name, is_deep=True) for line in lines if not line.is_killed]
    killed, killed_deep = (sum(line.is_killed for line in some if line) for some in (lines, deep))
    timeouts = sum(line.is_timeout for line in (*lines, *deep) if line)
    return Row(f"`{package}`", len(lines), killed, killed_deep, timeouts, len(sample) - len(lines))


def survivors(mutants: Mapping[str, Sequence[Mutant]], session: Session) -> Iterator[str]:
    """Each that no test killed, with what it changes."""
    for package, sample in mutants.items():
        for mutant in sample:
            line = session.find(package, mutant.name, is_deep=False)
            if line and not line.is_killed and not _is_killed_deep(line, session):
                yield f"{mutant.name}\n{line.diff}\n"


def _is_killed_deep(line: Line, session: Session) -> bool:
    deep = session.find(line.package, line.name, is_deep=True)
    return deep is not None and deep.is_killed
