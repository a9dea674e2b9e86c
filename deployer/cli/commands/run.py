"""`deployer run`: any operation by its name."""

from __future__ import annotations

import click

from deployer.cli.operations import operation_command, operations
from deployer.cli.options import Context


class _Operations(click.Group):
    """The operations, by full name and by short command."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click gives it
        return [operation.name for operation in operations()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        ctx.ensure_object(Context)
        found = next((op for op in operations() if cmd_name in {op.name, op.command}), None)
        return operation_command(found) if found else None


@click.group("run", cls=_Operations, subcommand_metavar="OPERATION SITE... [INSTANCE...]")
def command() -> None:
    """Run an operation: a folder under playbooks/ with an operation.yml."""
