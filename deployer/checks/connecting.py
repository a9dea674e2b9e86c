"""The connection of a process of checks to its machine."""

from __future__ import annotations

import select
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from testinfra.backend.ansible import AnsibleBackend
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.backend.local import LocalBackend
from testinfra.host import Host

from deployer.checks.job import Connection, Job

_READY = b"ready\n"
_SSH_FAILED = 255
# Before the user's own options: of two that say the same, ssh takes the first.
_OURS = ("-o", "BatchMode=yes", "-o", "ControlPersist=no")
_ALIVE = ("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3")


class HostGoneError(Exception):
    """The machine does not answer any more: what a check found out is nothing about the instance."""


class Link:
    """A machine that commands can be sent to.

    Args:
        backend: testinfra's, which runs them.
        master: the ssh connection that all of them share; None where there is none.
        error: why there is no connection; empty where there is one.
    """

    def __init__(
        self, backend: BaseBackend | None, master: subprocess.Popen[bytes] | None = None, error: str = ""
    ) -> None:
        self.backend = backend
        self.error = error
        self._master = master
        self._host = Host(backend)
        if backend is not None:
            backend.set_host(self._host)

    @property
    def is_alive(self) -> bool:
        """Whether it still answers, as far as the connection knows."""
        return self.backend is not None and (self._master is None or self._master.poll() is None)

    def host(self) -> Host:
        """Testinfra's host, the same for all instances of the machine: it finds out once what system that is.

        Raises:
            HostGoneError: it does not answer any more.
        """
        if not self.is_alive:
            raise HostGoneError("the connection is gone")
        return self._host


@contextmanager
def connected(job: Job) -> Iterator[Link]:
    """The machine, for as long as the context lives; a link that is not alive where it does not answer."""
    connection = job.connection
    sudo = {"sudo": connection.sudo, "sudo_user": connection.sudo_user or None}
    if connection.kind == "local":
        yield Link(LocalBackend("local", **sudo))
    elif connection.kind == "ssh":
        with _ssh(connection, Path(job.private), job.seconds) as link:
            yield link
    else:
        name = str(job.targets[0]["name"])
        yield _by_ansible(AnsibleBackend(name, ansible_inventory=job.inventory, force_ansible=True))


def _by_ansible(backend: BaseBackend) -> Link:
    """Ansible says by an exit code of its own that a host is unreachable; testinfra then raises."""
    try:
        backend.run("true")
    except (AssertionError, RuntimeError, KeyError) as error:
        return Link(None, error=" ".join(str(error).split())[:300])
    return Link(backend)


@contextmanager
def _ssh(connection: Connection, private: Path, seconds: float) -> Iterator[Link]:
    with tempfile.TemporaryFile() as said:
        path = ("-o", f"ControlPath={private / 'm'}")
        # It lives for as long as its standard input is open: no daemon that could be left behind.
        argv = ["ssh", *_OURS, "-o", "ControlMaster=yes", *path, *_patient(connection.ssh), "echo ready; exec cat"]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said) as master:
            assert master.stdout is not None  # noqa: S101  it was asked for as a pipe
            assert master.stdin is not None  # noqa: S101  the same
            if _is_ready(master.stdout, seconds):
                shared = ["ssh", *_OURS, "-o", "ControlMaster=no", *path, *connection.ssh]
                yield Link(_Ssh(shared, connection, master), master)
            else:
                master.kill()
                master.wait()
                said.seek(0)
                yield Link(None, error=_last_line(said.read()) or f"no answer within {seconds:.0f} s")
            with suppress(BrokenPipeError):
                master.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                master.wait(2.0)
            master.kill()


def _patient(ssh: Sequence[str]) -> tuple[str, ...]:
    """The same, and a connection whose other end vanished is noticed."""
    return (*ssh[:-1], *_ALIVE, ssh[-1])


def _is_ready(stream: IO[bytes], seconds: float) -> bool:
    """Whether the shell there said so; a login's profile may say other things first."""
    if not select.select([stream], [], [], seconds)[0]:
        return False
    return any(line == _READY for line in iter(stream.readline, b""))


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


class _Ssh(BaseBackend):  # type: ignore[misc]  # testinfra has no types
    """Commands through the shared connection, each a session of it."""

    NAME = "ssh"

    def __init__(self, argv: Sequence[str], connection: Connection, master: subprocess.Popen[bytes]) -> None:
        super().__init__(connection.ssh[-1], sudo=connection.sudo, sudo_user=connection.sudo_user or None)
        self._argv = argv
        self._master = master

    def run(self, command: str, *args: str, **_kwargs: object) -> CommandResult:
        """Run a command there; raises HostGoneError when the connection ended."""
        command = self.get_command(command, *args)
        done = subprocess.run([*self._argv, command], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode == _SSH_FAILED and self._is_gone():
            raise HostGoneError(_last_line(done.stderr) or "the connection is gone")
        return self.result(done.returncode, self.encode(command), done.stdout, done.stderr)

    def _is_gone(self) -> bool:
        """255 is ssh's own failure, but a command may end so too: then the connection is still there."""
        with suppress(subprocess.TimeoutExpired):
            self._master.wait(0.5)
        return self._master.returncode is not None
