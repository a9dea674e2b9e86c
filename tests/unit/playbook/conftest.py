"""Values that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.model.json import JsonObject
from deployer.model.plan import Target
from deployer.model.site import Cluster, Machine, Repository, Site


@pytest.fixture
def site() -> Site:
    """A site with a deployer host behind SSH, a local machine and one cluster."""
    machines = {
        "dep01": Machine("dep01", {"ansible_user": "deployer"}),
        "app07": Machine("app07", {"ansible_host": "10.0.0.7", "ansible_port": 2222}),
        "here": Machine("here", {"ansible_connection": "local"}),
    }
    repository = Repository("clusterconfig-fra1", "~/deployer/clusterconfig-fra1")
    return Site("prod", "fra1", machines["dep01"], repository, (Cluster("c01", ("app07",)),), machines)


@pytest.fixture
def target() -> Callable[..., Target]:
    """Makes targets."""

    def make(instance: str, host: str = "dep01", cluster: str = "", value: JsonObject | None = None) -> Target:
        return Target(instance, "prod", "fra1", cluster, host, f"{instance}.xml", "2.10", {"port": "8080"}, value or {})

    return make


@pytest.fixture
def operation_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes an operation.yml and its playbook.yml."""

    def write(text: str, *, name: str = "instance-try", folder: str = "playbooks") -> Path:
        path = tmp_path / folder / name / "operation.yml"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        (path.parent / "playbook.yml").write_text("- hosts: instances\n", encoding="utf-8")
        return path

    return write
