"""What the released service says of itself, without its port."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from deployer.sandboxes.content.service.serve import Shop

RELEASE = {"application": "shopfront", "version": "1.4.2", "schema": 7}


@pytest.mark.parametrize(
    "text",
    [
        '{"instance": "viatris"}',
        '{"instance": {"name": "viatris"}}',
        '{"name": "viatris"}',
        '{"@name": "viatris"}',
        "{}",
        "[]",
    ],
)
def test_the_instance_is_found(tmp_path: Path, text: str) -> None:
    """It is named by the configuration in any of the usual ways, else by its folder."""
    path = _configuration(tmp_path, text)
    assert Shop(RELEASE, path).health() == {
        "status": "ok",
        "version": "1.4.2",
        "configuration": sha256(text.encode()).hexdigest(),
        "instance": "viatris",
    }


def test_a_release_that_needs_a_newer_schema_is_never_healthy(tmp_path: Path) -> None:
    """It tells what it waits for, in /health and on the page."""
    shop = Shop({**RELEASE, "schema": 8}, _configuration(tmp_path, "{}"))
    assert shop.health()["status"] == "starting"
    assert "waiting for database schema 8, found 7" in shop.page()


def test_a_configuration_that_is_no_json_is_refused(tmp_path: Path) -> None:
    """The service does not start with half a file."""
    with pytest.raises(ValueError, match="delimiter"):
        Shop(RELEASE, _configuration(tmp_path, '{"instance"'))


def _configuration(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "viatris" / "configuration.json"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return path
