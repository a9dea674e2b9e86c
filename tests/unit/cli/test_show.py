"""`deployer show`, from a record that others may have written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.cli.main import main
from deployer.model.run import Outcome, Run, RunState, TargetResult
from deployer.store import SqlStore

RUN = "20261121-084500-k3f9"


@pytest.mark.parametrize(
    ("mode", "where", "retry"),
    [
        (0o600, ("-i", "/srv/inv $x"), f"deployer retry {RUN} -i '/srv/inv $x'"),
        (0o606, ("-i", "/srv/inv $x"), f"deployer retry {RUN}"),
        (0o606, ("--inventory=/srv/inv",), f"deployer retry {RUN}"),
        (0o606, ("-E", "../x"), f"deployer retry {RUN}"),
        (0o606, ("-E", "prod", "--sandbox", "demo"), f"deployer retry {RUN} -E prod --sandbox demo"),
    ],
)
def test_the_command_to_retry_takes_no_inventory_from_others(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    mode: int,
    where: tuple[str, ...],
    retry: str,
) -> None:
    """An inventory runs programs; names mean what is here."""
    monkeypatch.setenv("DEPLOYER_STATE", str(tmp_path))
    store = SqlStore("", tmp_path)
    owed = (TargetResult("viatris.fra1", "fra1", Outcome.FAILED),)
    arguments = ("redeploy", "fra1", *where)
    started = datetime(2026, 1, 1, tzinfo=UTC)
    run = Run(RUN, "instance-redeploy", "prod", ("fra1",), (), "erin", "box", started, arguments=arguments)
    with store.begin(run):
        store.record(RUN, owed)
        store.update(replace(run, state=RunState.FINISHED))
    store.close()
    (tmp_path / "deployer.db").chmod(mode)

    assert main(["show", RUN]) == 0
    assert f"retry: {retry}\n" in capsys.readouterr().out
