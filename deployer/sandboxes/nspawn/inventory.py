"""The inventory of real hosts: SSH with checked host keys, nodes through the deployer host, root by sudo."""

from __future__ import annotations

import shlex

from deployer.model.json import JsonObject
from deployer.sandboxes import inventory_files
from deployer.sandboxes.inventory_files import SiteEntry
from deployer.sandboxes.nspawn import files, keys
from deployer.sandboxes.nspawn.plan import LOGIN, Plan, SitePlan


def write(plan: Plan) -> None:
    """Write the inventory of a sandbox."""
    folder = plan.sandbox.folder
    common: JsonObject = {
        "ansible_user": LOGIN,
        "ansible_ssh_private_key_file": str(keys.controller(folder)),
        "ansible_ssh_common_args": shlex.join(("-F", str(folder / keys.SSH_CONFIG))),
        "ansible_become": True,
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    inventory_files.write(folder, [_entry(site, plan.spread.form(site.name)) for site in plan.sites], common)


def _entry(site: SitePlan, form: str) -> SiteEntry:
    clusters = {node.cluster: {node.name: {"ansible_host": node.address}} for node in site.nodes}
    facts: JsonObject = {
        "config_repository": inventory_files.repository(site.layout.repository, files.remote(site), form),
        "release_store": f"file://{files.RELEASES}",
        "instances_home": "/srv/instances",
        "service_manager": "systemd",
    }
    head = site.deployer_host
    return SiteEntry(site.name, head.name, {"ansible_host": head.address}, clusters, facts)
