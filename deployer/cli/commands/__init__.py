"""The commands: a module each, listed here once. A module has a `command`, and imports nothing heavy at its top.

Operations are commands too: each folder under `playbooks/` with an operation.yml is one, under its short name.
"""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "attention": "Open manual work of all sites.",
    "compare": "What one manifest says that another does not.",
    "completion": "A completion script for your shell.",
    "demo": "The main job on a throwaway sandbox; no privileges needed.",
    "doctor": "What a site's deployer host has and lacks.",
    "history": "The runs, newest first.",
    "logs": "What happened in a run; -f follows it.",
    "merge": "Merge two changes of a manifest by its structure.",
    "plan": "What an operation would do.",
    "retry": "Run the operation again for the targets that are owed.",
    "run": "Any operation, by its name.",
    "sandbox": "Throwaway sites and hosts, for a demo, a test or a rehearsal.",
    "settings": "Every setting, its value, and where the value came from.",
    "show": "One run: every target, error and difference.",
    "status": "Where every site and instance stands.",
    "sync": "Bring the clones of sites and their remotes together.",
    "undo": "Bring a site's clone back to what it was before a sync.",
    "verify": "Check live instances with an operation's own checks.",
}
"""Command, which is also its module here -> its line in `deployer --help`."""


def summaries() -> dict[str, str]:
    """Every command and its line in the help, operations first. No command is imported for it."""
    from deployer.cli.operations import operations

    return {operation.command: operation.summary for operation in operations()} | COMMANDS


def load_command(name: str) -> click.Command | None:
    """The command of this name, or None."""
    if name in COMMANDS:
        command: click.Command = import_module(f"{__name__}.{name}").command
        return command
    from deployer.cli.operations import operation_command, operations

    return next((operation_command(op) for op in operations() if name in {op.command, op.name}), None)
