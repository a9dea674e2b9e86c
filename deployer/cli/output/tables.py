"""Results as tables on stdout."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deployer.cli.output.words import COLOURS, outcomes, versions
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


def table(headers: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print aligned columns, folded to the terminal's width and whole elsewhere; ids and names are never folded."""
    cells = tuple(rows)
    console = Console(highlight=False, soft_wrap=False)
    # Where even the narrowest columns do not fit, the terminal wraps the lines: ids stand first and stay whole.
    width = max(console.width, _narrowest(headers, cells)) if console.is_terminal else WIDE
    console = Console(highlight=False, width=width)
    grid = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for header in headers:
        grid.add_column(header, overflow="fold", no_wrap=header in _COPIED)
    for row in cells:
        grid.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    with console.capture() as capture:
        console.print(grid)
    # Rich pads every line to the width; nobody wants that in a log or on the clipboard.
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def _narrowest(headers: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> int:
    columns = zip(headers, *rows, strict=True)
    widths = (max(len(cell) for cell in column) if column[0] in _COPIED else _LEAST for column in columns)
    return sum(width + _GAP for width in widths)


def coloured(result: TargetResult) -> Text:
    """The outcome in its colour."""
    return Text(result.outcome, style=COLOURS[result.outcome])


def print_run(run: Run, deployer: Deployer) -> None:
    """Every outcome, what runs now, the first error of each failed target, the log, and the command to retry."""
    from deployer.app import manual_report

    print_results(run)
    for work in deployer.attention():
        if work.site in run.sites and work.environment == run.environment:
            click.echo(f"\n{manual_report(work)}")


def print_results(run: Run) -> None:
    """The table of targets, what changed in files, the first error of each, and the closing lines."""
    if run.results:
        table(("target", "outcome", "version", "runs now", "time"), (_row(result) for result in run.results))
    for result in run.results:
        if result.diff:
            click.echo(f"\n{result.target}\n{result.diff.rstrip()}")
    for result in run.results:
        if result.error:
            click.echo(f"\n{result.target}: {result.error}" + (f"\n  in: {result.task}" if result.task else ""))
    _close(run)


def _row(result: TargetResult) -> tuple[str | Text, ...]:
    seconds = (result.ended - result.started).total_seconds() if result.started and result.ended else None
    took = "" if seconds is None else f"{seconds:.1f} s"
    return result.target, coloured(result), versions(result), result.running, took


def _close(run: Run) -> None:
    seconds = (run.ended - run.started).total_seconds() if run.ended else 0.0
    state = "" if run.state is RunState.FINISHED else f" {run.state}"
    click.echo(f"\n{run.operation}{state}: {outcomes(run.results)} in {seconds:.1f} s")
    if run.owed:
        click.echo(f"retry: {retry_command(run)}")
    click.echo(f"log: {run.log}")


def retry_command(run: Run) -> str:
    """The exact command that takes up what is owed, with the options that say where to work."""
    return shlex.join(("deployer", "retry", run.id, *where_options(run.arguments)))


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
