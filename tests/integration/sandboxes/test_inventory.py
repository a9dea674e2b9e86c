"""The inventory of a sandbox, read by plain Ansible: nothing is faked."""

from __future__ import annotations

from pathlib import Path

from deployer.sandboxes import Sandboxes
from deployer.sandboxes.layout import SiteLayout
from tests.integration.sandboxes import plain


def test_ansible_reads_it(sandboxes: Sandboxes, tmp_path: Path) -> None:
    """Groups and facts are as doc/inventory.md says, in a folder with a space."""
    made = sandboxes.create("demo", sites=("fra1", "ams2"), instances=1)
    listed = plain.listed(made.inventory, tmp_path)
    assert listed.pop("sites") == {"children": ["fra1", "ams2"]}
    assert listed.pop("deployer_hosts") == {"hosts": ["fra1-sandbox-dep01", "ams2-sandbox-dep01"]}
    assert listed.pop("fra1") == {"children": ["fra1_c01"], "hosts": ["fra1-sandbox-dep01"]}
    site = SiteLayout(made.folder, "ams2")
    facts = listed["_meta"]["hostvars"]["ams2-sandbox-dep01"]
    assert facts.pop("ansible_python_interpreter")
    assert facts == {
        "ansible_connection": "local",
        "deployer_environment": "sandbox-demo",
        "deployer_home": str(site.home),
        "deployer_production": False,
        "config_repository": {
            "name": "clusterconfig-ams2",
            "path": "~/deployer/clusterconfig-ams2",
            "remote": site.remote.as_uri(),
            "branch": "main",
            "manifests": ["*.yaml"],
        },
        "release_store": (made.folder / "releases").as_uri(),
        "instances_home": str(site.instances_home),
        "service_manager": "supervisor",
        "supervisor_socket": str(site.socket),
    }


def test_ansible_runs_a_module_there(sandboxes: Sandboxes, tmp_path: Path) -> None:
    """The interpreter that the inventory names is one that Ansible can start."""
    made = sandboxes.create("demo", instances=1)
    done = plain.ansible("ansible", "-i", str(made.inventory), "-m", "ping", "fra1", home=tmp_path)
    assert '"ping": "pong"' in done
