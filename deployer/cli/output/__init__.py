"""How a run is shown: a live line per target on a terminal, plain lines with time elsewhere, a document at the end."""

from __future__ import annotations

from deployer.cli import console
from deployer.cli.options import Context
from deployer.cli.output.approval import Approver
from deployer.cli.output.base import RunListener, Silent
from deployer.cli.output.plain import PlainLines
from deployer.cli.output.tables import print_run

__all__ = ["Approver", "listener_for", "print_run"]


def listener_for(context: Context) -> RunListener:
    """The listener that suits where our messages go."""
    if context.is_silent:
        return Silent()
    if console.is_live() and not context.as_json:
        from deployer.cli.output.live import LiveLines

        return LiveLines()
    return PlainLines()
