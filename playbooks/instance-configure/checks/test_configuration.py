"""The configuration of an instance is what its manifest says."""

from __future__ import annotations

import json

from testinfra.host import Host

from deployer.checks.live import LiveService
from deployer.model.json import JsonObject


def test_the_configuration_is_rendered_from_the_manifest(
    host: Host, instance: JsonObject, service: LiveService
) -> None:
    """configuration.json has the manifest that the clone has."""
    file = host.file(f"{service.folder}/configuration.json")
    assert file.exists, f"{file.path} is missing"
    rendered = json.loads(file.content)
    # Only names: the values may be secrets.
    different = [name for name in ("name", "site", "environment", "manifest") if rendered.get(name) != instance[name]]
    assert not different, f"configuration.json differs from the manifest in: {', '.join(different)}"
