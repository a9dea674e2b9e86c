"""Ansible's answer -> sites, by the conventions of group names (doc/inventory.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from deployer.errors import InventoryError
from deployer.inventory.facts import Facts
from deployer.model.json import JsonObject
from deployer.model.site import Cluster, Inventory, Machine, Site

SITES = "sites"
DEPLOYER_HOSTS = "deployer_hosts"
GUIDE = "doc/inventory.md and inventories/production show how"


class Groups:
    """The groups of an answer: who is in which."""

    def __init__(self, answer: JsonObject) -> None:
        self._answer = answer

    def __contains__(self, name: str) -> bool:
        """Whether the group is there and not empty."""
        return name in self._answer

    @property
    def names(self) -> tuple[str, ...]:
        """Every group, also one that is only another's child."""
        told = tuple(name for name in self._answer if name != "_meta")
        return tuple(dict.fromkeys((*told, *(child for name in told for child in self.children(name)))))

    def _names(self, group: str, key: str) -> tuple[str, ...]:
        told = self._answer.get(group)
        names = told.get(key) if isinstance(told, Mapping) else None
        return tuple(str(name) for name in names) if isinstance(names, Sequence) and not isinstance(names, str) else ()

    def children(self, group: str) -> tuple[str, ...]:
        """Its child groups, in the inventory's order."""
        return self._names(group, "children")

    def hosts(self, group: str) -> tuple[str, ...]:
        """Its hosts and those of the groups below, each once."""
        return tuple(dict.fromkeys(self._hosts(group)))

    def _hosts(self, group: str) -> Iterator[str]:
        yield from self._names(group, "hosts")
        for child in self.children(group):
            yield from self._hosts(child)


def inventory(answer: JsonObject, directory: Path, *, age: float) -> Inventory:
    """The environment.

    Args:
        answer: of `ansible-inventory --list`.
        directory: of the inventory; its name is the environment's unless a variable says otherwise.
        age: of the answer, in seconds.

    Raises:
        InventoryError: facts are missing or wrong; all of them are named.
    """
    groups, problems = Groups(answer), list[str]()
    names = groups.children(SITES)
    if not names:
        raise InventoryError(f"{directory}: the group `{SITES}` is missing, or has no site in it", hint=GUIDE)
    hosts = {name: _deployer_host(groups, name, problems) for name in names}
    problems += _shared(hosts)
    machines = _machines(answer)
    facts = {name: Facts(directory, name, machines[host].variables, problems) for name, host in hosts.items() if host}
    environment = _environment(facts, directory, problems)
    taken = frozenset(name.casefold() for name in (*machines, *groups.names))
    sites = {
        name: replace(_site(environment, name, machines[hosts[name]], fact, groups, machines), taken=taken)
        for name, fact in facts.items()
    }
    asks = [fact.is_production for fact in facts.values()]  # every one is read, so that every wrong one is named
    for fact in facts.values():
        fact.check()
    if problems:
        raise InventoryError(f"{directory}: " + "; ".join(problems), hint=GUIDE)
    return Inventory(environment, str(directory), sites, age, any(asks))


def _machines(answer: JsonObject) -> dict[str, Machine]:
    """Every host of the answer (one without variables is only in its groups)."""
    groups = Groups(answer)
    meta = cast("Mapping[str, JsonObject]", answer.get("_meta", {}))
    variables = cast("Mapping[str, JsonObject]", meta.get("hostvars", {}))
    names = dict.fromkeys([*variables, *(host for group in answer if group != "_meta" for host in groups.hosts(group))])
    return {name: Machine(name, variables.get(name, {})) for name in names}


def _deployer_host(groups: Groups, site: str, problems: list[str]) -> str:
    """The one host of the site that is in `deployer_hosts` as well; empty when it is not one."""
    hosts = groups.hosts(site)
    found = [host for host in hosts if host in groups.hosts(DEPLOYER_HOSTS)]
    if not hosts:
        problems.append(f"site {site} has no hosts")
    elif not found:
        problems.append(f"site {site} has no deployer host (none of its hosts is in the group `{DEPLOYER_HOSTS}`)")
    elif len(found) > 1:
        problems.append(f"site {site} has {len(found)} deployer hosts: {', '.join(found)}; it must be one")
    return found[0] if len(found) == 1 else ""


def _shared(hosts: Mapping[str, str]) -> list[str]:
    """A host cannot serve two sites under one name: it would have the facts of only one of them."""
    by_host: dict[str, list[str]] = {}
    for site, host in hosts.items():
        if host:
            by_host.setdefault(host, []).append(site)
    return [
        f"{host} is the deployer host of {' and '.join(sites)}; give it a name for each (ansible_host may be the same)"
        for host, sites in by_host.items()
        if len(sites) > 1
    ]


def _environment(facts: Mapping[str, Facts], directory: Path, problems: list[str]) -> str:
    """`deployer_environment`, which must be the same everywhere, else the directory's name."""
    said = sorted({fact.environment for fact in facts.values()} - {""})
    if len(said) > 1:
        problems.append(f"deployer_environment differs between sites: {', '.join(said)}")
    return said[0] if said else directory.name


def _site(
    environment: str, name: str, deployer_host: Machine, facts: Facts, groups: Groups, machines: Mapping[str, Machine]
) -> Site:
    deployer_hosts = set(groups.hosts(DEPLOYER_HOSTS))
    return Site(
        environment=environment,
        name=name,
        deployer_host=deployer_host,
        repository=facts.repository(),
        clusters=tuple(_clusters(groups, name, deployer_hosts)),
        machines={host: machines[host] for host in groups.hosts(name)},
        variables=deployer_host.variables,
    )


def _clusters(groups: Groups, site: str, deployer_hosts: set[str]) -> Iterator[Cluster]:
    """Child groups of the site: `fra1_c01` is cluster c01."""
    for group in groups.children(site):
        nodes = tuple(host for host in groups.hosts(group) if host not in deployer_hosts)
        yield Cluster(group.removeprefix(f"{site}_"), nodes)
