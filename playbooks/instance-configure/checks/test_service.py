"""The service of an instance runs, and answers."""

from __future__ import annotations

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
