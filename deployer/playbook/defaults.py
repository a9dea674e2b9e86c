"""How Ansible reaches a machine of which the inventory says nothing: its own configuration, and its variables."""

from __future__ import annotations

import configparser
import os
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


def connection_defaults(environ: Mapping[str, str], config: Path) -> Mapping[str, str]:
    """What holds where the inventory is silent, as inventory variables.

    Args:
        environ: the variables that Ansible gets.
        config: its ansible.cfg.
    """
    configuration = _configuration(config)
    found = {
        name: environ.get(variable) or configuration.get(section, key, fallback="")
        for name, (variable, section, key) in _SETTINGS.items()
    }
    if key := found["ansible_ssh_private_key_file"]:
        # Ansible takes a relative path in its configuration from the folder of that file.
        found["ansible_ssh_private_key_file"] = str(config.parent / os.path.expanduser(key))  # noqa: PTH111  never fails
    return {name: value for name, value in found.items() if value}


def vault_sources(config: Path) -> Iterator[str]:
    """Where ansible.cfg says that passwords of vaults are, as `--vault-id` takes them."""
    told = _configuration(config)
    listed = told.get("defaults", "vault_identity_list", fallback="").split(",")
    for source in (told.get("defaults", "vault_password_file", fallback=""), *listed):
        label, sign, place = source.strip().rpartition("@")
        if place:
            # Ansible takes a relative path from the folder of the file that names it.
            yield f"{label}{sign}{config.absolute().parent / Path(place).expanduser()}"


def _configuration(config: Path) -> configparser.RawConfigParser:
    """The ansible.cfg; an empty one where it cannot be read."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",), strict=False)
    try:
        parser.read(config, encoding="utf-8")
    except (OSError, ValueError, configparser.Error):
        # Ansible itself will say what is wrong with it.
        return configparser.RawConfigParser()
    return parser
