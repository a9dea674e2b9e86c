"""The switch of a release on a real systemd host: a Debian of its own, booted in a container."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deployer.resources import shipped
from deployer.sandboxes.apart import Stop
from deployer.sandboxes.nspawn import image
from tests.budget.marks import deep
from tests.budget.pace import limit
from tests.nspawn import needed

if TYPE_CHECKING:
    from tests.integration.playbooks.conftest import ReleaseStore

pytestmark = pytest.mark.root
RUN = """
import json, sys
sys.path.insert(0, "/opt/utilities")
from release_switch.errors import ReleaseError
from release_switch.request import read_request
from release_switch.switch import Outcome, perform
outcome = Outcome()
try:
    perform(read_request(json.loads(sys.argv[1])), outcome)
except ReleaseError as error:
    outcome.msg = str(error)
print(json.dumps({name: value for name, value in vars(outcome).items() if name != "steps"}))
"""


class Container:
    """A booted host."""

    def __init__(self, leader: int) -> None:
        self._leader = leader

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command on it."""
        inside = ["nsenter", "--target", str(self._leader), "--all", "--", *argv]
        return subprocess.run(inside, capture_output=True, text=True, check=False)

    def switch(self, **wanted: object) -> dict[str, Any]:
        """Run the module's work; its outcome."""
        usual = {
            "name": "viatris",
            "application": "shopfront",
            "version": "1.0.0",
            "store": "file:///opt/store",
            "home": "/srv/instances",
            "configuration": '{"a": 1}\n',
            "port": "18080",
            "health": "/health",
            "health_timeout": 10.0,
            "keep": 3,
            "service_manager": "systemd",
            "supervisor_socket": "",
            "command": "bin/serve",
            "user": "",
            "restart": False,
            "run": "run",
            "fence": 1,
            "lock_timeout": 10.0,
            "store_user": "",
            "store_secret": "",
            "store_secret_file": "",
            "most_size": 64,
            "most_files": 1000,
            "seconds": 60,
        }
        done = self.run("python3", "-c", RUN, json.dumps(usual | wanted))
        assert done.returncode == 0, done.stderr
        outcome: dict[str, Any] = json.loads(done.stdout)
        return outcome

    def show(self, name: str) -> str:
        """A property of the service."""
        return self.run("systemctl", "show", "--value", "-p", name, "instance-viatris").stdout.strip()


@pytest.fixture
def host(store: ReleaseStore) -> Iterator[Container]:
    """The host, booted; it has the module's code and the store, and forgets everything at its end."""
    needed()
    debian = image.ready(str, Stop())
    command = ["systemd-nspawn", "--quiet", "--volatile=overlay", "--boot", "--private-network", "--register=no"]
    command += ["--keep-unit", "--machine=switch", f"--directory={debian}", f"--bind-ro={store.folder}:/opt/store"]
    command += [f"--bind-ro={shipped('playbooks') / 'module_utils'}:/opt/utilities"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            yield _booted(process)
        finally:
            # SIGTERM asks its systemd to shut down in order.
            process.terminate()


def _booted(process: subprocess.Popen[bytes]) -> Container:
    while process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8").split()
        if children:
            container = Container(int(children[0]))
            if container.run("systemctl", "is-system-running", "--wait").stdout.strip() in {"running", "degraded"}:
                return container
        os.sched_yield()
    raise AssertionError("the container did not boot")


def test_a_service_of_systemd_is_deployed_upgraded_and_rolled_back(host: Container) -> None:
    """Enabled and running as asked, untouched by a second run, and back at the old release when the new one fails."""
    first = host.switch(fence=1)
    started = host.show("MainPID")
    second = host.switch(fence=2)
    kept = host.show("MainPID")
    upgraded = host.switch(fence=3, version="1.1.0", user="daemon")
    broken = host.switch(fence=4, version="2.0.0", user="daemon", health_timeout=limit(3))

    assert (first["changed"], first["running"]) == (True, "1.0.0")
    assert (second["changed"], kept) == (False, started)
    assert (upgraded["running"], host.show("User")) == ("1.1.0", "daemon"), upgraded["msg"]
    assert (broken["running"], broken["rolled_back"]) == ("1.1.0", True)
    assert "2.0.0" in broken["msg"]
    assert (host.show("UnitFileState"), host.show("ActiveState")) == ("enabled", "active")


def test_an_override_that_systemd_was_not_told_of_holds_from_the_next_switch_on(host: Container) -> None:
    """Debian's systemd (252) says of the first file in a folder of drop-ins that there is nothing to read again."""
    host.switch(fence=1)
    folder = "/etc/systemd/system/instance-viatris.service.d"
    made = host.run("sh", "-c", f"mkdir {folder} && printf '[Service]\nLimitNOFILE=4096\n' >{folder}/limits.conf")
    assert made.returncode == 0, made.stderr

    switched = host.switch(fence=2, version="1.1.0")

    assert (switched["running"], host.show("LimitNOFILE")) == ("1.1.0", "4096")


@deep(3)
def test_many_restarts_in_a_row_do_not_meet_the_start_limit(host: Container) -> None:
    """Systemd refuses the sixth start within ten seconds, unless it is told to forget the ones before."""
    outcomes = [host.switch(fence=number, restart=True) for number in range(1, 9)]

    assert {outcome["running"] for outcome in outcomes} == {"1.0.0"}
    assert host.show("ActiveState") == "active"
