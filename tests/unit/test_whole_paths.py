"""A relative path in something that goes from folder to folder is refused: it would name anybody's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.cli.paths import own_playbooks
from deployer.errors import SettingsError
from deployer.hosts.connection import connection_to
from deployer.model.site import Machine
from deployer.resources import user_folder
from deployer.settings import SshSettings, load
from deployer.store import SqlStore

RELATIVE = (
    "ANSIBLE__CONFIG",
    "INVENTORIES",
    "ON_ATTENTION__COMMAND",
    "PLAYBOOKS",
    "SETTINGS",
    "SSH__KNOWN_HOSTS",
    "STATE",
)


@pytest.mark.parametrize("name", RELATIVE)
def test_a_relative_path_in_a_setting_is_refused(name: str) -> None:
    """Also for the file of settings itself."""
    with pytest.raises(SettingsError):
        load({f"DEPLOYER_{name}": "./own"})


def test_a_record_in_the_current_folder_is_refused(tmp_path: Path) -> None:
    """Its runs could be repeated."""
    with pytest.raises(SettingsError, match="relative"):
        SqlStore("sqlite:///own.db", tmp_path).runs()


@pytest.mark.parametrize("variables", [{"ansible_ssh_common_args": "-F cfg"}, {"ansible_ssh_private_key_file": "key"}])
def test_a_relative_file_of_the_inventory_is_refused(variables: dict[str, str]) -> None:
    """A configuration of ssh starts programs."""
    with pytest.raises(SettingsError, match="relative"):
        connection_to(Machine("dep01", {**variables}), SshSettings())


def test_operations_and_settings_are_not_looked_for_in_the_current_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--help` reads them before anything is checked."""
    monkeypatch.setenv("XDG_CONFIG_HOME", ".config")

    assert own_playbooks({"DEPLOYER_PLAYBOOKS": "own"}) == ()
    assert user_folder("config").is_absolute()
