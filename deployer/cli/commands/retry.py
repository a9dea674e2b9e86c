"""`deployer retry`: the targets that a run owes."""

from __future__ import annotations

import click

from deployer.cli.completing import complete_runs
from deployer.cli.operations import options_of, playbook_options, run_and_report
from deployer.cli.options import Context, common
from deployer.errors import UsageError
from deployer.model.json import JsonValue


@click.command("retry")
@click.argument("run", shell_complete=complete_runs)
@playbook_options
@common
def command(context: Context, run: str, **given: JsonValue) -> int:
    """Run a run's operation again for its failed, unreachable, held, interrupted and not started targets.

    RUN is its id, the beginning of one, or `last`.
    """
    from deployer.app import Wanted
    from deployer.rollout.guards import check_raw

    check_raw(context.raw)
    with context.deployer() as deployer:
        before = deployer.store.run(run)
        owed = tuple(result.target for result in before.owed)
        if not owed and before.results:
            context.say(f"{before.id} owes nothing: every target is done")
            return context.finish(before, lambda: None)
        if before.environment != deployer.inventory.environment:
            raise UsageError(
                f"{before.id} was in {before.environment}, this is {deployer.inventory.environment}",
                hint="say where with --sandbox, -i or -E, as the run did",
            )
        if given["list_targets"]:
            return context.finish(owed, lambda: click.echo("\n".join(owed)))
        wanted = Wanted(
            operation=before.operation,
            sites=before.sites,
            # A run that died before it knew its targets is run again whole.
            instances=() if owed else before.instances,
            limit=str(given["limit"]),
            only=owed,
            params=before.params,
            options=options_of(context, given),
            arguments=context.arguments,
            retry_of=before.id,
        )
        return run_and_report(context, deployer, wanted, yes=bool(given["yes"]))
