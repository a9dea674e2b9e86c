"""A sandbox that each worker makes once, and that every test finds as it was then."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from deployer.errors import DeployerError
from deployer.sandboxes import Sandboxes
from deployer.sandboxes.base import Power
from tests.budget.pace import limit

NAME = "box"


class Mould:
    """A folder with a sandbox in it, and a copy of that folder as it was at first.

    Args:
        place: where both are.
        make: makes the sandbox `box`, and whatever else tests find, in the folder that it is given.
    """

    def __init__(self, place: Path, make: Callable[[Path], None]) -> None:
        self.folder = place / "shell"
        self._kept = place / "kept"
        self._sandboxes = Sandboxes(self.folder / "state" / "sandboxes")
        self.folder.mkdir()
        make(self.folder)
        self._power(Power.STOP)
        self._copy(self.folder, self._kept)

    def cast(self) -> None:
        """Put everything as it was at first; what ran then answers again."""
        self.end()
        self._copy(self._kept, self.folder)
        self._sandboxes.start(NAME)
        for port in self._ports():
            _wait_for(port)

    def end(self) -> None:
        """End all that a test left, and remove its folder."""
        with suppress(DeployerError, OSError):
            self._power(Power.KILL)
        # A test may have damaged what says where its processes are.
        for pid in _processes_in(self.folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.folder.exists():
            subprocess.run(["chmod", "-R", "u+rwX", self.folder], check=True)
            shutil.rmtree(self.folder)

    def _power(self, power: Power) -> None:
        for site in self._sandboxes.get(NAME).sites:
            self._sandboxes.power(NAME, f"{site}-sandbox-dep01", power)

    def _copy(self, source: Path, target: Path) -> None:
        # With times: git knows by them which files it need not read.
        subprocess.run(["cp", "-a", source, target], check=True)

    def _ports(self) -> Iterator[int]:
        for record in self.folder.glob(f"state/sandboxes/{NAME}/hosts/*/run/services.json"):
            for service in json.loads(record.read_text(encoding="utf-8")):
                argv = service["definition"]["argv"]
                yield int(argv[argv.index("--port") + 1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + limit(60)
    while time.monotonic() < until:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        os.sched_yield()
    raise AssertionError(f"no service answers on port {port}")


def _processes_in(folder: Path) -> Iterator[int]:
    """Processes that work in a folder, or were started with its name."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().decode(errors="replace")
            if f"{folder}/" in words or (entry / "cwd").readlink().is_relative_to(folder):
                yield int(entry.name)
