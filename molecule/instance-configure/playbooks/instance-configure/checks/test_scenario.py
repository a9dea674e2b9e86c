"""What this scenario did, as the hosts have it."""

from __future__ import annotations

import json

from testinfra.host import Host

from deployer.checks.live import LiveService
from deployer.model.json import JsonObject


def test_the_value_is_on_the_host(host: Host, service: LiveService) -> None:
    """The value that was set stands in the rendered configuration."""
    rendered = json.loads(host.file(f"{service.folder}/configuration.json").content)
    assert rendered["manifest"]["service"]["workers"]["@max"] == "16"


def test_a_second_run_switches_nothing(host: Host, instance: JsonObject, service: LiveService) -> None:
    """The receipt counts switches: prepare and converge made one each, idempotence none; viatris had one more."""
    receipt = json.loads(host.file(f"{service.folder}/receipt.json").content)
    assert receipt["switches"] == (3 if instance["name"] == "viatris" else 2)


def test_the_release_stays_as_it_is(host: Host, service: LiveService) -> None:
    """Configure changes no release, whatever version the manifest asks for."""
    assert service.health["version"] == "1.4.2"
    assert host.check_output("ls %s", f"{service.folder}/releases") == "1.4.2"
