"""`deployer attention`: what waits for a person."""

from __future__ import annotations

import click

from deployer.cli.options import Context, common


@click.command("attention")
@common
def command(context: Context) -> int:
    """Show what waits for a person: where, what was found, and the commands to paste. Exit 5 if there is any."""
    with context.deployer() as deployer:
        work = deployer.attention()
    from deployer.app import manual_report

    text = "\n\n".join(manual_report(item) for item in work) or "nothing waits for a person"
    return context.finish(work, lambda: click.echo(text), 5 if work else 0)
