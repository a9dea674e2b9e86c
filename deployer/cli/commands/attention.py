"""`deployer attention`: what waits for a person."""

from __future__ import annotations

import click

from deployer.cli import console
from deployer.cli.options import Context, common


@click.command("attention")
@common
def command(context: Context) -> int:
    """Show what waits for a person: where, what was found, and the commands to paste. Exit 5 if there is any."""
    with context.deployer() as deployer:
        work = deployer.attention()
    from deployer.app import manual_report

    def text() -> None:
        for number, item in enumerate(work):
            console.lines(*([""] if number else []), *manual_report(item))
        if not work:
            console.line("nothing waits for a person")

    return context.finish(work, text, 5 if work else 0)
