"""This machine as a host: steps run in a session of their own."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path
from typing import cast

from deployer import surroundings
from deployer.errors import UnreachableError
from deployer.hosts import session, wire
from deployer.model.json import JsonObject
from deployer.model.program import Program
from deployer.model.site import Machine
from deployer.ports import Completed
from deployer.settings import SshSettings

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL at a deadline."""
POLL = 0.02
"""Seconds between two looks whether a group has ended."""
LOOK = 100
"""Milliseconds between two looks whether a pipe that nothing comes from was closed by us."""
NO_SIGNAL = 0
"""To `kill`: only ask whether somebody is there."""
CANNOT_RUN = 126
"""What a shell exits with when a command exists and cannot be started."""


class LocalSession:
    """A child process with a process group of its own.

    Threads read and write while another one may close. A descriptor that is closed between the look at its number and
    the call may be another file by then, into which the rest of the input would go: so calls do not block, and a lock
    keeps each of them apart from `close`.
    """

    def __init__(self, argv: Sequence[str], home: str) -> None:
        folder = Path(home) if home else Path.home()
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=folder if folder.is_dir() else "/",
            env=surroundings.inherited(os.environ) | ({"HOME": home} if home else {}),
            start_new_session=True,
        )
        # With PIPE and no buffer all three are there, and raw files.
        self._stdin = cast("FileIO", self._process.stdin)
        self._stdout = cast("FileIO", self._process.stdout)
        self._stderr = cast("FileIO", self._process.stderr)
        self._locks = {stream: threading.Lock() for stream in (self._stdin, self._stdout, self._stderr)}
        for stream in self._locks:
            os.set_blocking(stream.fileno(), False)

    def write(self, data: bytes) -> None:
        """Send all of it to stdin."""
        view = memoryview(data)
        while view:
            with self._locks[self._stdin]:
                written = self._stdin.write(view)
            view = view[written or 0 :]
            if not written:
                _wait(self._stdin, select.POLLOUT)

    def end_of_input(self) -> None:
        """Close stdin."""
        self._close(self._stdin)

    def read(self) -> bytes:
        """Some bytes of stdout."""
        return self._read(self._stdout)

    def read_error(self) -> bytes:
        """Some bytes of stderr."""
        return self._read(self._stderr)

    def _read(self, stream: FileIO) -> bytes:
        while True:
            with self._locks[stream]:
                data = stream.read(session.CHUNK)
            if data is not None:
                return data
            _wait(stream, select.POLLIN)

    def _close(self, stream: FileIO) -> None:
        with self._locks[stream]:
            stream.close()

    def wait(self, seconds: float) -> int | None:
        """The exit code; None when it did not end in time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def kill(self) -> None:
        """SIGTERM to the group, and SIGKILL for what is left of it after a while: git removes its locks on SIGTERM."""
        self._signal(signal.SIGTERM)
        watch = session.Stopwatch(GRACE)
        while self._signal(NO_SIGNAL) and watch.left:
            time.sleep(POLL)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: int) -> bool:
        """Whether the group still has a member (the first one is reaped on the way)."""
        self._process.poll()
        try:
            os.killpg(self._process.pid, number)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close the pipes."""
        for stream in self._locks:
            with contextlib.suppress(OSError):
                self._close(stream)


def _wait(stream: FileIO, event: int) -> None:
    """Until a pipe is ready, or for a moment: it may be closed meanwhile."""
    poll = select.poll()
    poll.register(stream, event)
    poll.poll(LOOK)


class LocalHost:
    """The controller itself, where it is the deployer host, or plays one in a sandbox.

    Args:
        machine: of the inventory; `deployer_home` is what `~` means to steps.
        settings: how much memory and how long an answer a command may have.
    """

    def __init__(self, machine: Machine, settings: SshSettings | None = None) -> None:
        self._machine = machine
        self._memory, self._most = bounds(settings or SshSettings())
        self._python = python_of(machine, sys.executable)

    @property
    def name(self) -> str:
        """Of the inventory."""
        return self._machine.name

    @property
    def _home(self) -> str:
        return str(Path(self._machine.home).expanduser()) if self._machine.home else ""

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = 60.0) -> Completed:
        """See `deployer.ports.Host`."""
        command = session.checked(argv)
        try:
            started = LocalSession(command, self._home)
        except FileNotFoundError as error:
            return Completed(wire.NOT_FOUND, b"", f"{command[0]}: {error.strerror}\n".encode())
        except PermissionError as error:
            return Completed(CANNOT_RUN, b"", f"{command[0]}: {error.strerror}\n".encode())
        completed = session.complete(started, stdin, deadline, self._most)
        if completed is None:
            raise late(self.name, command, deadline)
        return completed

    def call(self, program: Program, request: JsonObject, *, deadline: float = 120.0) -> JsonObject:
        """See `deployer.ports.Host`."""
        data = wire.bundle(program, request, home=self._home, deadline=deadline, memory=self._memory)
        completed = self.run(wire.interpreter(self._python), stdin=data, deadline=deadline)
        return session.answered(self.name, self._python, completed)

    @contextlib.contextmanager
    def hold(self, program: Program, request: JsonObject) -> Iterator[JsonObject]:
        """See `deployer.ports.Host`."""
        # A pipe always ends with its writer, so no heartbeats are needed here.
        data = session.held_bundle(program, request, home=self._home, silence=0.0, memory=self._memory)
        try:
            started = LocalSession(wire.interpreter(self._python), self._home)
        except OSError as error:
            raise wire.failure(self.name, self._python, wire.NOT_FOUND, str(error).encode()) from error
        with session.held(started, data, name=self.name, python=self._python, heartbeats=False) as answer:
            yield answer

    def close(self) -> None:
        """Nothing is kept open."""


def bounds(settings: SshSettings) -> tuple[int, int]:
    """Bytes of memory, and of an answer."""
    return settings.most_memory << 20, settings.most_answer << 20


def python_of(machine: Machine, default: str) -> str:
    """The interpreter for our programs: what the inventory says, unless it leaves the choice to Ansible (`auto`)."""
    said = machine.text("ansible_python_interpreter")
    return default if not said or said.startswith("auto") else said


def late(name: str, command: Sequence[str], deadline: float) -> UnreachableError:
    """The error for a command that was ended at its deadline."""
    return UnreachableError(f"{command[0].rsplit('/', 1)[-1]} on {name} did not end within {deadline:g} s")
