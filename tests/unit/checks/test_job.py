"""How the commands of a check get to a machine: as Ansible would, and by Ansible itself where only it can."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from deployer.checks.job import connection_to
from deployer.model.json import JsonValue
from deployer.model.site import Machine
from deployer.playbook.reach import AnsibleReach
from deployer.settings import AnsibleSettings, SshSettings

REACH = AnsibleReach(AnsibleSettings(), SshSettings(), environ={})


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        ({}, "ssh"),
        ({"ansible_connection": "local"}, "local"),
        ({"ansible_connection": "docker"}, "ansible"),
        ({"ansible_user": "{{ login }}"}, "ansible"),
        ({"ansible_password": "hunter2"}, "ansible"),
        ({"ansible_ssh_pass": "hunter2"}, "ansible"),
        ({"ansible_become": True, "ansible_become_password": "hunter2"}, "ansible"),
        ({"ansible_connection": "local", "ansible_become": True, "ansible_become_pass": "hunter2"}, "ansible"),
        ({"ansible_become": True, "ansible_become_method": "doas"}, "ansible"),
        ({"ansible_become": True, "ansible_become_user": "{{ app }}"}, "ansible"),
        ({"ansible_become": {"__ansible_vault": "x"}}, "ansible"),
    ],
)
def test_what_ssh_alone_cannot_do_is_left_to_ansible(variables: Mapping[str, JsonValue], kind: str) -> None:
    """A password, a vaulted value, another way to become root: a check would fail where the playbook did not."""
    assert connection_to(Machine("m1", dict(variables)), REACH, become=False).kind == kind


@pytest.mark.parametrize(
    ("said", "given", "sudo"),
    [(None, True, True), (None, False, False), (False, True, False), ("no", True, False), ("yes", False, True)],
)
def test_the_inventory_decides_on_become_before_the_command_line(said: JsonValue, *, given: bool, sudo: bool) -> None:
    """As with Ansible, where a variable wins over `--become`."""
    variables = {} if said is None else {"ansible_become": said}

    assert connection_to(Machine("m1", variables), REACH, become=given).sudo is sudo
