"""`deployer show`: one run."""

from __future__ import annotations

import click

from deployer.cli import console
from deployer.cli.completing import complete_runs
from deployer.cli.options import Context, common
from deployer.model.command import typed
from deployer.model.run import Run


@click.command("show")
@click.argument("run", shell_complete=complete_runs)
@common
def command(context: Context, run: str) -> int:
    """Show a run. RUN is its id, the beginning of one, or `last`."""
    with context.deployer() as deployer:
        found, is_own = deployer.store.run(run), deployer.store.is_private
    return context.finish(found, lambda: _show(found, is_own=is_own))


def _show(run: Run, *, is_own: bool) -> None:
    from deployer.cli.output.tables import print_results

    console.line(f"{run.operation}  run {run.id}  by {run.who}  in {run.environment}  {run.state}")
    if run.arguments:
        console.line(f"  {typed('deployer', *run.arguments)}")
    for site, (before, after) in run.revisions.items():
        console.line(f"  {site}  revision {before[:10]} -> {after[:10]}")
    if run.retry_of:
        console.line(f"  retry of {run.retry_of}")
    print_results(run, is_own=is_own)
