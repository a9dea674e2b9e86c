"""The commands: a module each, listed here once. A module has a `command`, and imports nothing heavy at its top.

Operations are commands too: each folder under `playbooks/` with an operation.yml is one, under its short name.
"""

from __future__ import annotations

from importlib import import_module

import click

from deployer.cli.options import Context

MODULES = {
    "attention": "attention",
    "completion": "completion",
    "demo": "demo",
    "doctor": "doctor",
    "history": "history",
    "logs": "logs",
    "plan": "plan",
    "retry": "retry",
    "run": "run",
    "sandbox": "sandbox",
    "settings": "settings",
    "show": "show",
    "status": "status",
    "sync": "sync",
}
"""Command -> module of this package."""


def names(_context: Context) -> list[str]:
    """Every command, operations first."""
    from deployer.cli.operations import operations

    return [*(operation.command for operation in operations()), *MODULES]


def load_command(_context: Context, name: str) -> click.Command | None:
    """The command of this name, or None."""
    if name in MODULES:
        command: click.Command = import_module(f"{__name__}.{MODULES[name]}").command
        return command
    from deployer.cli.operations import operation_command, operations

    return next((operation_command(op) for op in operations() if name in {op.command, op.name}), None)
