"""The inventory of a sandbox, in the conventions of doc/inventory.md, which plain Ansible reads too."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from deployer.model.json import JsonObject, JsonValue
from deployer.sandboxes import layout
from deployer.sandboxes.layout import CLUSTER, SiteLayout


def write(folder: Path, sites: Sequence[SiteLayout], forms: Mapping[str, str]) -> None:
    """Write the inventory.

    Args:
        folder: of the sandbox.
        sites: in order.
        forms: site -> `xml` or `yaml`.
    """
    inventory = layout.inventory(folder)
    (inventory / "group_vars").mkdir(parents=True)
    _write(inventory / "hosts.yml", "The hosts of a sandbox.", _hosts(sites))
    _write(inventory / "group_vars" / "all.yml", "A sandbox: nothing asks.", {"deployer_production": False})
    for site in sites:
        text = f"Site {site.name}: its config repository, its releases, its instances."
        _write(inventory / "group_vars" / f"{site.name}.yml", text, _facts(site, forms[site.name]))


def _hosts(sites: Sequence[SiteLayout]) -> JsonObject:
    return {
        "all": {
            "children": {
                "sites": {"children": {site.name: _site_group(site) for site in sites}},
                "deployer_hosts": {"hosts": {site.host_name: None for site in sites}},
            }
        }
    }


def _site_group(site: SiteLayout) -> JsonObject:
    variables: dict[str, JsonValue] = {
        "ansible_connection": "local",
        "ansible_python_interpreter": interpreter(),
        "deployer_home": str(site.home),
    }
    # The only cluster has no nodes: its instances run on the deployer host itself.
    cluster: JsonObject = {"hosts": {site.host_name: None}}
    return {"hosts": {site.host_name: variables}, "children": {f"{site.name}_{CLUSTER}": cluster}}


def _facts(site: SiteLayout, form: str) -> JsonObject:
    return {
        "config_repository": {
            "name": site.repository,
            "path": f"~/deployer/{site.repository}",
            "remote": site.remote.as_uri(),
            "branch": "main",
            "manifests": [f"*.{form}"],
        },
        "release_store": layout.releases(site.folder).as_uri(),
        "instances_home": str(site.instances_home),
        "service_manager": "supervisor",
        "supervisor_socket": str(site.socket),
    }


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
