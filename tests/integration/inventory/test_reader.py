"""Inventory directories through the real ansible-inventory. HOME and the cache are folders of the test."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from deployer.errors import InventoryError
from deployer.inventory import ansible, reader
from deployer.inventory.reader import InventoryReader
from deployer.model.json import JsonObject
from deployer.model.site import Cluster
from deployer.resources import shipped

HOSTS = """\
all:
  children:
    sites:
      children:
        fra1:
          hosts: {fra1-dep01: {ansible_connection: local}}
          children: {fra1_c01: {hosts: {fra1-app01: , fra1-dep01: }}}
    deployer_hosts:
      hosts: {fra1-dep01: }
"""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible writes into HOME."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ANSIBLE_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def inventories(tmp_path: Path) -> InventoryReader:
    """A reader with an empty cache."""
    return InventoryReader(tmp_path / "cache")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A small good inventory, in a folder whose name needs care."""
    directory = tmp_path / "my inventories" / "staging"
    (directory / "group_vars").mkdir(parents=True)
    (directory / "hosts.yml").write_text(HOSTS)
    return directory


def test_the_shipped_example(inventories: InventoryReader) -> None:
    """Three sites with everything that doc/inventory.md tells."""
    inventory = inventories.read(shipped("inventories") / "production")

    fra1, ams2, iad1 = (inventory.sites[name] for name in ("fra1", "ams2", "iad1"))
    assert (inventory.environment, inventory.is_production, inventory.age) == ("prod", True, 0.0)
    assert fra1.deployer_host.name == "fra1-prod-dep01"
    assert fra1.clusters == (
        Cluster("c01", ("fra1-prod-app01", "fra1-prod-app02")),
        Cluster("c02", ("fra1-prod-app07",)),
    )
    assert fra1.repository.path == "~/deployer/clusterconfig-fra1"
    assert fra1.deployer_host.text("ansible_host") == "fra1-prod-dep01.example.net"
    assert (ams2.clusters, ams2.repository.branch, ams2.repository.manifests) == ((), "live", ("instances/*.yaml",))
    assert ams2.repository.fields["version"] == "image.tag"
    assert ams2.variables["release_store"] == "file:///mnt/releases"
    assert iad1.repository.name == "clusterconfig-iad1"
    assert set(iad1.machines) == {"iad1-prod-dep01", "iad1-prod-app01"}


def test_what_is_not_said_has_its_default(inventories: InventoryReader, directory: Path) -> None:
    """The folder names the environment, the site its repository; a deployer host is never a node."""
    inventory = inventories.read(directory)

    site = inventory.sites["fra1"]
    assert (inventory.environment, inventory.is_production) == ("staging", False)
    assert (site.repository.name, site.repository.branch) == ("clusterconfig-fra1", "main")
    assert site.clusters == (Cluster("c01", ("fra1-app01",)),)
    assert site.deployer_host.is_local


