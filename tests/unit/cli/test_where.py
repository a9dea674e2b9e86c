"""The options that say where to work."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.cli.main import main


@pytest.fixture(autouse=True)
def _a_sandbox_in_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOYER_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("DEPLOYER_INVENTORIES", str(tmp_path / "inventories"))
    monkeypatch.setenv("DEPLOYER_SANDBOX", "demo")


def test_an_environment_on_the_line_is_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where a variable names a sandbox."""
    assert main(["plan", "redeploy", "fra1", "-E", "prod"]) == 2
    assert str(tmp_path / "inventories" / "prod") in capsys.readouterr().err
    assert main(["settings", "-E", "prod"]) == 0
    assert "demo" not in capsys.readouterr().out


@pytest.mark.parametrize("where", [["-i", "dir"], ["-E", "prod"]])
def test_a_sandbox_and_another_place_are_refused(where: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """In any order and on both sides of the command's name."""
    lines = (["plan", "redeploy", "fra1", "--sandbox", "nope", *where], [*where, "plan", "redeploy", "fra1"])

    assert main(lines[0]) == main([*lines[1], "--sandbox", "nope"]) == 2
    assert capsys.readouterr().err.count("--sandbox nope and") == 2
