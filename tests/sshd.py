"""A real sshd on loopback, run as the current user, with keys of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from tests.support import missing

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups {startups}
AllowTcpForwarding yes
"""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children(pid: int) -> list[int]:
    """The processes that a process started and that still live."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(status.parent.name))
    return found


def connections(port: int) -> set[str]:
    """The server's side of each connection to a port, as links in /proc/PID/fd name it."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{row[9]}]" for row in rows if int(row[1].rpartition(":")[2], 16) == port and row[3] == "01"}


def holds(pid: int, sockets: set[str]) -> bool:
    """Whether a process has one of them open."""
    with contextlib.suppress(OSError):
        return any(str(link.readlink()) in sockets for link in Path(f"/proc/{pid}/fd").iterdir())
    return False


@dataclass
class SshServer:
    """A running sshd."""

    folder: Path
    port: int
    process: subprocess.Popen[str]

    @property
    def host_key(self) -> str:
        """`ssh-ed25519 AAAA…`."""
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    @property
    def known(self) -> str:
        """Its line in known_hosts."""
        return f"[127.0.0.1]:{self.port} {self.host_key}\n"

    def kill_sessions(self) -> int:
        """Kill the processes that serve its connections, as a host that loses power would; how many connections.

        Since OpenSSH 9.8 each connection has a process more, which holds it too. What a client started there holds
        none, and is left alone: a lost connection does not kill it either.
        """
        sessions, open_ones = children(self.process.pid), connections(self.port)
        below = [pid for session in sessions for pid in children(session) if holds(pid, open_ones)]
        for pid in (*sessions, *below):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(sessions)

    def stop(self) -> None:
        """End it and every connection (those first: they would outlive it)."""
        self.kill_sessions()
        self.process.terminate()
        self.process.wait()


@dataclass
class Lan:
    """A home with ssh keys, and the servers that let its key in."""

    home: Path
    servers: list[SshServer] = field(default_factory=list)

    def start(self, *, known: bool = True, startups: str = "100", login: Path | None = None) -> SshServer:
        """Another sshd, in known_hosts unless told otherwise.

        Args:
            known: whether its key is.
            startups: its MaxStartups.
            login: the home of logins, so that no start-up file of the real one is read; None for that one.
        """
        folder = self.home.parent / f"sshd{len(self.servers)}"
        folder.mkdir()
        make_key(folder / "host_key")
        shutil.copy(self.home / ".ssh" / "id_ed25519.pub", folder / "authorized_keys")
        server = SshServer(folder, port := free_port(), self._run(folder, port, startups, login))
        self.servers.append(server)
        if known:
            self.know(server)
        return server

    def _run(self, folder: Path, port: int, startups: str, login: Path | None = None) -> subprocess.Popen[str]:
        config = CONFIG.format(port=port, folder=folder, startups=startups)
        (folder / "sshd_config").write_text(config + (f"SetEnv HOME={login}\n" if login else ""))
        argv = [str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")]
        process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
        log = process.stderr
        assert log is not None
        said = []
        for line in log:
            said.append(line)
            if "listening on" in line:
                break
        else:
            pytest.fail(f"sshd did not start: {''.join(said)}")
        # It goes on logging, and a full pipe would stop it after some 160 connections.
        threading.Thread(target=_drain, args=(log,), daemon=True).start()
        return process

    def restart(self, server: SshServer, *, startups: str = "100") -> None:
        """The same host again, with the same port and key."""
        server.process = self._run(server.folder, server.port, startups)

    def know(self, server: SshServer) -> None:
        """Put its key into the user's known_hosts."""
        with (self.home / ".ssh" / "known_hosts").open("a") as stream:
            stream.write(server.known)

    def stop(self) -> None:
        """End every server."""
        for server in self.servers:
            server.stop()


def make_key(path: Path) -> None:
    """A key pair without a passphrase."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


def _drain(log: IO[str]) -> None:
    with log:
        deque(log, maxlen=0)


def made_lan(home: Path) -> Lan:
    """A home with a key, for as many servers as a test wants; skips where there is no sshd."""
    if SSHD is None:
        missing("there is no sshd on this machine (Debian: openssh-server)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # a root sshd insists on it
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    make_key(home / ".ssh" / "id_ed25519")
    return Lan(home)
