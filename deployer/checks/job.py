"""What a process that runs checks is to do, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from deployer.checks.reach import Reach
from deployer.model.json import JsonObject
from deployer.model.plan import Target
from deployer.model.site import Machine
from deployer.ports import PlaybookRun

_SSH = frozenset({"ssh", "smart", "ansible.builtin.ssh"})
_LOCAL = frozenset({"local", "ansible.builtin.local"})
_SUDO = frozenset({"", "sudo", "ansible.builtin.sudo"})
_WITH_PASSWORD = ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password")
_BECOME_PASSWORD = ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass")


@dataclass(frozen=True, slots=True)
class Connection:
    """How the commands of a check get to a machine."""

    kind: str
    """`local`, `ssh`, or `ansible`: by Ansible's own command line, which knows every connection but is slow."""
    ssh: tuple[str, ...] = ()
    """Options and address for ssh."""
    sudo: bool = False
    sudo_user: str = ""
    python: str = "python3"
    """The interpreter there."""


@dataclass(frozen=True, slots=True)
class Job:
    """The checks of the instances of one machine."""

    folders: tuple[str, ...]
    """Of the test files."""
    private: str
    """A folder of this process only, with a short path; the controller removes it."""
    inventory: str
    """For Ansible, where it has to be asked."""
    connection: Connection
    targets: tuple[JsonObject, ...]
    """Each with `name`, `instance`, `variables`, `params`."""
    seconds: float
    """Within which a connection must be there."""

    def line(self) -> bytes:
        """As one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=True).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Job:
        """From its line."""
        found = json.loads(line)
        connection = found["connection"] | {"ssh": tuple(found["connection"]["ssh"])}
        lists = {name: tuple(found[name]) for name in ("folders", "targets")}
        return cls(**found | lists | {"connection": Connection(**connection)})


def connection_to(machine: Machine, reach: Reach, *, become: bool) -> Connection:
    """The connection that Ansible would make.

    Args:
        machine: of the inventory.
        reach: what Ansible would do.
        become: whether `--become` was given; the inventory may say so itself.
    """
    variables = machine.variables
    kind = machine.text("ansible_connection", "ssh")
    sudo = _is_true(variables.get("ansible_become", become))
    user = machine.text("ansible_become_user") if sudo else ""
    ssh = reach.ssh(machine) if kind in _SSH else ()
    # What is a template, vaulted, or behind a password only Ansible can tell.
    is_plain = isinstance(variables.get("ansible_become", False), bool | str) and "{{" not in user
    is_plain = is_plain and machine.text("ansible_become_method") in _SUDO
    is_plain = is_plain and not any(name in variables for name in (*_WITH_PASSWORD, *_BECOME_PASSWORD))
    usable = "local" if kind in _LOCAL else "ssh" if ssh else "ansible"
    return Connection(usable if is_plain else "ansible", ssh, sudo, user, _python(machine))


def _is_true(value: object) -> bool:
    return str(value).lower() in {"true", "yes", "on", "1"}


def _python(machine: Machine) -> str:
    """The interpreter that the inventory names; where Ansible would look for one, python3."""
    named = machine.text("ansible_python_interpreter")
    return named if named and not named.startswith("auto") and "{{" not in named else "python3"


def target_values(playbook: PlaybookRun, target: Target, reach: Reach) -> JsonObject:
    """What the fixtures of a target give."""
    machine = reach.machine(playbook, target)
    return {
        "name": target.name,
        "instance": reach.instance(playbook, target),
        "variables": reach.variables(machine),
        "params": playbook.variables,
    }


def by_machine(targets: Sequence[Target]) -> Mapping[str, tuple[Target, ...]]:
    """The targets of each machine, in order."""
    machines: dict[str, list[Target]] = {}
    for target in targets:
        machines.setdefault(target.host, []).append(target)
    return {name: tuple(members) for name, members in machines.items()}