def test_an_answer_is_kept_until_a_byte_changes(
    inventories: InventoryReader, directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ansible is asked again for any change of any file, and only then."""
    inventories.read(directory)
    asked: list[Path] = []
    ask = ansible.ask

    def count(command: str, environment: Mapping[str, str], directory: Path) -> JsonObject:
        asked.append(directory)
        return ask(command, environment, directory)

    monkeypatch.setattr(ansible, "ask", count)

    again = inventories.read(directory)
    assert (asked, again.age > 0) == ([], True)
    (directory / "group_vars" / "all.yml").write_text("deployer_production: true\n")
    assert inventories.read(directory).is_production
    assert len(asked) == 1
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "cache").iterdir()} == {0o600}


def test_a_dynamic_inventory_is_believed_for_a_while(
    inventories: InventoryReader, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are the same, the answer is not: after the time it is asked again."""
    (directory / "hosts.yml").unlink()
    answer = {"sites": {"children": ["fra1"]}, "fra1": {"hosts": ["a"]}, "deployer_hosts": {"hosts": ["a", "b"]}}
    told = tmp_path / "told.json"
    told.write_text(json.dumps(answer))
    script = directory / "cloud"
    script.write_text(f"#!/bin/sh\ncat '{told}'\n")
    script.chmod(0o755)

    assert inventories.read(directory).sites["fra1"].deployer_host.name == "a"
    told.write_text(json.dumps({**answer, "fra1": {"hosts": ["b"]}}))
    kept = inventories.read(directory)
    assert (kept.sites["fra1"].deployer_host.name, kept.age > 0) == ("a", True)
    monkeypatch.setattr(reader, "DYNAMIC_SECONDS", 0.0)
    assert inventories.read(directory).sites["fra1"].deployer_host.name == "b"


def test_a_spoilt_cache_is_no_error(inventories: InventoryReader, directory: Path, tmp_path: Path) -> None:
    """It is asked again."""
    inventories.read(directory)
    for path in (tmp_path / "cache").iterdir():
        path.write_text("{")

    assert inventories.read(directory).age == 0.0


def test_no_directory_is_no_host(inventories: InventoryReader, tmp_path: Path) -> None:
    """Ansible would make a host of its name."""
    with pytest.raises(InventoryError, match=r"there is no inventory .*/production"):
        inventories.read(tmp_path / "production")


def test_an_empty_directory_and_a_file(inventories: InventoryReader, directory: Path) -> None:
    """Both say what to do."""
    with pytest.raises(InventoryError, match=r"hosts\.yml is a file") as info:
        inventories.read(directory / "hosts.yml")
    assert f"-i {directory}" in info.value.hint
    (directory / "hosts.yml").unlink()
    with pytest.raises(InventoryError, match="is empty"):
        inventories.read(directory)


@pytest.mark.parametrize("file", ["hosts.yml", "group_vars/all.yml"])
def test_ansible_says_where_a_file_is_wrong(inventories: InventoryReader, directory: Path, file: str) -> None:
    """In its own words, once."""
    (directory / file).write_text("all: [\n")

    with pytest.raises(InventoryError, match=r"Ansible cannot read the inventory .*YAML parsing failed") as info:
        inventories.read(directory)
    assert "YAML" in info.value.hint
    assert "\n" not in info.value.message


def test_half_an_inventory_is_not_a_small_one(inventories: InventoryReader, directory: Path) -> None:
    """One source of two that cannot be read is an error."""
    (directory / "more.yml").write_text("all: [\n")

    with pytest.raises(InventoryError, match=r"more\.yml"):
        inventories.read(directory)


def test_everything_wrong_is_told_at_once(inventories: InventoryReader, directory: Path) -> None:
    """With the file and the variable; templates are not evaluated here, so they are refused."""
    (directory / "group_vars" / "fra1.yml").write_text(
        'config_repository: {remote: \'{{ lookup("pipe", "touch INJECTED") }}\', brunch: main}\n'
        "release_store: /srv/store\nservice_manager: upstart\n"
    )
    (directory / "group_vars" / "all.yml").write_text("deployer_production: perhaps\n")

    with pytest.raises(InventoryError) as info:
        inventories.read(directory)

    for part in (
        "group_vars/fra1.yml: config_repository of fra1 has no key brunch",
        "group_vars/fra1.yml: config_repository.remote of fra1 is a template",
        "group_vars/fra1.yml: release_store of fra1 must begin with file:// or https://",
        "group_vars/fra1.yml: service_manager of fra1 must be systemd or supervisor",
        "group_vars/all.yml: deployer_production of fra1 must be true or false",
    ):
        assert part in info.value.message
    assert not Path("INJECTED").exists()


def test_ansible_gets_no_more_of_our_environment_than_it_needs(
    inventories: InventoryReader, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret of ours does not reach an inventory script; what is asked for by name does."""
    (directory / "spy").write_text(f"#!/bin/sh\nenv > '{tmp_path}/env'\necho '{{}}'\n")
    (directory / "spy").chmod(0o755)
    monkeypatch.setenv("OUR_TOKEN", "planted")
    monkeypatch.setenv("CLOUD_REGION", "eu")

    inventories.read(directory)
    assert "planted" not in (tmp_path / "env").read_text()
    InventoryReader(tmp_path / "cache2", environment=["CLOUD_REGION"]).read(directory)
    assert "CLOUD_REGION=eu" in (tmp_path / "env").read_text()
    assert os.environ["OUR_TOKEN"] == "planted"


def test_what_was_encrypted_is_not_kept(
    inventories: InventoryReader, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decrypted answer is never written to disk."""
    monkeypatch.setattr(ansible, "ask", lambda *_: {"sites": {"children": ["fra1"]}, "fra1": {"hosts": ["a"]},
                                                           "deployer_hosts": {"hosts": ["a"]}})  # fmt: skip
    (directory / "group_vars" / "all.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n00\n")

    inventories.read(directory)

    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("line", "is_kept"),
    [
        ("db_password: hunter2", False),
        ("release_store: https://robot:hunter2@releases.example.net/store", False),
        ("db_password: none", True),
        ("db_password: '{{ vault_db_password }}'", True),
    ],
)
def test_an_answer_with_a_secret_is_not_kept(
    inventories: InventoryReader, directory: Path, tmp_path: Path, line: str, *, is_kept: bool
) -> None:
    """A second copy of it would lie in the state folder; a reference to one may."""
    with (directory / "group_vars" / "all.yml").open("a") as file:
        file.write(f"\n{line}\n")

    inventories.read(directory)

    assert (tmp_path / "cache").exists() is is_kept


def test_an_inventory_that_cannot_be_read_is_told_without_its_secrets(
    inventories: InventoryReader, directory: Path
) -> None:
    """Ansible quotes the line with the fault."""
    (directory / "more.ini").write_text("[more]\nbox db_password='hunter2\n")

    with pytest.raises(InventoryError) as raised:
        inventories.read(directory)

    assert "more.ini" in raised.value.hint
    assert "[redacted]" in raised.value.hint
    assert "hunter" not in f"{raised.value.message} {raised.value.hint}"
