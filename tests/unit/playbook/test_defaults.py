"""What stands in for the inventory is what Ansible itself would take."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.playbook.defaults import connection_defaults
from deployer.surroundings import ansible_config

TEXT = """\
[defaults]
remote_user = app ; the login
private_key_file=keys/app
[privilege_escalation]
become = True
[ssh_connection]
ssh_common_args = -J jump%h
"""


@pytest.mark.parametrize("place", ["home", "named", "set"])
def test_a_file_is_read_where_ansible_finds_it(tmp_path: Path, place: str) -> None:
    """The home, what ANSIBLE_CONFIG names, and the setting; the same values as ansible-config tells."""
    for name in ("home", "named", "set"):
        (tmp_path / name).mkdir()
    file = tmp_path / place / (".ansible.cfg" if place == "home" else "ansible.cfg")
    file.write_text(TEXT)
    environ = {"HOME": str(tmp_path / "home")}
    environ |= {"ANSIBLE_CONFIG": str(tmp_path / "named")} if place == "named" else {}

    config = ansible_config(file if place == "set" else None, environ)
    found = connection_defaults(environ, Path(config))
    command = [str(Path(sys.executable).parent / "ansible-config"), "dump", "--only-changed", "--format", "json"]
    variables = environ | {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "ANSIBLE_CONFIG": config}
    done = subprocess.run(command, cwd="/", env=variables, capture_output=True, text=True, check=True)
    told = {item["name"]: item["value"] for item in json.loads(done.stdout) if "name" in item}

    assert config == str(file)
    assert found == {
        "ansible_user": told["DEFAULT_REMOTE_USER"],
        "ansible_ssh_private_key_file": told["DEFAULT_PRIVATE_KEY_FILE"],
        "ansible_become": str(told["DEFAULT_BECOME"]),
        "ansible_ssh_common_args": "-J jump%h",
    }


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    """As with Ansible."""
    (tmp_path / "ansible.cfg").write_text(TEXT)

    found = connection_defaults({"ANSIBLE_REMOTE_USER": "erin"}, tmp_path / "ansible.cfg")

    assert found["ansible_user"] == "erin"
