"""The generated inventory: the targets of a batch as Ansible hosts beside the user's own inventory.

What comes from a manifest is hostile: Ansible would run `{{ lookup('pipe', …) }}` in it on the controller. So all of it
is one variable, `instance`, in containers tagged `!unsafe`; a key such as `ansible_become` in it is only data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import yaml

from deployer.model.json import JsonObject, JsonValue
from deployer.model.plan import Target
from deployer.model.site import Machine, Site
from deployer.ports import PlaybookRun

GROUP = "instances"
_DUMPER: type[yaml.SafeDumper | yaml.CSafeDumper] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_RESOLVER = yaml.resolver.Resolver()
_PLAIN_TEXT = "tag:yaml.org,2002:str"


def instance_variable(target: Target, run: str) -> JsonObject:
    """What a playbook sees of a target and its manifest (doc/operations.md)."""
    return {
        "name": target.instance,
        "environment": target.environment,
        "site": target.site,
        "cluster": target.cluster,
        "host": target.host,
        "version": target.version,
        "application": target.fields.get("application", ""),
        "port": target.fields.get("port", ""),
        "health": target.fields.get("health", ""),
        "revision": target.revision,
        "run": run,
        "fence": target.fence,
        "fields": dict(target.fields),
        "manifest": target.value,
    }


def placement(site: Site, target: Target) -> Machine:
    """The machine that a target runs on."""
    return site.machines.get(target.host) or Machine(target.host, {})


def interleaved(targets: Sequence[Target]) -> tuple[Target, ...]:
    """The targets in an order that goes round their hosts, so that few of one host are worked on at once."""
    turn: dict[str, int] = {}
    placed = []
    for target in targets:
        turn[target.host] = turn.get(target.host, 0) + 1
        placed.append((turn[target.host], target))
    return tuple(target for _, target in sorted(placed, key=lambda pair: pair[0]))


def inventory_text(playbook: PlaybookRun, targets: Sequence[Target]) -> str:
    """The inventory of a run as YAML.

    Args:
        playbook: the run.
        targets: those of its targets that can be Ansible hosts.
    """
    hosts: dict[str, object] = {target.name: _host(playbook, target) for target in interleaved(targets)}
    children: dict[str, object] = {GROUP: {"hosts": hosts}}
    for group, members in _memberships(playbook.site, targets).items():
        children[group] = {"hosts": dict.fromkeys(members, None)}
    return dump({"all": {"children": children}})


def _host(playbook: PlaybookRun, target: Target) -> dict[str, object]:
    machine = placement(playbook.site, target)
    variables: dict[str, object] = {name: Inventoried(value) for name, value in machine.variables.items()}
    if not machine.is_local:
        variables.setdefault("ansible_host", machine.name)
    variables["instance"] = Hostile(instance_variable(target, playbook.run))
    return variables


def _memberships(site: Site, targets: Sequence[Target]) -> dict[str, list[str]]:
    """The site's group and its clusters' groups, so that group variables and `--limit` mean what they always mean.

    A cluster that only a manifest names is no group: what a manifest says makes no group of the inventory.
    """
    known = {cluster.name for cluster in site.clusters}
    groups: dict[str, list[str]] = {}
    for target in targets:
        groups.setdefault(site.name, []).append(target.name)
        if target.cluster in known:
            groups.setdefault(f"{site.name}_{target.cluster}", []).append(target.name)
    return groups


def variables_text(variables: JsonObject) -> str:
    """Extra variables as YAML: values are data, a template in one is not evaluated."""
    return dump({name: Hostile(value) for name, value in variables.items()})


class Hostile:
    """Data of somebody else: nothing in it is evaluated."""

    def __init__(self, value: JsonValue) -> None:
        self.value = value


class Inventoried:
    """A value as `ansible-inventory --list` tells it: vaulted and unsafe texts stand in objects of one key."""

    def __init__(self, value: JsonValue) -> None:
        self.value = value


def dump(value: object) -> str:
    """Plain data, with the classes above anywhere in it, as YAML for Ansible."""
    return yaml.dump(value, Dumper=_Dumper, width=2**31 - 1, sort_keys=False, allow_unicode=False)


class _Dumper(_DUMPER):  # type: ignore[misc,valid-type]
    """Our tags; no anchors, which would tie hosts together."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  the signature is PyYAML's
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    """Every text in double quotes: never a number, a date or a block that reads differently."""
    return dumper.represent_scalar(_PLAIN_TEXT, _clean(value), style='"')


def _clean(value: str) -> str:
    """Without lone surrogates, which JSON can hold and YAML cannot."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _hostile(dumper: yaml.SafeDumper, hostile: Hostile) -> yaml.Node:
    """The containers carry the tag, not the texts: Ansible 2.19 reads `!unsafe "2.10"` as the number 2.1.

    Every container carries it, since Ansible before 2.19 looks only one level deep.
    """
    value = hostile.value
    if isinstance(value, Mapping):
        return dumper.represent_mapping("!unsafe", {str(key): Hostile(inner) for key, inner in value.items()})
    if isinstance(value, str):
        return _unsafe_text(dumper, value)
    if isinstance(value, Sequence):
        return dumper.represent_sequence("!unsafe", [Hostile(inner) for inner in value])
    return dumper.represent_data(value)


def _unsafe_text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    """A text tagged by itself, unless Ansible would then read it as a number; a number is no template."""
    tag = _RESOLVER.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]  # not in its stubs
    is_text = tag == _PLAIN_TEXT
    return dumper.represent_scalar("!unsafe", _clean(value), style='"') if is_text else _text(dumper, value)


def _inventoried(dumper: yaml.SafeDumper, inventoried: Inventoried) -> yaml.Node:
    value = inventoried.value
    if isinstance(value, Mapping):
        vaulted, unsafe = value.get("__ansible_vault"), value.get("__ansible_unsafe")
        if len(value) == 1 and isinstance(vaulted, str):
            return dumper.represent_scalar("!vault", vaulted, style="|")
        if len(value) == 1 and isinstance(unsafe, str):
            return _unsafe_text(dumper, unsafe)
        return dumper.represent_dict({key: Inventoried(inner) for key, inner in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return dumper.represent_list([Inventoried(inner) for inner in value])
    return dumper.represent_data(value)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Hostile, _hostile)
_Dumper.add_representer(Inventoried, _inventoried)
