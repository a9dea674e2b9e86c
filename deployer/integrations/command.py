"""A command of the user's: gets the report on its standard input, as a mail program would."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Sequence

from deployer import surroundings
from deployer.errors import DeployerError
from deployer.model.sync import ManualWork
from deployer.secrets.redactor import Redactor
from deployer.secrets.values import secrets_of_command

_GRACE = 1.0
"""Seconds that what is ended has, from SIGTERM to SIGKILL."""


class CommandNotifier:
    """Runs a command for each piece of manual work.

    Args:
        argv: the command; no shell sees it. Only its first word is ever in an error: the others may be secrets.
        render: manual work -> the text for its standard input.
        seconds: after which it is ended, with all that it started.
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
        called = f"on_attention.command {self._argv[0]}"
        try:
            code, said = self._run(text.encode(errors="backslashreplace"))
        except OSError as error:
            raise DeployerError(f"{called}: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            # Not the error's own words: they hold every argument.
            raise DeployerError(f"{called} timed out: it was ended after {self._seconds:g} s") from None
        if code:
            words = said.decode(errors="replace").strip().splitlines()
            # It may repeat what it was called with.
            last = Redactor(secrets_of_command(self._argv[1:])).text(words[-1]) if words else "no words"
            raise DeployerError(f"{called} ended with {code}: {last}")

    def _run(self, text: bytes) -> tuple[int, bytes]:
        pipe = subprocess.PIPE
        # In a session of its own: what it started can be ended with it.
        with subprocess.Popen(
            self._argv,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            cwd=surroundings.home_folder(os.environ),
            env=surroundings.inherited(os.environ),
            start_new_session=True,
        ) as process:
            try:
                _, said = process.communicate(text, timeout=self._seconds)
            except BaseException:
                _end(process)
                raise
            return process.returncode, said


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and what it started: politely first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        # The group may have ended by now, or be somebody else's.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_GRACE)
