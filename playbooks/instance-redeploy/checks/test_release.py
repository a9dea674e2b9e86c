"""The release of an instance is the one that its manifest asks for, and old ones are gone."""

from __future__ import annotations

from pathlib import PurePosixPath

from testinfra.host import Host

from deployer.checks.live import LiveService
from deployer.model.json import JsonObject


def test_health_answers_with_the_version_of_the_manifest(service: LiveService, instance: JsonObject) -> None:
    """What runs is what was asked for."""
    version = service.health.get("version")
    assert version == instance["version"], f"version {version} runs, the manifest asks for {instance['version']}"


def test_current_points_to_the_release(host: Host, instance: JsonObject, service: LiveService) -> None:
    """`current` is a link to releases/VERSION."""
    link = host.file(f"{service.folder}/current")
    assert link.is_symlink, f"{link.path} is no link"
    points_to = PurePosixPath(link.linked_to).parts[-2:]
    assert points_to == ("releases", instance["version"]), f"current points to {link.linked_to}"


def test_old_releases_are_removed(host: Host, service: LiveService, params: JsonObject) -> None:
    """No more releases are on the host than `keep_releases` allows."""
    keep = int(str(params.get("keep_releases", 3)))
    releases = host.check_output("ls %s", f"{service.folder}/releases").split()
    assert len(releases) <= keep, f"{len(releases)} releases are kept: {', '.join(releases)}"
