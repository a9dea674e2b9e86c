"""`deployer history`, from a record of runs in a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.cli.main import main
from deployer.model.run import Run
from deployer.store import SqlStore

RUN = "20261121-084500-k3f9"
OLD = "20251121-084500-aaaa"


@pytest.fixture(autouse=True)
def _record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A redeploy, and a run of an operation that is not there any more."""
    for name in ("STATE", "INVENTORIES"):
        monkeypatch.setenv(f"DEPLOYER_{name}", str(tmp_path))
    monkeypatch.setenv("DEPLOYER_ENVIRONMENT", "prod")
    (tmp_path / "prod").mkdir()
    (tmp_path / "prod" / "hosts.yml").write_text(
        "sites: {children: {ams2: {hosts: {ams2-prod-dep01: }}, fra1: {hosts: {fra1-prod-dep01: }}}}\n"
        "deployer_hosts: {hosts: {fra1-prod-dep01: , ams2-prod-dep01: }}\n"
    )
    store = SqlStore("", tmp_path)
    started = datetime(2026, 1, 1, tzinfo=UTC)
    for run, operation in ((RUN, "instance-redeploy"), (OLD, "instance-gone")):
        with store.begin(Run(run, operation, "prod", ("fra1",), (), "erin@box.example.org", "box", started)):
            pass
    yield
    store.close()


def _runs(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    assert main(["history", "--json", *options]) == 0
    return [run["id"] for run in json.loads(capsys.readouterr().out)["data"]]


def test_an_operation_is_named_as_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Or in full; one that is not there any more as it is on record."""
    assert _runs(capsys, "--operation", "redeploy") == [RUN]
    assert _runs(capsys, "--operation", "instance-redeploy") == [RUN]
    assert _runs(capsys, "--operation", "instance-gone") == [OLD]
    assert _runs(capsys, "--operation", "configure") == []
    assert _runs(capsys, "--site", "ams2") == []


@pytest.mark.parametrize("options", [("--operation", "redeploi"), ("--site", "nowhere")])
def test_what_nobody_knows_is_a_usage_error(options: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """An empty list would say that nothing was run."""
    assert main(["history", *options]) == 2
    assert options[1] in capsys.readouterr().err


@pytest.mark.parametrize("columns", ["40", "80"])
def test_an_id_can_be_copied_from_a_narrow_terminal(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stands whole in its line."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", columns)

    assert main(["history"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"{RUN} ") for line in lines)
    assert max(len(line) for line in lines) <= 80
