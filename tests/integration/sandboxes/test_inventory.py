"""The inventory of a sandbox, read by plain Ansible: nothing is faked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from deployer.sandboxes import Sandboxes
from deployer.sandboxes.layout import SiteLayout


def test_ansible_reads_it(sandboxes: Sandboxes, tmp_path: Path) -> None:
    """Groups and facts are as doc/inventory.md says, in a folder with a space."""
    made = sandboxes.create("demo", sites=("fra1", "ams2"), instances=1)
    listed = _listed(made.inventory, tmp_path)
    assert listed.pop("sites") == {"children": ["fra1", "ams2"]}
    assert listed.pop("deployer_hosts") == {"hosts": ["fra1-sandbox-dep01", "ams2-sandbox-dep01"]}
    assert listed.pop("fra1") == {"children": ["fra1_c01"], "hosts": ["fra1-sandbox-dep01"]}
    site = SiteLayout(made.folder, "ams2")
    facts = listed["_meta"]["hostvars"]["ams2-sandbox-dep01"]
    assert facts.pop("ansible_python_interpreter")
    assert facts == {
        "ansible_connection": "local",
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
    done = _ansible("ansible", "-i", str(made.inventory), "-m", "ping", "fra1", home=tmp_path)
    assert '"ping": "pong"' in done


def _listed(inventory: Path, home: Path) -> dict[str, Any]:
    listed: dict[str, Any] = json.loads(_ansible("ansible-inventory", "-i", str(inventory), "--list", home=home))
    return listed


def _ansible(program: str, *arguments: str, home: Path) -> str:
    folder = Path(sys.executable).parent
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HOME": str(home),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.run(
        [str(folder / program), *arguments], env=environment, check=True, capture_output=True, text=True
    ).stdout
