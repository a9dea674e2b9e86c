"""A real sshd on loopback, run as the current user, with keys of its own; HOME is a folder of the test.

Input: machines of an inventory, programs. Output: what the hosts answer. Nothing is faked; the deployer host's home is
a folder too (`deployer_home`), since sshd gives the login's real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployer.hosts.factory import HostPool
from deployer.model.json import JsonValue
from deployer.model.program import Program
from deployer.model.site import Machine
from deployer.ports import Host
from deployer.settings import SshSettings
from tests.budget.pace import limit
from tests.sshd import Lan, SshServer, made_lan


@pytest.fixture
def lan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lan]:
    """Where servers are started; HOME and the agent are the test's own."""
    home = tmp_path / "controller home"
    lan = made_lan(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    yield lan
    lan.stop()


@pytest.fixture
def pool() -> Iterator[HostPool]:
    """Hosts, closed at the end."""
    pool = HostPool(SshSettings(connect_timeout=round(limit(20))))
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
