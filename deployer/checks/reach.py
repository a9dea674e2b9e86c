"""How the machines of a run are reached, told by whoever knows Ansible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from deployer.model.json import JsonObject
from deployer.model.plan import Target
from deployer.model.site import Machine
from deployer.ports import PlaybookRun


class Reach(Protocol):
    """What a run of Ansible would do."""

    def instance(self, playbook: PlaybookRun, target: Target) -> JsonObject:
        """The variable `instance` as a playbook sees it."""

    def machine(self, playbook: PlaybookRun, target: Target) -> Machine:
        """Where the target runs."""

    def ssh(self, machine: Machine) -> tuple[str, ...]:
        """Options and address for ssh; empty where only Ansible itself can tell (templates, vaulted values)."""

    def variables(self, machine: Machine) -> JsonObject:
        """The inventory's variables of a machine, less what says how it is reached, and less secrets."""

    def inventory_text(self, playbook: PlaybookRun) -> str:
        """The generated inventory of the run."""

    def environment(self, playbook: PlaybookRun, private: Path) -> Mapping[str, str]:
        """The whole environment of a process that may start Ansible."""

    def redactor(self, playbook: PlaybookRun) -> Callable[[str], str]:
        """Takes secrets out of a text."""
