"""A command of the user's: gets the report on its standard input, as a mail program would."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence

from deployer.errors import DeployerError
from deployer.model.sync import ManualWork


class CommandNotifier:
    """Runs a command for each piece of manual work.

    Args:
        argv: the command; no shell sees it.
        render: manual work -> the text for its standard input.
        seconds: after which it is ended.
    """

    name = "command"

    def __init__(self, argv: Sequence[str], render: Callable[[ManualWork], str], seconds: float) -> None:
        self._argv = tuple(argv)
        self._render = render
        self._seconds = seconds

    def tell(self, work: ManualWork) -> None:
        """Run it.

        Raises:
            DeployerError: it could not be started, did not end in time, or ended with a code that is not 0.
        """
        text = self._render(work) + "\n"
        try:
            done = subprocess.run(
                self._argv, input=text.encode(), capture_output=True, timeout=self._seconds, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DeployerError(f"on_attention.command {self._argv[0]}: {error}") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise DeployerError(
                f"on_attention.command {self._argv[0]} ended with {done.returncode}: {said[-1] if said else 'no words'}"
            )
