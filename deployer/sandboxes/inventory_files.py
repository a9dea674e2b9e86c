"""The inventory of a sandbox, in the conventions of doc/inventory.md, which plain Ansible reads too."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from deployer.model.json import JsonObject
from deployer.sandboxes import layout
from deployer.sandboxes.base import environment_of


@dataclass(frozen=True, slots=True)
class SiteEntry:
    """A site as it stands in the inventory."""

    name: str
    host_name: str
    """The deployer host."""
    variables: JsonObject
    """Of the deployer host: how it is reached."""
    clusters: Mapping[str, Mapping[str, JsonObject]]
    """Cluster -> host -> its variables. A deployer host that serves a cluster itself is named without any."""
    facts: JsonObject
    """Of the site."""


def write(folder: Path, sites: Sequence[SiteEntry], common: JsonObject) -> None:
    """Write the inventory.

    Args:
        folder: of the sandbox.
        sites: in order.
        common: variables of every host.
    """
    inventory = layout.inventory(folder)
    (inventory / "group_vars").mkdir(parents=True)
    _write(inventory / "hosts.yml", "The hosts of a sandbox.", _hosts(sites))
    own: JsonObject = {"deployer_environment": environment_of(folder.name), "deployer_production": False}
    _write(inventory / "group_vars" / "all.yml", "A sandbox: nothing asks.", {**own, **common})
    for site in sites:
        text = f"Site {site.name}: its config repository, its releases, its instances."
        _write(inventory / "group_vars" / f"{site.name}.yml", text, site.facts)


def _hosts(sites: Sequence[SiteEntry]) -> JsonObject:
    return {
        "all": {
            "children": {
                "sites": {"children": {site.name: _site_group(site) for site in sites}},
                "deployer_hosts": {"hosts": {site.host_name: None for site in sites}},
            }
        }
    }


def _site_group(site: SiteEntry) -> JsonObject:
    clusters: dict[str, JsonObject] = {
        f"{site.name}_{cluster}": {"hosts": {host: variables or None for host, variables in hosts.items()}}
        for cluster, hosts in site.clusters.items()
    }
    return {"hosts": {site.host_name: site.variables}, "children": clusters}


def repository(name: str, remote: str, form: str) -> JsonObject:
    """The fact `config_repository`.

    Args:
        name: of the repository.
        remote: its address, as the deployer host knows it.
        form: `xml` or `yaml`.
    """
    path = f"~/deployer/{name}"
    return {"name": name, "path": path, "remote": remote, "branch": "main", "manifests": [f"*.{form}"]}


def interpreter() -> str:
    """This Python, for Ansible, which takes an interpreter's path neither with a space nor in quotes.

    A virtual environment may be in a folder with a space; the Python that it was made from serves as well, for what
    runs there needs the standard library alone.
    """
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    paths = (sys.executable, str(Path(sys.executable).resolve()), str(base))
    return next((path for path in paths if shlex.quote(path) == path), sys.executable)


def _write(path: Path, comment: str, content: JsonObject) -> None:
    # Long paths stay on one line: a folded one is hard to copy.
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100_000)
    path.write_text(f"# {comment} Written by `deployer sandbox create`.\n---\n{text}", encoding="utf-8")
