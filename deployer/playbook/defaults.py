"""How Ansible reaches a machine of which the inventory says nothing: its own configuration, and its variables."""

from __future__ import annotations

import configparser
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

_SETTINGS = {
    "ansible_user": ("ANSIBLE_REMOTE_USER", "defaults", "remote_user"),
    "ansible_port": ("ANSIBLE_REMOTE_PORT", "defaults", "remote_port"),
    "ansible_ssh_private_key_file": ("ANSIBLE_PRIVATE_KEY_FILE", "defaults", "private_key_file"),
    "ansible_become": ("ANSIBLE_BECOME", "privilege_escalation", "become"),
    "ansible_become_user": ("ANSIBLE_BECOME_USER", "privilege_escalation", "become_user"),
    "ansible_become_method": ("ANSIBLE_BECOME_METHOD", "privilege_escalation", "become_method"),
    "ansible_ssh_common_args": ("ANSIBLE_SSH_COMMON_ARGS", "ssh_connection", "ssh_common_args"),
    "ansible_ssh_extra_args": ("ANSIBLE_SSH_EXTRA_ARGS", "ssh_connection", "ssh_extra_args"),
}
"""Inventory variable -> the variable of the environment, and the place in ansible.cfg, that stand in for it."""


def connection_defaults(environ: Mapping[str, str], working: Path) -> Mapping[str, str]:
    """What holds where the inventory is silent, as inventory variables.

    Args:
        environ: the variables that Ansible gets.
        working: the folder that it runs in.
    """
    configuration = _configuration(environ, working)
    found = {
        name: environ.get(variable) or configuration.get(section, key, fallback="")
        for name, (variable, section, key) in _SETTINGS.items()
    }
    return {name: value for name, value in found.items() if value}


def _configuration(environ: Mapping[str, str], working: Path) -> configparser.RawConfigParser:
    """The first ansible.cfg, as Ansible looks for it; an empty one where there is none or it cannot be read."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",), strict=False)
    for path in _places(environ, working):
        if path.is_file():
            try:
                parser.read(path, encoding="utf-8")
            except (OSError, ValueError, configparser.Error):
                # Ansible itself will say what is wrong with it.
                return configparser.RawConfigParser()
            break
    return parser


def _places(environ: Mapping[str, str], working: Path) -> Iterator[Path]:
    if named := environ.get("ANSIBLE_CONFIG"):
        path = Path(named).expanduser()
        yield path / "ansible.cfg" if path.is_dir() else path
    # Ansible ignores one in a folder that everybody can write to.
    if working.is_dir() and not working.stat().st_mode & stat.S_IWOTH:
        yield working / "ansible.cfg"
    yield Path(environ.get("HOME") or os.path.expanduser("~")) / ".ansible.cfg"  # noqa: PTH111  it never fails
    yield Path("/etc/ansible/ansible.cfg")
