"""What reading costs, counted in statements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from deployer.model.run import Outcome, Run, RunState, TargetResult
from deployer.store import SqlStore


@pytest.mark.parametrize("number", [1, 30])
def test_history_takes_two_queries_however_long(
    open_store: Callable[[Path], SqlStore], tmp_path: Path, run: Run, number: int
) -> None:
    """The newest runs with their results are two SELECTs, not two per run."""
    store = open_store(tmp_path)
    for index in range(number):
        one = replace(run, id=f"run-{index}", started=run.started + timedelta(minutes=index))
        with store.begin(one):
            store.record(one.id, [TargetResult("viatris.fra1", "fra1", Outcome.OK, ended=run.started)])
            store.update(replace(one, state=RunState.FINISHED))
    statements: list[str] = []
    engine = store._database._opened()
    event.listen(engine, "before_cursor_execute", lambda *said: statements.append(said[2]))

    assert len(store.runs(limit=50)) == number

    assert [statement.split()[0] for statement in statements] == ["BEGIN", "SELECT", "SELECT"]
