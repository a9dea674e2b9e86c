"""`deployer plan`: what an operation would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployer.cli import console
from deployer.cli.completing import complete_names, complete_operations
from deployer.cli.operations import split_names, split_sets
from deployer.cli.options import Context, common
from deployer.errors import AttentionError

if TYPE_CHECKING:
    from deployer.model.plan import Plan


@click.command("plan")
@click.argument("operation", shell_complete=complete_operations)
@click.argument("names", nargs=-1, required=True, metavar="SITE... [INSTANCE...]", shell_complete=complete_names)
@click.option("--limit", "-l", default="", metavar="PATTERN", help="Only these: an Ansible host pattern.")
@click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="As if this were set in the manifests.")
@common
def command(context: Context, operation: str, names: tuple[str, ...], limit: str, sets: tuple[str, ...]) -> int:
    """Show revisions, targets, versions and buckets of an operation. Nothing is locked or changed.

    Exit 5 where a person is needed first: a manifest is held, or a clone cannot be synced.
    """
    from deployer.app import Wanted

    with context.deployer() as deployer:
        sites, instances = split_names(deployer, names)
        plan = deployer.plan(Wanted(operation, sites, instances, limit, sets=split_sets(sets)))
        known = deployer.running_versions()
    return context.finish(plan, lambda: _show(plan, known), AttentionError.exit_code if plan.held or plan.manual else 0)


def _show(plan: Plan, known: dict[str, str]) -> None:
    from deployer.app import manual_report
    from deployer.cli.output.differences import print_differences
    from deployer.cli.output.tables import table

    stuck = {work.site: work.line for work in plan.manual}
    for site, (head, revision) in plan.revisions.items():
        moves = f"clone at {head[:10]}, would roll out from {revision[:10]}"
        console.line(f"{site}: {stuck.get(site, moves)}")
    rows = [
        (bucket.name, target.name, target.host, known.get(target.name, "unknown"), target.version)
        for bucket in plan.buckets
        for batch in bucket.batches
        for target in batch.targets
    ]
    if rows:
        table(("bucket", "target", "host", "runs now", "would run"), rows)
    for name, found in plan.changes.items():
        if found:
            console.lines("", f"{name}: changed in its manifest since it was rolled out last")
            print_differences(found, indent="  ")
    for target in plan.held:
        console.line(f"held: {target.name}: {target.held}")
    for work in plan.manual:
        console.lines("", *manual_report(work))
