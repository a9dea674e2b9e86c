"""The process of a service: started so that it cannot outlive its supervisor, ended with all that it started."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from deployer.sandboxes.processes import Identity, identity_of
from deployer.sandboxes.supervisor.definition import Definition

_PR_SET_PDEATHSIG = 1


class Child:
    """A started process; it leads a session of its own.

    Raises:
        OSError: it could not be started.
    """

    def __init__(self, definition: Definition) -> None:
        log = Path(definition.log)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                definition.argv,
                cwd=definition.cwd,
                env={**os.environ, **definition.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  this process has one thread
            )
        self.identity: Identity | None = identity_of(self._process.pid)

    @property
    def pid(self) -> int:
        """Its pid, which is also that of its session and group."""
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send a signal to its whole group. Its pid is ours until `collect` has been called."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return

    def collect(self) -> int | None:
        """The exit code when it has ended; what it started is ended then too, for it could hold the port.

        The group is signalled before the process is collected, because its pid can become another's afterwards.
        """
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        self.signal(signal.SIGKILL)
        return self._process.wait()


def _die_with(parent: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # The parent may have died before the line above: then nobody would send the signal.
        if os.getppid() != parent:
            os._exit(1)

    return ask
