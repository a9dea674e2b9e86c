"""A deployer host behind SSH. Only this module and those it imports load fabric."""

from __future__ import annotations

import contextlib
import math
import shlex
import time
from collections.abc import Iterator, Sequence

import paramiko

from deployer.errors import UnreachableError
from deployer.hosts import session, wire
from deployer.hosts.connection import BROKEN, Link
from deployer.hosts.local import bounds, late, python_of
from deployer.model.json import JsonObject
from deployer.model.program import Program
from deployer.model.site import Machine
from deployer.ports import Completed
from deployer.settings import SshSettings

GRACE = 5
"""Seconds between SIGTERM and SIGKILL at a deadline, on the host."""
PATIENCE = 10.0
"""Seconds after the deadline in which the host should have said that it ended the command."""
ENDED_BY_TIMEOUT = frozenset({124, 137, -1})
"""Exit codes of a command that `timeout` ended."""


class SshSession:
    """A command on a channel."""

    def __init__(self, channel: paramiko.Channel, line: str) -> None:
        self._channel = channel
        channel.exec_command(line)

    def write(self, data: bytes) -> None:
        """Send all of it to stdin."""
        self._channel.sendall(data)

    def end_of_input(self) -> None:
        """Close stdin."""
        self._channel.shutdown_write()

    def read(self) -> bytes:
        """Some bytes of stdout."""
        return bytes(self._channel.recv(session.CHUNK))

    def read_error(self) -> bytes:
        """Some bytes of stderr."""
        return bytes(self._channel.recv_stderr(session.CHUNK))

    def wait(self, seconds: float) -> int | None:
        """The exit code; -1 for a signal or a lost link, which are told apart by the transport."""
        return self._channel.exit_status if self._channel.status_event.wait(seconds) else None

    def kill(self) -> None:
        """Nothing can be signalled from here: `timeout` on the host, or the end of stdin, does it."""

    def close(self) -> None:
        """Close the channel."""
        with contextlib.suppress(*BROKEN):
            self._channel.close()


class SshHost:
    """A machine behind SSH, with one connection that is kept.

    Args:
        machine: of the inventory.
        settings: of SSH.
    """

    def __init__(self, machine: Machine, settings: SshSettings) -> None:
        self._machine = machine
        self._python = python_of(machine, "python3")
        self._link = Link(machine, settings)
        self._memory, self._most = bounds(settings)

    @property
    def name(self) -> str:
        """Of the inventory."""
        return self._machine.name

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = 60.0) -> Completed:
        """See `deployer.ports.Host`."""
        command = session.checked(argv)
        with self._link.slots, self._link.wrapped():
            channel = self._link.channel()
            began = time.monotonic()
            started = SshSession(channel, command_line(command, home=self._machine.home, deadline=deadline))
            completed = session.complete(started, stdin, deadline + GRACE + PATIENCE, self._most)
        return self._judged(completed, channel.get_transport(), command, deadline, time.monotonic() - began)

    def _judged(
        self,
        completed: Completed | None,
        transport: paramiko.Transport,
        command: Sequence[str],
        deadline: float,
        seconds: float,
    ) -> Completed:
        if completed is None:
            # The host should have ended the command itself: nobody is there any more.
            self._link.drop(transport)
            raise UnreachableError(f"{self.name} has not answered for {seconds:.0f} s")
        if completed.exit_code == -1 and not transport.is_active():
            raise UnreachableError(f"the connection to {self.name} was lost while {command[0]} ran there")
        if seconds >= deadline and completed.exit_code in ENDED_BY_TIMEOUT:
            raise late(self.name, command, deadline)
        return completed

    def call(self, program: Program, request: JsonObject, *, deadline: float = 120.0) -> JsonObject:
        """See `deployer.ports.Host`."""
        data = wire.bundle(program, request, home=self._machine.home, deadline=deadline, memory=self._memory)
        completed = self.run(wire.interpreter(self._python), stdin=data, deadline=deadline)
        return session.answered(self.name, self._python, completed)

    @contextlib.contextmanager
    def hold(self, program: Program, request: JsonObject) -> Iterator[JsonObject]:
        """See `deployer.ports.Host`."""
        home, memory = self._machine.home, self._memory
        data = session.held_bundle(program, request, home=home, silence=session.SILENCE, memory=memory)
        line = command_line(wire.interpreter(self._python), home=self._machine.home)
        with self._link.wrapped():
            started = SshSession(self._link.channel(), line)
        with session.held(started, data, name=self.name, python=self._python, heartbeats=True) as answer:
            yield answer

    def close(self) -> None:
        """End the connection."""
        self._link.close()


def command_line(argv: Sequence[str], *, home: str = "", deadline: float = 0.0) -> str:
    """What the login's shell is given: every word quoted, and ended there at the deadline even if the link is gone.

    Args:
        argv: the command.
        home: value of HOME; empty for the login's own.
        deadline: seconds; 0 for none.
    """
    words = ["env", f"HOME={home}"] if home else []
    if deadline:
        words += ["timeout", "-s", "TERM", "-k", str(GRACE), str(math.ceil(deadline * 1000) / 1000)]
    return shlex.join([*words, *argv])
