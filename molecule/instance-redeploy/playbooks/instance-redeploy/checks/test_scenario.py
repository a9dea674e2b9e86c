"""What this scenario did, as the hosts have it."""

from __future__ import annotations

import json

from testinfra.host import Host

from deployer.checks.live import LiveService
from deployer.model.json import JsonObject


def test_a_second_run_switches_nothing(host: Host, instance: JsonObject, service: LiveService) -> None:
    """The receipt counts switches: one by converge, none by idempotence; viatris was switched on purpose."""
    receipt = json.loads(host.file(f"{service.folder}/receipt.json").content)
    assert receipt["switches"] == 1 or instance["name"] == "viatris", f"{receipt['switches']} switches"


def test_a_failed_release_is_rolled_back(host: Host, instance: JsonObject, service: LiveService) -> None:
    """The release before it runs, and the one that failed left nothing behind that runs."""
    wanted = "1.5.0" if instance["name"] == "viatris" else "1.4.2"
    assert service.health["version"] == wanted
    assert "1.5.1" not in host.file(f"{service.folder}/current").linked_to
    assert not host.file(f"{service.folder}/switch.json").exists, "a switch was left half done"


def test_the_last_three_releases_are_kept(host: Host, instance: JsonObject, service: LiveService) -> None:
    """The one that failed is none of them."""
    releases = host.check_output("ls %s", f"{service.folder}/releases").split()
    assert releases == (["1.4.1", "1.4.2", "1.5.0"] if instance["name"] == "viatris" else ["1.4.2"])
