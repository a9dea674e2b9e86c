"""`deployer settings`: every setting and its value."""

from __future__ import annotations

import os

import click

from deployer.cli.options import Context, common


@click.command("settings")
@click.option("--origin", is_flag=True, help="Show where each value came from.")
@common
def command(context: Context, origin: bool) -> int:
    """Show every setting and its value; passwords are not shown."""
    from deployer.cli.output.tables import table
    from deployer.settings import load, overrides

    given = overrides(sandbox=context.sandbox, inventory=context.inventory, environment=context.environment)
    _, values = load(os.environ, given)
    headers = ("setting", "value", "from") if origin else ("setting", "value")
    rows = [(item.name, _text(item.value), item.origin)[: len(headers)] for item in values]
    data = {item.name: {"value": _text(item.value), "origin": item.origin} for item in values}
    return context.finish(data, lambda: table(headers, rows))


def _text(value: object) -> str:
    """The value without the passwords of URLs and the secrets of a command's arguments."""
    from deployer.playbook.command_line import recorded
    from deployer.secrets.shapes import without_shapes

    shown = recorded(value) if isinstance(value, tuple) else value
    return "" if shown is None or shown == () else without_shapes(str(shown))
