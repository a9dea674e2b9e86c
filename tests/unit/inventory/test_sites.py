"""Ansible's answer in, sites or every problem out."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import InventoryError
from deployer.inventory import ansible, content, sites
from deployer.model.json import JsonObject


def answer(*, deployer_hosts: list[str], hostvars: JsonObject | None = None, **groups: JsonObject) -> JsonObject:
    """An answer of ansible-inventory with these site groups."""
    meta = {"hostvars": hostvars or {}}
    return {"_meta": meta, "sites": {"children": list(groups)}, "deployer_hosts": {"hosts": deployer_hosts}, **groups}


def problems(told: JsonObject, directory: Path) -> str:
    """What reading it complains about."""
    with pytest.raises(InventoryError) as info:
        sites.inventory(told, directory, age=0)
    return info.value.message


def test_no_sites(tmp_path: Path) -> None:
    """The group is missing, or empty."""
    assert "the group `sites` is missing" in problems({}, tmp_path)
    assert "the group `sites` is missing" in problems({"sites": {}}, tmp_path)


def test_each_site_needs_one_deployer_host(tmp_path: Path) -> None:
    """Every site's lack is told at once."""
    told = answer(
        deployer_hosts=["b1", "b2", "d"], a={"hosts": ["a1"]}, b={"hosts": ["b1", "b2"]}, c={}, d={"hosts": ["d"]},
        e={"hosts": ["d"]},
    )  # fmt: skip

    message = problems(told, tmp_path)

    assert "site a has no deployer host" in message
    assert "site b has 2 deployer hosts: b1, b2" in message
    assert "site c has no hosts" in message
    assert "d is the deployer host of d and e" in message


def test_the_environment_must_be_one(tmp_path: Path) -> None:
    """Two names for one inventory are a mistake; one name wins over the folder's."""
    told = answer(
        deployer_hosts=["a", "b"],
        hostvars={"a": {"deployer_environment": "x"}, "b": {"deployer_environment": "y"}},
        fra1={"hosts": ["a"]},
        ams2={"hosts": ["b"]},
    )
    assert "deployer_environment differs between sites: x, y" in problems(told, tmp_path)
    one = answer(deployer_hosts=["a"], hostvars={"a": {"deployer_environment": "x"}}, fra1={"hosts": ["a"]})
    assert sites.inventory(one, tmp_path, age=0).environment == "x"


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), ("yes", True), ("True", True), (False, False), ("no", False)]
)
def test_production_in_every_spelling(tmp_path: Path, value: bool | str, expected: bool) -> None:  # noqa: FBT001  a parameter of a test
    """YAML gives booleans, INI text."""
    told = answer(deployer_hosts=["a"], hostvars={"a": {"deployer_production": value}}, fra1={"hosts": ["a"]})

    assert sites.inventory(told, tmp_path, age=0).is_production is expected


def test_one_site_of_production_makes_all_of_it_production(tmp_path: Path) -> None:
    """A question too many is better than one too few."""
    told = answer(
        deployer_hosts=["a", "b"],
        hostvars={"b": {"deployer_production": True}},
        fra1={"hosts": ["a"]},
        ams2={"hosts": ["b"]},
    )

    assert sites.inventory(told, tmp_path, age=0).is_production


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"config_repository": "x"}, "config_repository of fra1 must be a mapping"),
        ({"config_repository": {"manifests": "*.xml"}}, "config_repository.manifests of fra1 must be a list"),
        ({"config_repository": {"branch": 7}}, "config_repository.branch of fra1 must be text"),
        ({"manifest_fields": {"version": "{{ x }}"}}, "manifest_fields of fra1 is a template"),
        ({"ansible_host": "{% if x %}"}, "ansible_host of fra1 is a template"),
        ({"ansible_port": "ssh"}, "ansible_port of fra1 must be a number"),
        ({"service_manager": "supervisor"}, "supervisor_socket of fra1 is missing"),
        ({"deployer_home": {"__ansible_vault": "x"}}, "deployer_home of fra1 must be text"),
    ],
)
def test_a_wrong_fact_is_named(tmp_path: Path, variables: JsonObject, problem: str) -> None:
    """With the site."""
    told = answer(deployer_hosts=["a"], hostvars={"a": variables}, fra1={"hosts": ["a"]})

    assert problem in problems(told, tmp_path)


def test_content_sees_every_change(tmp_path: Path) -> None:
    """A byte, a name, a mode, a file behind a link; not the backup of an editor."""
    (tmp_path / "d" / "group_vars").mkdir(parents=True)
    directory, file = tmp_path / "d", tmp_path / "d" / "hosts.yml"
    file.write_text("a")
    digests = [content.look(directory, salt="").digest]
    for change in (
        lambda: file.write_text("b"),
        lambda: file.chmod(0o755),
        lambda: file.rename(directory / "other.yml"),
        lambda: (directory / "group_vars" / "all.yml").write_text(""),
    ):
        change()
        digests.append(content.look(directory, salt="").digest)

    assert len(set(digests)) == 5
    (directory / "hosts.yml~").write_text("x")
    (directory / "group_vars" / "loop").symlink_to(directory)
    assert content.look(directory, salt="").digest == digests[-1]


def test_a_plugin_is_dynamic_a_variable_is_not(tmp_path: Path) -> None:
    """Only sources of hosts are looked at."""
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("plugin: x\n")
    assert not content.look(tmp_path, salt="").is_dynamic
    (tmp_path / "cloud.yml").write_text("# a cloud\nplugin: x\n")
    assert content.look(tmp_path, salt="").is_dynamic


def test_the_line_that_tells_most() -> None:
    """The fault and its place, from both spellings of Ansible; something even from silence."""
    said = "[ERROR]: Completely failed to parse x\n[WARNING]: bad colon\nOrigin: /i/hosts.yml:2:1\n"

    assert ansible.first_line(said) == "bad colon (/i/hosts.yml:2:1)"
    assert ansible.first_line("ERROR! no good") == "no good"
    assert ansible.first_line("") == "it gave no reason"
