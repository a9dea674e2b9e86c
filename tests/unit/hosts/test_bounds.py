"""How much a command on a host may print, and how much memory a helper there may take."""

from __future__ import annotations

import sys

import pytest

from deployer.errors import HelperFailedError
from deployer.hosts.local import LocalHost
from deployer.model.program import Program
from deployer.model.site import Machine
from deployer.settings import SshSettings

ENDLESS = ["sh", "-c", "while :; do echo yes; done"]


@pytest.fixture
def host() -> LocalHost:
    """This machine, with small limits."""
    return LocalHost(
        Machine("fra1-prod-dep01", {"ansible_connection": "local"}), SshSettings(most_answer=1, most_memory=256)
    )


def test_what_prints_for_ever_is_ended(host: LocalHost) -> None:
    """Once it has printed more than it may, with the setting named; not at its deadline."""
    with pytest.raises(HelperFailedError, match="more than 1048576 bytes") as error:
        host.run(ENDLESS, deadline=600)
    assert "ssh.most_answer" in error.value.hint


def test_of_errors_the_last_are_kept(host: LocalHost) -> None:
    """They say why it ended."""
    said = host.run([sys.executable, "-c", "import sys; sys.stderr.write('x' * (5 << 20) + 'why')"])
    assert (said.exit_code, len(said.stderr), said.stderr[-3:]) == (0, 1 << 20, b"why")


def test_memory_of_a_helper_and_of_what_it_starts(host: LocalHost) -> None:
    """Neither gets more than the setting says."""
    source = (
        "import subprocess, sys\n"
        "def main(request):\n"
        "    child = subprocess.run([sys.executable, '-c', 'bytes(300 << 20)'], stderr=subprocess.PIPE)\n"
        "    try:\n"
        "        return {'own': len(bytes(300 << 20)), 'child': child.returncode}\n"
        "    except MemoryError:\n"
        "        return {'own': 0, 'child': child.returncode}\n"
    )
    assert host.call(Program({"main": source}, {}), {}) == {"own": 0, "child": 1}
