"""Whatever a text is made of, a secret that is known by its form reaches no terminal, no document and no report."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.app import Deployer
from deployer.cli.main import main
from deployer.cli.output.tables import table
from deployer.errors import DeployerError, UnreachableError

URL = "https://robot:SE/CRET@store.example.net/x?token=SECRET"


@pytest.mark.parametrize("error", [UnreachableError(f"{URL} is away", hint=f"curl {URL}"), RuntimeError(f"no {URL}")])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_error_is_told_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    error: Exception,
    options: tuple[str, ...],
) -> None:
    """One that was foreseen, and one that was not, of which a report is written with the lines of the program."""

    def fail(_deployer: Deployer, _site: str) -> None:
        raise error

    monkeypatch.setenv("DEPLOYER_STATE", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(Deployer, "doctor", fail)

    main(["doctor", "fra1", *options])

    told = "".join(capsys.readouterr())
    reports = [path.read_text() for path in tmp_path.glob("deployer-report-*")]
    assert len(reports) == (not isinstance(error, DeployerError))
    assert "https://[redacted]@store.example.net/x" in told
    assert not [text for text in (told, *reports) if "SE/CRET" in text or "SECRET" in text or "CRET@" in text]


def test_a_command_line_that_is_refused_is_told_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    """It is repeated, as a person may not see which part of it is meant."""
    main(["sync", "--", "-e", "db_password=SECRET12"])

    assert "db_password=[redacted]" in capsys.readouterr().err


def test_a_table_holds_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor does its width."""
    table(("check", "found"), [("remote", f"{URL} answers")])

    out = capsys.readouterr().out
    assert "[redacted]@store.example.net" in out
    assert "CRET" not in out
