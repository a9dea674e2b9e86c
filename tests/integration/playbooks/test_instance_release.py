"""The module instance_release on its own: real archives, real processes, a real health endpoint."""

from __future__ import annotations

import json
from typing import Any


def changed_steps(result: dict[str, Any]) -> list[str]:
    """The names of the steps that changed something."""
    return [step["name"] for step in result["steps"] if step["changed"]]


def test_first_deploy(instance: Any) -> None:
    """A host that knows nothing of the instance gets release, configuration, link, service and receipt."""
    result = instance.module()
    assert (result["changed"], result["version_before"], result["version_after"]) == (True, "", "1.0.0")
    assert (result["running"], result["switched"], result["rolled_back"]) == ("1.0.0", True, False)
    assert changed_steps(result) == ["release", "configuration", "current", "service"]
    assert instance.current == "releases/1.0.0"
    assert instance.health()["version"] == "1.0.0"
    assert json.loads((instance.folder / "configuration.json").read_text()) == {"greeting": "hello"}
    assert (instance.receipt["run"], instance.receipt["version"], instance.receipt["switches"]) == ("run-1", "1.0.0", 1)
    assert not (instance.folder / "switch.json").exists()
