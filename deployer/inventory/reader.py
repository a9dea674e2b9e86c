"""Read an inventory directory: from the cache when nothing has changed, else by asking Ansible."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from deployer.errors import InventoryError
from deployer.inventory import ansible, content, sites
from deployer.inventory.cache import Cache
from deployer.model.site import Inventory
from deployer.secrets.values import secrets_in

DYNAMIC_SECONDS = 300.0
"""How long the answer of a script or a plugin is believed."""


class InventoryReader:
    """Inventory directories -> `Inventory`.

    Args:
        cache: folder for Ansible's answers (0600: group_vars may hold what should not be seen).
        python: interpreter beside which `ansible-inventory` is looked for first; ours when empty.
        environment: names of variables that Ansible gets besides the few that it needs.
        config: the setting `ansible.config`.
    """

    def __init__(
        self, cache: Path, python: str = "", environment: Sequence[str] = (), config: Path | None = None
    ) -> None:
        self._cache = Cache(cache)
        self._python = python or sys.executable
        self._environment = tuple(environment)
        self._config = config

    def read(self, directory: Path) -> Inventory:
        """The environment that a directory describes.

        Raises:
            InventoryError: it is missing, empty, cannot be read by Ansible, or lacks a fact; everything that lacks is
                named.
        """
        directory = present(directory)
        command = ansible.command(self._python)
        environment = ansible.environment(self._environment, self._config)
        found = content.look(directory, salt=ansible.identity(command, environment))
        longest = DYNAMIC_SECONDS if found.is_dynamic else None
        kept = self._cache.get(found.digest, longest)
        if kept is None:
            asked = time.time()
            answer = ansible.ask(command, environment, directory)
            # Secrets belong on no disk but the one where their owner keeps them.
            if not found.has_vault and next(secrets_in(answer), None) is None:
                self._cache.put(found.digest, asked, answer)
            return sites.inventory(answer, directory, age=0.0)
        return sites.inventory(kept.answer, directory, age=kept.age)


def present(directory: Path) -> Path:
    """The directory, absolute.

    Ansible takes a path that does not exist for the name of a host, and an empty directory for an empty inventory.
    """
    directory = directory.expanduser().absolute()
    if not directory.exists():
        raise InventoryError(f"there is no inventory {directory}", hint="-i DIRECTORY, or the setting `inventories`")
    if not directory.is_dir():
        raise InventoryError(f"{directory} is a file", hint=f"name its directory: -i {directory.parent}")
    if not any(content.sources(directory)):
        raise InventoryError(
            f"the inventory {directory} is empty", hint=f"write {directory}/hosts.yml: doc/inventory.md"
        )
    return directory
