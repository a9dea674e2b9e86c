"""What is given on a command line and could be passed over: it is an error, before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.cli.main import main


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of whoever runs the tests."""
    monkeypatch.setenv("DEPLOYER_STATE", str(tmp_path))
    monkeypatch.delenv("DEPLOYER_SANDBOX", raising=False)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["redeploy", "fra1", "-l", ""], "--limit"),
        (["redeploy", "fra1", "--limit", " ,"], "--limit"),
        (["run", "redeploy", "fra1", "--limit="], "--limit"),
        (["retry", "last", "-l", ""], "--limit"),
        (["plan", "redeploy", "fra1", "-l", ""], "--limit"),
        (["verify", "fra1", "-l", ":"], "--limit"),
        (["redeploy", "fra1", "-t", "a", "-t", ""], "--tags"),
        (["redeploy", "fra1", "--skip-tags", ""], "--skip-tags"),
        (["redeploy", "fra1", "-i", ""], "--inventory"),
        (["-E", "", "redeploy", "fra1"], "--environment"),
        (["status", "--sandbox", ""], "--sandbox"),
        (["history", "--site", ""], "--site"),
        (["undo", "fra1", "--to", ""], "--to"),
        (["sync", "--clone", ""], "--clone"),
        (["undo", "--clone", " "], "--clone"),
    ],
)
def test_an_empty_choice_is_an_error_and_never_means_everything(
    arguments: list[str], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`-l "$FAILED"` where the variable is unset: exit 2 names the option."""
    assert main(arguments) == 2

    assert f"deployer: {option} " in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["sync", "--", "fra1"],
        ["sandbox", "destroy", "box", "--", "x"],
        ["plan", "redeploy", "fra1", "--", "-v"],
        ["merge", "a", "b", "--", "-c"],
        ["status", "--json", "--", "x"],
        ["completion", "bash", "--", "x"],
        ["--", "redeploy", "fra1"],
    ],
)
def test_what_stands_behind_two_hyphens_is_never_dropped(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no playbook is run it is for nobody: `sync -- fra1` must not sync every site."""
    assert main(arguments) == 2

    assert "--" in capsys.readouterr().err
