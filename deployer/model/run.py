"""One execution of a plan, and what became of each target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from deployer.model.json import JsonObject
from deployer.model.options import PlaybookOptions


class Outcome(StrEnum):
    """How a target ended."""

    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    HELD = "held"
    """Its manifest needs a person."""
    SKIPPED = "skipped"
    NOT_STARTED = "not-started"
    INTERRUPTED = "interrupted"


OWED = frozenset({Outcome.FAILED, Outcome.UNREACHABLE, Outcome.HELD, Outcome.INTERRUPTED, Outcome.NOT_STARTED})
"""What `retry` takes up again."""


class RunState(StrEnum):
    """Where a run is."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    """Stopped, or its process died."""


@dataclass(frozen=True, slots=True)
class TargetResult:
    """What became of one target."""

    target: str
    """`viatris.fra1`."""
    site: str
    outcome: Outcome
    running: str = "unknown"
    """The version that answers now; `down` or `unknown`."""
    version_before: str = ""
    version_after: str = ""
    """What the run wanted: versions A -> B."""
    error: str = ""
    """The first error, one line."""
    task: str = ""
    """The task that failed."""
    diff: str = ""
    attempt: int = 1
    started: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A slim row of what happened in a run."""

    sequence: int
    """From 1, unique in a run: writing the same event again changes nothing."""
    time: datetime
    kind: str
    """`start` and `task` (a task of a target begins, ended), `message`, `sync` …"""
    text: str
    """One line for a person."""
    target: str = ""
    data: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """How a run was asked for, besides its operation, sites, instances and parameters: what `retry` repeats."""

    limit: str = ""
    only: tuple[str, ...] = ()
    """Names of the targets that a retry was bound to; empty for no such bound."""
    sets: tuple[tuple[str, str], ...] = ()
    """(path, value) that were to be set in the manifests."""
    options: PlaybookOptions = field(default_factory=PlaybookOptions)


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a plan."""

    id: str
    """Sorts by time: `20261120-214655-k3f9`."""
    operation: str
    environment: str
    sites: tuple[str, ...]
    instances: tuple[str, ...]
    """What was asked for; empty for all."""
    who: str
    controller: str
    started: datetime
    state: RunState = RunState.RUNNING
    check: bool = False
    params: JsonObject = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    """The command line that would do the same, less the program's name."""
    asked: Asked | None = None
    """None in the record of an older program, which did not keep it."""
    retry_of: str = ""
    revisions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Site -> revision before and after the sync."""
    ended: datetime | None = None
    exit_code: int | None = None
    results: tuple[TargetResult, ...] = ()
    log: str = ""
    """Path of the full log on the controller."""

    @property
    def owed(self) -> tuple[TargetResult, ...]:
        """The targets that `retry` takes up again."""
        return tuple(result for result in self.results if result.outcome in OWED)


def exit_code_of(results: tuple[TargetResult, ...], *, check: bool = False, attention: bool = False) -> int:
    """The exit code for these results: the first of 5, 3, 4, 8 that applies, else 0 (doc/exit_codes.md).

    Args:
        results: every target of the run.
        check: whether the run only looked (`--check`), so that changes are 8.
        attention: whether manual work was reported besides the targets.
    """
    outcomes = {result.outcome for result in results}
    if attention or Outcome.HELD in outcomes:
        return 5
    if Outcome.FAILED in outcomes:
        return 3
    if outcomes & {Outcome.UNREACHABLE, Outcome.INTERRUPTED, Outcome.NOT_STARTED}:
        return 4
    return 8 if check and Outcome.CHANGED in outcomes else 0
