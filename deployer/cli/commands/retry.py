"""`deployer retry`: the targets that a run owes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployer.cli import console
from deployer.cli.completing import complete_runs
from deployer.cli.operations import list_targets, options_of, playbook_options, run_and_report
from deployer.cli.options import Context, common
from deployer.errors import UsageError
from deployer.model.json import JsonValue

if TYPE_CHECKING:
    from deployer.app import Deployer
    from deployer.model.run import Run
    from deployer.rollout.request import Wanted


@click.command("retry")
@click.argument("run", shell_complete=complete_runs)
@playbook_options
@common
def command(context: Context, run: str, **given: JsonValue) -> int:
    """Run a run's operation again for its failed, unreachable, held, interrupted and not started targets.

    RUN is its id, the beginning of one, or `last`. Values to set, options and variables are those of the run, and a
    check stays a check; options given here come on top. A run that was interrupted before it knew its targets is run
    again whole, with its limit.
    """
    from deployer.rollout.guards import check_raw
    from deployer.rollout.repeating import repeated

    check_raw(context.raw)
    context.is_silent = bool(given["cron"])
    with context.deployer() as deployer:
        before = deployer.store.run(run)
        if before.results and not before.owed:
            context.say(f"{before.id} owes nothing: every target is done")
            return context.finish(before, lambda: None)
        _check_environment(before, deployer)
        more = options_of(context, given)
        is_own, limit = deployer.store.is_private, str(given["limit"])
        wanted = repeated(before, more, limit=limit, arguments=context.arguments, trusted=is_own)
        if given["list_targets"]:
            return _list(context, deployer, wanted)
        return run_and_report(context, deployer, wanted, yes=bool(given["yes"]))


def _list(context: Context, deployer: Deployer, wanted: Wanted) -> int:
    """Who is owed is on record; no host is asked, unless it takes their manifests to know who is meant."""
    if wanted.limit or not wanted.only:
        return list_targets(context, deployer, wanted)
    return context.finish(wanted.only, lambda: console.lines(*wanted.only))


def _check_environment(before: Run, deployer: Deployer) -> None:
    if before.environment != deployer.inventory.environment:
        raise UsageError(
            f"{before.id} was in {before.environment}, this is {deployer.inventory.environment}",
            hint="say where with --sandbox, -i or -E, as the run did",
        )
