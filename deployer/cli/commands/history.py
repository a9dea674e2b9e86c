"""`deployer history`: what was run."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from deployer.cli.options import Context, common
from deployer.model.run import Run


@click.command("history")
@click.option("--limit", "-n", "many", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--site", default="", help="Only runs on this site.")
@click.option("--operation", default="", help="Only runs of this operation.")
@common
def command(context: Context, many: int, site: str, operation: str) -> int:
    """List the runs, newest first."""
    with context.deployer() as deployer:
        runs = deployer.store.runs(limit=many, site=site, operation=operation)
    return context.finish(runs, lambda: _show(runs))


def _show(runs: tuple[Run, ...]) -> None:
    from deployer.cli.output.tables import table
    from deployer.cli.output.words import ago, outcomes

    now = datetime.now(UTC)
    rows = [
        (
            run.id,
            run.operation + (" (check)" if run.check else ""),
            " ".join(run.sites),
            run.state.value,
            outcomes(run.results),
            "" if run.exit_code is None else str(run.exit_code),
            run.who,
            ago(run.started, now),
        )
        for run in runs
    ]
    table(("run", "operation", "sites", "state", "outcomes", "code", "by", "when"), rows)
