"""What a run knows and must not write."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from deployer import surroundings
from deployer.model.plan import Target
from deployer.model.site import Site
from deployer.playbook import inventory, vault
from deployer.playbook.command_line import extra_texts, extra_variables, vault_options
from deployer.playbook.defaults import vault_sources
from deployer.ports import PlaybookRun
from deployer.secrets.values import likely_secrets_in, secrets_in
from deployer.settings import AnsibleSettings

_LARGEST = 1 << 20
"""Bytes of a file of variables; a larger one is none."""


def of_run(
    playbook: PlaybookRun, targets: Sequence[Target], environ: Mapping[str, str], settings: AnsibleSettings
) -> vault.Hidden:
    """What must not be written, and what leads to it.

    Args:
        playbook: the run.
        targets: those whose machines and manifests count.
        environ: the user's environment.
        settings: which variables in it Ansible gets besides the usual ones, and which ansible.cfg.

    Raises:
        SettingsError: that ansible.cfg cannot be read.
    """
    machines = {target.host: inventory.placement(playbook.site, target) for target in targets}
    files = list(_variable_files(playbook))
    given = [playbook.variables, *extra_variables(playbook.options.raw), *_plain(files)]
    values = [playbook.site.variables, *given, *(machine.variables for machine in machines.values())]
    environment = {name: environ[name] for name in settings.environment if name in environ}
    ordinary = _ordinary(playbook.site, targets)
    known = secrets_in([*values, environment])
    # Whoever writes a manifest does not decide alone which words nobody may read any more.
    likely = likely_secrets_in([[target.value, target.fields] for target in targets], ordinary)
    whole, inside = _encrypted(files)
    return {
        "secrets": list(dict.fromkeys([*known, *likely])),
        "vaulted": list(dict.fromkeys([*vault.vaulted_in(values), *inside])),
        "vaulted_files": list(dict.fromkeys(whole)),
        "vault_sources": _sources(playbook, environ, settings),
        "ordinary": ordinary,
    }


def _ordinary(site: Site, targets: Sequence[Target]) -> list[str]:
    """Names that the messages of the run are made of."""
    names = [site.name, site.deployer_host.name]
    for target in targets:
        names += [target.name, target.instance, target.environment, target.site, target.cluster, target.host]
        names += [target.version, target.fields.get("application", "")]
    return list(dict.fromkeys(name for name in names if name))


def _sources(playbook: PlaybookRun, environ: Mapping[str, str], settings: AnsibleSettings) -> list[str]:
    """Where passwords of vaults are, by the command line, the environment and Ansible's configuration."""
    listed = environ.get("ANSIBLE_VAULT_IDENTITY_LIST", "").split(",")
    config = Path(surroundings.ansible_config(settings.config, environ))
    sources = [
        *playbook.options.vault_ids,
        *vault_options(playbook.options.raw),
        environ.get("ANSIBLE_VAULT_PASSWORD_FILE", ""),
        *(source.strip() for source in listed),
        *vault_sources(config),
    ]
    return list(dict.fromkeys(source for source in sources if source))


def _variable_files(playbook: PlaybookRun) -> Iterator[str]:
    """The texts of files that can hold variables of the run, where they are encrypted or named on the command line."""
    for text in extra_texts(playbook.options.raw):
        if text.startswith("@"):
            yield from _read(Path(os.path.expandvars(text[1:])).expanduser())
    for folder in (Path(playbook.inventory), Path(playbook.playbook).parent):
        for found, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                yield from (text for text in _read(Path(found, name)) if vault.HEADER in text)


def _read(path: Path) -> Iterator[str]:
    """Nothing where it cannot be read: Ansible will say so itself."""
    with contextlib.suppress(OSError, ValueError):
        if path.is_file() and path.stat().st_size <= _LARGEST:
            yield path.read_text(encoding="utf-8")


def _encrypted(files: Sequence[str]) -> tuple[list[str], list[str]]:
    """Files that are encrypted whole, and the encrypted values in others."""
    whole = [text for text in files if text.startswith(vault.HEADER)]
    return whole, [found for text in files if not text.startswith(vault.HEADER) for found in vault.inline(text)]


def _plain(files: Sequence[str]) -> Iterator[object]:
    """The variables in files that are not encrypted."""
    for text in files:
        if vault.HEADER not in text:
            with contextlib.suppress(yaml.YAMLError):
                yield yaml.safe_load(text)
