"""How a playbook is run, where a person can choose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlaybookOptions:
    """How the playbook is run, in Ansible's own words."""

    check: bool = False
    diff: bool = False
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    forks: int = 0
    """Targets at the same time; 0 for the settings' number."""
    verbosity: int = 0
    become: bool = False
    verify: bool = False
    """Run the operation's checks after each bucket; a target whose check failed has failed."""
    vault_ids: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()
    """Raw arguments for ansible-playbook, checked by the guards."""
