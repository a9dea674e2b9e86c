"""A real sshd on loopback, run as the current user, with keys of its own; HOME is a folder of the test.

Input: machines of an inventory, programs. Output: what the hosts answer. Nothing is faked; the deployer host's home is
a folder too (`deployer_home`), since sshd gives the login's real one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deployer.hosts.factory import HostPool
from deployer.model.json import JsonValue
from deployer.model.program import Program
from deployer.model.site import Machine
from deployer.ports import Host
from deployer.settings import SshSettings

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
MaxStartups 100
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
        """Kill the processes that serve its connections, as a host that loses power would; how many."""
        pids = children(self.process.pid)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(pids)

    def stop(self) -> None:
        """End it and every connection (those first: they would outlive it)."""
        self.kill_sessions()
        self.process.terminate()
        self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()


@dataclass
class Lan:
    """A home with ssh keys, and the servers that let its key in."""

    home: Path
    servers: list[SshServer] = field(default_factory=list)

    def start(self, *, known: bool = True) -> SshServer:
        """Another sshd, in known_hosts unless told otherwise."""
        folder = self.home.parent / f"sshd{len(self.servers)}"
        folder.mkdir()
        make_key(folder / "host_key")
        shutil.copy(self.home / ".ssh" / "id_ed25519.pub", folder / "authorized_keys")
        server = SshServer(folder, port := free_port(), self._run(folder, port))
        self.servers.append(server)
        if known:
            self.know(server)
        return server

    def _run(self, folder: Path, port: int) -> subprocess.Popen[str]:
        (folder / "sshd_config").write_text(CONFIG.format(port=port, folder=folder))
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
        return process

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


@pytest.fixture
def lan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lan]:
    """Where servers are started; HOME and the agent are the test's own."""
    if SSHD is None:
        pytest.skip("there is no sshd on this machine (Debian: openssh-server)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # a root sshd insists on it
    home = tmp_path / "controller home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    make_key(home / ".ssh" / "id_ed25519")
    lan = Lan(home)
    yield lan
    lan.stop()


@pytest.fixture
def pool() -> Iterator[HostPool]:
    """Hosts, closed at the end."""
    pool = HostPool(SshSettings(connect_timeout=5))
    yield pool
    pool.close()


@pytest.fixture
def deployer_home(tmp_path: Path) -> Path:
    """The home on the deployer host, with a name that needs quoting."""
    home = tmp_path / "deployer's home; touch INJECTED"
    home.mkdir()
    return home


@pytest.fixture
def ssh_machine(deployer_home: Path) -> Callable[..., Machine]:
    """A machine behind an sshd, with variables over the usual ones."""

    def make(server: SshServer, **variables: str | int) -> Machine:
        usual: dict[str, JsonValue] = {
            "ansible_host": "127.0.0.1",
            "ansible_port": server.port,
            "deployer_home": str(deployer_home),
        }
        return Machine("fra1-prod-dep01", {**usual, **variables})

    return make


@pytest.fixture(params=["local", "ssh"])
def host(request: pytest.FixtureRequest, pool: HostPool, deployer_home: Path) -> Host:
    """The same host, reached both ways."""
    if request.param == "local":
        variables = {"ansible_connection": "local", "deployer_home": str(deployer_home)}
        return pool.host(Machine("fra1-prod-dep01", variables))
    lan: Lan = request.getfixturevalue("lan")
    make: Callable[..., Machine] = request.getfixturevalue("ssh_machine")
    return pool.host(make(lan.start()))


@pytest.fixture
def ssh_host(lan: Lan, pool: HostPool, ssh_machine: Callable[..., Machine]) -> Host:
    """A host behind an sshd."""
    return pool.host(ssh_machine(lan.start()))


@pytest.fixture
def make_program() -> Callable[..., Program]:
    """A program from the source of its main module, and of others by name."""

    def make(main: str, **modules: str) -> Program:
        return Program({"__init__": "", "main": main, **modules})

    return make


@pytest.fixture
def holder() -> Program:
    """A program that holds a flock on the file `held` in the home, and tells its pid."""
    source = """
import fcntl, os
def main(request):
    with open(os.path.expanduser("~/held"), "w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield {"pid": os.getpid()}
"""
    return Program({"__init__": "", "main": source})


@pytest.fixture
def pool_with_python(pool: HostPool) -> Iterator[Callable[[Host, str], Host]]:
    """The same host with another interpreter in the inventory."""
    others: list[HostPool] = []

    def make(host: Host, python: str) -> Host:
        machine = host._machine  # type: ignore[attr-defined]  # the port does not tell it
        others.append(other := HostPool(pool._ssh))
        return other.host(Machine(machine.name, {**machine.variables, "ansible_python_interpreter": python}))

    yield make
    for other in others:
        other.close()
