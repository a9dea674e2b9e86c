"""`deployer status`: where everything stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from deployer.cli import console
from deployer.cli.options import Context, common

if TYPE_CHECKING:
    from deployer.cli.output.cells import Words
    from deployer.model.run import TargetResult
    from deployer.rollout.status import SiteStatus, Status


@click.command("status")
@common
def command(context: Context) -> int:
    """Show sites, instances and what is running now, from the record alone: no host is asked."""
    with context.deployer() as deployer:
        status = deployer.status()
    return context.finish(status, lambda: _show(status))


def _show(status: Status) -> None:
    from deployer.cli.output.tables import table
    from deployer.cli.output.words import ago

    now = datetime.now(UTC)
    if not status.sites:
        console.line("nothing has been done yet: no run and no sync is on record")
    for run in status.running:
        what = f"{run.operation} {' '.join(run.sites)}  in {run.environment}"
        console.line(f"running: {run.id}  {what}  by {run.who}  {ago(run.started, now)}")
    table(("site", "sync", "tried", "last good", "to do"), (_row(site, now) for site in status.sites))
    # The same name in two environments is two instances.
    is_named = len({_environment(site) for site in status.sites}) > 1
    rows = [_instance(site, result, now, is_named=is_named) for site in status.sites for result in site.instances]
    if rows:
        console.line()
        named = ("environment",) if is_named else ()
        table(("instance", *named, "last outcome", "runs", "when"), rows)


def _instance(site: SiteStatus, result: TargetResult, now: datetime, *, is_named: bool) -> tuple[str | Words, ...]:
    from deployer.cli.output.tables import coloured
    from deployer.cli.output.words import ago

    named = (_environment(site),) if is_named else ()
    return result.target, *named, coloured(result), result.running, ago(result.ended or result.started, now)


def _environment(site: SiteStatus) -> str:
    return site.site.rpartition("/")[0]


def _row(site: SiteStatus, now: datetime) -> tuple[str, ...]:
    from deployer.cli.output.words import ago

    said = site.sync.status.value if site.sync else "never"
    work = f"{len(site.manual)} manual: deployer attention" if site.manual else ""
    return site.site, said, ago(site.synced, now), ago(site.good, now), work
