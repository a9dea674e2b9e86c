"""The header before anything happens, and the question for production."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployer.cli import console
from deployer.cli.options import Context
from deployer.cli.output.base import RunListener
from deployer.cli.output.words import count, header_lines
from deployer.cli.stopping import question
from deployer.errors import RefusedError
from deployer.model.plan import Plan
from deployer.model.run import Run

if TYPE_CHECKING:
    from deployer.app import Deployer
    from deployer.rollout.stopping import StopSwitch


class Approver:
    """Shows the header; asks where the environment is production."""

    def __init__(
        self, context: Context, deployer: Deployer, listener: RunListener, stop: StopSwitch, *, yes: bool
    ) -> None:
        self._context = context
        self._deployer = deployer
        self._listener = listener
        self._stop = stop
        self._yes = yes

    def __call__(self, run: Run, plan: Plan) -> bool:
        """Whether to go on.

        Raises:
            RefusedError: production, no `--yes`, and nobody there to be asked.
        """
        lines = header_lines(run, plan, self._deployer.running_versions(), self._deployer.inventory)
        self._listener.header(lines, run, plan)
        if self._is_approved(run, plan):
            self._listener.begin()
            return True
        return False

    def _is_approved(self, run: Run, plan: Plan) -> bool:
        if self._yes or run.check or not plan.targets or not self._deployer.inventory.is_production:
            return True
        if not self._context.is_interactive:
            raise RefusedError(
                f"{run.environment} is production, and there is no terminal to ask on; nothing was rolled out",
                hint="--yes confirms without asking",
            )
        return self._ask(f"{run.operation} on {count(len(plan.targets), 'target')} in {run.environment}?")

    def _ask(self, text: str) -> bool:
        """Yes is yes. Ctrl-C, SIGTERM and the end of the input are not."""
        try:
            with question(self._stop):
                return self._listener.ask(text)
        except (KeyboardInterrupt, click.Abort):
            console.tell("", "deployer: not confirmed; nothing is pushed or rolled out")
            return False
