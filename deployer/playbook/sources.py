"""Files that a command line names for Ansible: they are looked for before anything is changed."""

from __future__ import annotations

import os
from pathlib import Path

from deployer.errors import UsageError
from deployer.model.options import PlaybookOptions
from deployer.playbook.command_line import extra_texts
from deployer.playbook.vault import source_of


def check_sources(options: PlaybookOptions) -> None:
    """Refuse options of which Ansible would find only in the run that they lead nowhere.

    Raises:
        UsageError: a file of variables (`-e @FILE`) or of a vault's password is not there, or a vault id asks for it.
    """
    for text in extra_texts(options.raw):
        if text.startswith("@"):
            _check(f"--extra-vars {text}", text[1:])
    for vault_id in options.vault_ids:
        _check(f"--vault-id {vault_id}", source_of(vault_id))


def _check(said: str, place: str) -> None:
    # As Ansible finds it: from the folder where deployer was started.
    path = Path(os.path.expandvars(place)).expanduser()
    # A vault's password may come from a script, which need not be readable.
    if not any(os.access(path, how) for how in (os.R_OK, os.X_OK)) or path.is_dir():
        raise UsageError(f"{said}: {path} is no file that can be read", hint="nothing was done")
