"""Events and results as lines for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from deployer.model.plan import Plan
from deployer.model.run import Event, Outcome, Run, TargetResult
from deployer.model.site import Inventory

COLOURS = {
    Outcome.OK: "green",
    Outcome.CHANGED: "yellow",
    Outcome.FAILED: "red",
    Outcome.UNREACHABLE: "red",
    Outcome.HELD: "magenta",
    Outcome.SKIPPED: "cyan",
    Outcome.NOT_STARTED: "cyan",
    Outcome.INTERRUPTED: "red",
}


def versions(result: TargetResult) -> str:
    """`1.4.2 -> 1.5.0`, or one version where it stays."""
    before, after = result.version_before, result.version_after
    if not before or before == after:
        return after or before
    return f"{before} -> {after}" if after else before


def result_line(result: TargetResult) -> str:
    """`viatris.fra1  changed  1.4.2 -> 1.5.0`."""
    text = f"{result.target}  {result.outcome}  {versions(result)}".rstrip()
    return f"{text}  {result.error}" if result.error else text


def event_line(event: Event) -> str:
    """The event as a line; results have a line of their own, and that a task starts is only news on a live screen."""
    if event.kind in {"target", "start"}:
        return ""
    return f"{event.target}  {event.text}" if event.target else event.text


def outcomes(results: Sequence[TargetResult]) -> str:
    """`2 changed, 1 failed`."""
    count = Counter(result.outcome for result in results)
    return ", ".join(f"{count[outcome]} {outcome}" for outcome in Outcome if count[outcome]) or "no targets"


def header_lines(run: Run, plan: Plan, known: dict[str, str], inventory: Inventory) -> tuple[str, ...]:
    """Who does what, where, from which revision to which, with how many targets and versions.

    Args:
        run: the run.
        plan: its plan.
        known: target -> version that runs now, as far as the record says.
        inventory: what the run's sites were read from.
    """
    head = f"{run.operation}  run {run.id}  by {run.who}  in {run.environment}"
    lines = [head + ("  (check: nothing is changed)" if run.check else "")]
    for site, (before, after) in plan.revisions.items():
        moved = before[:10] if before == after else f"{before[:10]} -> {after[:10]}"
        targets = [target for target in plan.targets if target.site == site]
        moves = Counter((known.get(t.name, ""), t.version) for t in targets)
        said = ", ".join(f"{_move(*move)} ({many})" for move, many in moves.items())
        host = inventory.sites[site].deployer_host.name
        lines.append(f"  {site}  {host}  revision {moved}  {count(len(targets), 'target')}  {said}".rstrip())
    lines.extend(f"  held: {target.name}: {target.held}" for target in plan.held)
    return (*lines, f"  inventory {inventory.source}, read {_age(inventory.age)}", f"  log {run.log}")


def count(many: int, thing: str) -> str:
    """`1 target`, `3 targets`."""
    return f"{many} {thing}" if many == 1 else f"{many} {thing}s"


def _move(before: str, after: str) -> str:
    return f"{before} -> {after}" if before and before != after else after


def ago(then: datetime | None, now: datetime) -> str:
    """`3 min ago`."""
    return "never" if then is None else _since((now - then).total_seconds())


def _age(seconds: float) -> str:
    """Of an answer that may come from a cache."""
    return _since(seconds) if seconds else "just now"


def _since(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(0, seconds):.0f} s ago"
