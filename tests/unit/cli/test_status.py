"""`deployer status`, from a record of runs in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.cli.main import main
from deployer.model.run import Outcome, Run, RunState, TargetResult
from deployer.store import SqlStore

RESULT = TargetResult("viatris.fra1", "fra1", Outcome.CHANGED, "1.5.0")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlStore]:
    """The record of runs that the command reads."""
    monkeypatch.setenv("DEPLOYER_STATE", str(tmp_path))
    found = SqlStore("", tmp_path)
    yield found
    found.close()


def _ran(store: SqlStore, environment: str) -> None:
    started = datetime(2026, 1, 1, tzinfo=UTC)
    run = Run(f"20260101-000000-{environment}", "instance-redeploy", environment, ("fra1",), (), "erin", "box", started)
    with store.begin(run):
        store.record(run.id, (RESULT,))
        store.update(replace(run, state=RunState.FINISHED, ended=started))


def _instances(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    assert main(["status"]) == 0
    return [line.split()[:2] for line in capsys.readouterr().out.splitlines() if line.startswith("viatris.fra1 ")]


def test_instances_of_several_environments_are_told_apart(store: SqlStore, capsys: pytest.CaptureFixture[str]) -> None:
    """By a column that is there only where it says something."""
    _ran(store, "prod")
    assert _instances(capsys) == [["viatris.fra1", "changed"]]

    _ran(store, "stage")
    assert _instances(capsys) == [["viatris.fra1", "prod"], ["viatris.fra1", "stage"]]
