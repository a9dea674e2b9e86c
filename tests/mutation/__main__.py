"""`make mutants`: changes the core in small ways, and sees whether the tests notice."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from tests.budget.pace import pace
from tests.mutation.choosing import choose
from tests.mutation.mutant import Mutant
from tests.mutation.reporting import HEAD, rows, survivors
from tests.mutation.running import Run, Wanted, WorkerGoneError, workers
from tests.mutation.session import Session
from tests.mutation.table import TESTS

ROOT = Path(__file__).resolve().parents[2]
FLOOR = 85
FLOOR_OF_ALL = 90
INTERRUPTED = 130


@click.command(help=__doc__)
@click.option("--seed", default=1, show_default=True, envvar="MUTANTS_SEED", help="Decides the sample.")
@click.option("--sample", default=18, show_default=True, envvar="MUTANTS_SAMPLE", help="Mutants of each package.")
@click.option("--workers", "number", default=2, show_default=True, envvar="MUTANTS_WORKERS", help="At the same time.")
@click.option("--package", "packages", multiple=True, type=click.Choice(list(TESTS)), help="Only this one; repeatable.")
@click.option("--only", default="", help="Only mutants with this text in their names.")
@click.option("--deep", is_flag=True, help="Try the deep tests on what the everyday tests let live.")
@click.option("--minutes", default=40.0, show_default=True, help="No mutant is begun after that.")
def main(
    *, seed: int, sample: int, number: int, packages: Sequence[str], only: str, deep: bool, minutes: float
) -> None:
    """Choose, try, report."""
    chosen = {package: choose(ROOT, package, sample, seed) for package in packages or TESTS}
    mutants = {package: [each for each in found if only in each.name] for package, found in chosen.items()}
    mutants = {package: found for package, found in mutants.items() if found}
    click.echo(f"seed {seed}, {sum(map(len, mutants.values()))} mutants (MUTANTS_SEED={seed} makes the same ones)")
    # Measured before there are workers, which would slow it down, and inherit it.
    click.echo(f"limits of time: {pace():.1f} times those of a usual machine")
    session = Session(ROOT / ".mutants", ROOT, seed)
    code = _run(Wanted(ROOT, seed, mutants, deep, minutes), session, number)
    sys.exit(max(code, _report(mutants, session, is_deep=deep)))


def _run(wanted: Wanted, session: Session, number: int) -> int:
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-")))
            jobs, answers, made = stack.enter_context(workers(wanted.source, folder, number))
            run = Run(wanted, session, click.echo)
            run.carry_out(jobs, answers, made)
    except KeyboardInterrupt:
        click.echo(f"stopped; the same command goes on with what is left ({session.path})")
        return INTERRUPTED
    except WorkerGoneError as error:
        click.echo(error, err=True)
        return 1
    click.echo("\n".join(run.broken), nl=bool(run.broken))
    return int(bool(run.broken))


def _report(mutants: Mapping[str, Sequence[Mutant]], session: Session, *, is_deep: bool) -> int:
    """Print the table; whether the score is under what doc/quality.md promises."""
    table = rows(mutants, session)
    click.echo("\n".join(["", HEAD, *map(str, table), "", *survivors(mutants, session)]))
    total = table[-1]
    untried = [one.name for found in mutants.values() for one in found if not session.has(one.package, one.name)]
    if untried:
        of_all = f"{len(untried)} of the sample's {sum(map(len, mutants.values()))} were not tried"
        click.echo("\n".join([f"{of_all}: the same command goes on with", *untried]))
    return int(total.everyday < FLOOR or (is_deep and total.by_all < FLOOR_OF_ALL))


if __name__ == "__main__":
    main()
