"""`deployer demo`: the main job on a throwaway sandbox."""

from __future__ import annotations

import click

from deployer.cli.console import reader_may_leave
from deployer.cli.options import Context, common


@click.command("demo")
@click.option("--name", default="guided-tour", show_default=True, help="Name of the sandbox; made anew each time.")
@click.option("--keep", is_flag=True, help="Leave the sandbox for you to play with.")
@common
def command(context: Context, name: str, keep: bool) -> int:
    """Build a sandbox, roll it out, then let a person and the automation change one manifest at once."""
    from deployer.cli.demonstration import show

    with reader_may_leave():
        show(context, name, keep=keep)
    return 0
