"""`deployer history`: what was run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from deployer.cli.options import Context, common
from deployer.errors import DeployerError, UsageError
from deployer.model.run import Run

if TYPE_CHECKING:
    from deployer.app import Deployer


@click.command("history")
@click.option("--limit", "-n", "many", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--site", default="", help="Only runs on this site.")
@click.option("--operation", default="", help="Only runs of this operation.")
@common
def command(context: Context, many: int, site: str, operation: str) -> int:
    """List the runs, newest first. An operation is named by its command or in full."""
    with context.deployer() as deployer:
        operation = _full_name(deployer, operation) if operation else ""
        runs = deployer.store.runs(limit=many, site=site, operation=operation)
        if site and not runs:
            _check_site(deployer, site)
    return context.finish(runs, lambda: _show(runs))


def _full_name(deployer: Deployer, operation: str) -> str:
    """As it is on record; also of an operation that is not there any more."""
    try:
        return deployer.catalog.operation(operation).name
    except UsageError:
        if deployer.store.runs(limit=1, operation=operation):
            return operation
        raise


def _check_site(deployer: Deployer, site: str) -> None:
    """Refuse a site that neither the record nor the inventory knows."""
    if deployer.store.runs(limit=1, site=site):
        return
    try:
        deployer.inventory  # noqa: B018  it is read here
    except DeployerError:
        # The record can be looked at where there is no inventory: then nobody knows.
        return
    deployer.sites((site,))


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
