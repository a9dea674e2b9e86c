"""What happens between two looks at the record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from deployer.model.run import Outcome, Run, RunState, TargetResult
from deployer.store import SqlStore


def test_run_that_ends_while_it_is_judged_is_not_interrupted(
    open_store: Callable[[Path], SqlStore], tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader sees a run running, and its lock free a moment later because it ended: the end counts."""
    reader, writer = open_store(tmp_path), open_store(tmp_path)
    results = (TargetResult("viatris.fra1", "fra1", Outcome.OK),)
    ended = replace(run, state=RunState.FINISHED, exit_code=0, results=results)
    with writer.begin(run):
        pass

    def judge(_connection: Connection, runs: Iterable[str]) -> frozenset[str]:
        writer.record(run.id, results)
        writer.update(ended)
        return frozenset(runs)

    monkeypatch.setattr(reader._liveness, "dead", judge)

    assert reader.runs() == (ended,)
