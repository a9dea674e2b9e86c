"""The service of an instance runs, answers, and works with its configuration."""

from __future__ import annotations

import hashlib

from testinfra.host import Host

from deployer.checks.live import LiveService


def test_the_service_runs(service: LiveService) -> None:
    """As its manager says."""
    assert service.is_running, f"{service.name} does not run"


def test_the_service_starts_at_boot(service: LiveService) -> None:
    """It is enabled."""
    assert service.is_enabled, f"{service.name} is not enabled"


def test_the_port_is_open(service: LiveService) -> None:
    """Somebody accepts connections on the manifest's port."""
    assert service.is_listening, f"nobody listens on port {service.port}"


def test_health_is_good(service: LiveService) -> None:
    """The health endpoint answers 200."""
    assert service.health["status"] == 200, f"health answers {service.health['status']}"


def test_the_service_works_with_that_configuration(host: Host, service: LiveService) -> None:
    """A service that tells the sha256 of its configuration was restarted after the last change."""
    told = str(service.health.get("configuration", ""))
    file = hashlib.sha256(host.file(f"{service.folder}/configuration.json").content).hexdigest()
    assert told in {"", file}, f"the service works with {told[:12]}, the file is {file[:12]}"
