"""Results as tables on stdout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from rich.table import Table

from deployer.cli import console
from deployer.cli.output.cells import Console, Words, words
from deployer.cli.output.words import COLOURS, outcomes, versions
from deployer.model.command import Operand, typed
from deployer.model.run import Run, RunState, TargetResult

if TYPE_CHECKING:
    from deployer.app import Deployer

WIDE = 400
"""Columns where stdout is no terminal: a log is not cut at 80."""
_COPIED = frozenset({"run", "snapshot", "target", "instance", "name"})
"""Columns of what a person copies into the next command."""
_LEAST = 4
"""Letters in a line of any other column, on the narrowest terminal."""
_GAP = 2


def table(headers: Sequence[str], rows: Iterable[Sequence[str | Words]]) -> None:
    """Print aligned columns, folded to the terminal's width and whole elsewhere; ids and names are never folded."""
    cells = tuple(tuple(words(cell) if isinstance(cell, str) else cell for cell in row) for row in rows)
    screen = Console(highlight=False, soft_wrap=False)
    # Where even the narrowest columns do not fit, the terminal wraps the lines: ids stand first and stay whole.
    width = max(screen.width, _narrowest(headers, cells)) if screen.is_terminal else WIDE
    screen = Console(highlight=False, width=width)
    grid = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for header in headers:
        grid.add_column(header, overflow="fold", no_wrap=header in _COPIED)
    for row in cells:
        grid.add_row(*row)
    with screen.capture() as capture:
        screen.print(grid)
    # Rich pads every line to the width; nobody wants that in a log or on the clipboard.
    console.laid_out("\n".join(line.rstrip() for line in capture.get().splitlines()))


def _narrowest(headers: Sequence[str], rows: Sequence[Sequence[Words]]) -> int:
    columns = zip(headers, *rows, strict=True)
    widths = (max(len(cell) for cell in column) if column[0] in _COPIED else _LEAST for column in columns)
    return sum(width + _GAP for width in widths)


def coloured(result: TargetResult) -> Words:
    """The outcome in its colour."""
    return words(result.outcome, COLOURS[result.outcome])


def print_run(run: Run, deployer: Deployer) -> None:
    """Every outcome, what runs now, the first error of each failed target, the log, and the command to retry."""
    from deployer.app import manual_report

    print_results(run)
    for work in deployer.attention():
        if work.site in run.sites and work.environment == run.environment:
            console.lines("", *manual_report(work))


def print_results(run: Run, *, is_own: bool = True) -> None:
    """The table of targets, what changed in files, the first error of each, and the closing lines.

    Args:
        run: as it ended, or as the record has it.
        is_own: nobody else can have written what is known of it.
    """
    if run.results:
        table(("target", "outcome", "version", "runs now", "time"), (_row(result) for result in run.results))
    for result in run.results:
        if result.diff:
            console.lines("", result.target)
            console.quote(result.diff)
    for result in run.results:
        if result.error:
            console.lines("", f"{result.target}: {result.error}", *([f"  in: {result.task}"] if result.task else []))
    _close(run, is_own=is_own)


def _row(result: TargetResult) -> tuple[str | Words, ...]:
    seconds = (result.ended - result.started).total_seconds() if result.started and result.ended else None
    took = "" if seconds is None else f"{seconds:.1f} s"
    return result.target, coloured(result), versions(result), result.running, took


def _close(run: Run, *, is_own: bool) -> None:
    seconds = (run.ended - run.started).total_seconds() if run.ended else 0.0
    state = "" if run.state is RunState.FINISHED else f" {run.state}"
    console.lines("", f"{run.operation}{state}: {outcomes(run.results)} in {seconds:.1f} s")
    if run.owed:
        console.line(f"retry: {retry_command(run, is_own=is_own)}")
    console.line(f"log: {run.log}")


def retry_command(run: Run, *, is_own: bool = True) -> str:
    """The exact command that takes up what is owed, with the options that say where to work.

    An inventory can run programs: out of a record that others can write only names are taken, of what is here.
    """
    where = where_options(run.arguments)
    return typed("deployer", "retry", Operand(run.id), *(where if is_own else _named(where)))


def _named(where: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        word
        for one, name in pairwise(where)
        if one in {"--sandbox", "-E", "--environment"} and _NAME.fullmatch(name)
        for word in (one, name)
    )


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def where_options(arguments: Sequence[str]) -> tuple[str, ...]:
    """The options of a command line that say in which environment or sandbox it worked."""
    wanted = {"--sandbox", "-i", "--inventory", "-E", "--environment"}
    found: list[str] = []
    for at, argument in enumerate(arguments):
        if argument in wanted:
            found.extend(arguments[at : at + 2])
        elif argument.split("=", 1)[0] in wanted or argument[:2] in {"-i", "-E"}:
            found.append(argument)  # name and value in one word, as --inventory=DIR or -iDIR
    return tuple(found)
