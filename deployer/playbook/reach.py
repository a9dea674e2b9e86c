"""How a run of Ansible reaches its machines and what it hides, for whoever works beside it (the checks)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

from deployer import resources, surroundings
from deployer.model.json import JsonObject
from deployer.model.plan import Target
from deployer.model.site import Machine
from deployer.playbook import hidden, inventory, invocation, job, vault
from deployer.playbook.defaults import connection_defaults
from deployer.ports import PlaybookRun
from deployer.secrets.names import is_secret_name
from deployer.secrets.values import secrets_in
from deployer.settings import AnsibleSettings, SshSettings


class AnsibleReach:
    """What the driver would do for a run.

    Args:
        settings: of Ansible.
        ssh: of connections.
        environ: the user's environment; this process's own by default.
    """

    def __init__(
        self, settings: AnsibleSettings, ssh: SshSettings, *, environ: Mapping[str, str] | None = None
    ) -> None:
        self._settings = settings
        self._ssh = ssh
        self._environ = os.environ if environ is None else environ

    def instance(self, playbook: PlaybookRun, target: Target) -> JsonObject:
        """The variable `instance` as a playbook sees it."""
        return inventory.instance_variable(target, playbook.run)

    def machine(self, playbook: PlaybookRun, target: Target) -> Machine:
        """Where the target runs, with what Ansible's own configuration says where the inventory is silent."""
        machine = inventory.placement(playbook.site, target)
        return Machine(machine.name, {**self._defaults, **machine.variables})

    @cached_property
    def _defaults(self) -> Mapping[str, str]:
        config = surroundings.ansible_config(self._settings.config, self._environ)
        return connection_defaults(surroundings.chosen(self._environ, invocation.PASSED), Path(config))

    def ssh(self, machine: Machine) -> tuple[str, ...]:
        """Options and address for ssh; empty where only Ansible itself can tell."""
        return invocation.ssh_to(machine, self._ssh)

    def variables(self, machine: Machine) -> JsonObject:
        """The inventory's variables of a machine, less what says how it is reached, and less secrets."""
        return {
            name: value
            for name, value in machine.variables.items()
            if not name.startswith("ansible_") and not _is_secret(name, value)
        }

    def inventory_text(self, playbook: PlaybookRun) -> str:
        """The generated inventory of the run."""
        return inventory.inventory_text(playbook, playbook.targets)

    def environment(self, playbook: PlaybookRun, private: Path) -> Mapping[str, str]:
        """The whole environment of a process that may start Ansible."""
        places = job.Places(str(private), str(private))
        shipped = resources.shipped("playbooks")
        return invocation.environment(self._environ, playbook.playbook, shipped, places, (self._settings, self._ssh))

    def redactor(self, playbook: PlaybookRun) -> Callable[[str], str]:
        """Takes secrets out of a text."""
        found = hidden.of_run(playbook, playbook.targets, self._environ, self._settings)
        return vault.redactor(found).text


def _is_secret(name: str, value: object) -> bool:
    """Whether a variable is a secret, is vaulted, or holds a secret anywhere in it."""
    is_vaulted = isinstance(value, Mapping) and "__ansible_vault" in value
    return is_vaulted or is_secret_name(name) or next(secrets_in({name: value}), None) is not None
