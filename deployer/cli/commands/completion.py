"""`deployer completion`: words for the Tab key."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from deployer.cli import console
from deployer.cli.options import Context, refuse_raw
from deployer.errors import UsageError


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print a completion script: eval "$(deployer completion bash)"."""
    refuse_raw(ctx, ctx.ensure_object(Context).raw)
    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"no completion for {shell}")
    with console.reader_may_leave():
        console.script(found(ctx.find_root().command, {}, "deployer", "_DEPLOYER_COMPLETE").source())
    return 0
