"""The generated inventory: hostile data is data, and nothing else of the user's inventory is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml

from deployer.model.plan import Target
from deployer.model.site import Machine, Site
from deployer.playbook.inventory import inventory_text, variables_text
from deployer.ports import PlaybookRun

Make = Callable[..., Target]


class Tagged(yaml.SafeLoader):
    """Reads our tags as (tag, value)."""


def _tagged(loader: yaml.SafeLoader, node: yaml.Node) -> Any:  # noqa: ANN401  YAML holds anything
    if isinstance(node, yaml.ScalarNode):
        return (node.tag, node.value)
    if isinstance(node, yaml.SequenceNode):
        return (node.tag, loader.construct_sequence(node, deep=True))
    assert isinstance(node, yaml.MappingNode)
    return (node.tag, loader.construct_mapping(node, deep=True))


Tagged.add_constructor("!unsafe", _tagged)
Tagged.add_constructor("!vault", _tagged)


def host_of(site: Site, target: Target) -> dict[str, Any]:
    """The variables of a target's host in the generated inventory."""
    run = PlaybookRun("r1", "fra1", "/p", "/i", site, (target,))
    found = yaml.load(inventory_text(run, (target,)), Loader=Tagged)  # noqa: S506  a safe loader
    variables: dict[str, Any] = found["all"]["children"]["instances"]["hosts"][target.name]
    return variables


def test_variables_of_the_machine(site: Site, target: Make) -> None:
    """A target has all variables of its machine; vaulted and unsafe ones stay so; it is reached as the machine is."""
    variables = {"a": "2.10", "v": {"__ansible_vault": "$ANSIBLE_VAULT\n61\n"}, "u": [{"__ansible_unsafe": "{{ x }}"}]}
    site = replace(site, machines={"dep01": Machine("dep01", variables)})  # type: ignore[arg-type]
    host = host_of(site, target("viatris"))

    assert host["a"] == "2.10"
    assert host["v"] == ("!vault", "$ANSIBLE_VAULT\n61\n")
    assert host["u"] == [("!unsafe", "{{ x }}")]
    assert host["ansible_host"] == "dep01"


def test_ansible_host(site: Site, target: Make) -> None:
    """What the inventory says wins, and a local machine needs none."""
    assert host_of(site, target("a", "app07"))["ansible_host"] == "10.0.0.7"
    assert "ansible_host" not in host_of(site, target("a", "here"))


def test_instance_is_one_unsafe_variable(site: Site, target: Make) -> None:
    """Every container of it is unsafe; a text that looks like a number stays a text."""
    value = {"ansible_become": "true", "release": {"@version": "2.10", "list": ["{{ x }}"]}}
    host = host_of(site, target("viatris", value=value))
    tag, instance = host["instance"]

    assert (tag, instance["version"], instance["port"]) == ("!unsafe", "2.10", "8080")
    assert instance["manifest"][0] == "!unsafe"
    assert instance["manifest"][1]["release"] == (
        "!unsafe",
        {"@version": "2.10", "list": ("!unsafe", [("!unsafe", "{{ x }}")])},
    )
    assert set(host) == {"ansible_user", "ansible_host", "instance"}


def test_groups(site: Site, target: Make) -> None:
    """Targets are in the site's group and in a cluster that the inventory knows, never in one that it does not."""
    targets = (target("a", "app07", "c01"), target("b", cluster="{{ evil }}"))
    text = inventory_text(PlaybookRun("r1", "fra1", "/p", "/i", site, targets), targets)
    children = yaml.load(text, Loader=Tagged)["all"]["children"]  # noqa: S506  a safe loader

    assert {name: set(group["hosts"]) for name, group in children.items()} == {
        "instances": {"a.fra1", "b.fra1"},
        "fra1": {"a.fra1", "b.fra1"},
        "fra1_c01": {"a.fra1"},
    }


def test_extra_variables() -> None:
    """Their values are data as well."""
    assert (
        variables_text({"a": "2.10", "b": "{{ x }}", "c": True}) == '"a": "2.10"\n"b": !unsafe "{{ x }}"\n"c": true\n'
    )


@pytest.mark.parametrize("name", ["a[1:3]", "a:22", "{{ x }}", "a,b", "*", "!a", "-a", "", "a b", "a\n"])
def test_names_with_a_meaning(target: Make, name: str) -> None:
    """A name that Ansible would read as a range, a port or a pattern is no host."""
    assert repr(name) in target(name).unusable(())
    assert not target("a-1.b_2").unusable(())


@pytest.mark.parametrize("name", ["web", "Web", "fra1_c01", "all", "ALL", "localhost", "ungrouped", "127.0.0.1"])
def test_names_of_hosts_and_groups(target: Make, name: str) -> None:
    """An instance that Ansible, or a limit, would take for something else is told with the name that is taken."""
    assert f"{name!r} cannot be used" in target(name).unusable({"web.fra1", "fra1_c01"})
    assert not target("webs").unusable({"web.fra1", "fra1_c01"})
