"""What SQLite and PostgreSQL promise to several processes, each a controller with a state folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from deployer.errors import LockedError
from deployer.model.run import Outcome, Run, RunState
from deployer.ports import Store

MakeRun = Callable[..., Run]
Opened = Callable[[str], Store]
RUN = "20261120-214655-k3f9"


class Writer(Protocol):
    """The process of conftest.py."""

    def go(self) -> None:
        """Let it do its next step."""

    def heard(self, word: str) -> None:
        """Wait until it says so."""

    def kill(self) -> None:
        """End it without a chance to tidy up."""


StartWriter = Callable[..., Writer]


def started(start_writer: StartWriter, controller: str = "elsewhere") -> Writer:
    """A process in the middle of a run."""
    writer = start_writer(controller, RUN)
    writer.go()
    writer.heard("written")
    return writer


def test_processes_make_and_write_one_store_at_once(opened: Opened, start_writer: StartWriter) -> None:
    """Several processes open an empty database and write in the same moment: nothing is lost, nothing fails."""
    runs = [f"run-{number}" for number in range(4)]
    writers = [start_writer(run, run, times=40) for run in runs]
    for writer in writers:
        writer.go()
    for writer in writers:
        writer.heard("written")

    store = opened("here")

    assert {run.id: run.state for run in store.runs()} == dict.fromkeys(runs, RunState.RUNNING)
    for run in runs:
        assert [event.text for event in store.events(run)] == [f"{run} {number}" for number in range(1, 41)]


def test_run_of_a_killed_process_is_interrupted(opened: Opened, start_writer: StartWriter) -> None:
    """A process that dies with kill -9 leaves a run that everybody sees as interrupted, its half-done target too."""
    writer = started(start_writer)
    store = opened("here")
    assert store.run(RUN).state is RunState.RUNNING

    writer.kill()

    # PostgreSQL frees the locks of a dead connection when it notices it: pytest's timeout bounds the wait.
    while store.run(RUN).state is RunState.RUNNING:
        pass
    found = store.run(RUN)
    assert found.state is RunState.INTERRUPTED
    assert [result.outcome for result in found.results] == [Outcome.INTERRUPTED]
    assert opened("elsewhere").run(RUN) == found


def test_run_of_another_controller_is_not_judged_by_a_local_file(
    opened: Opened, start_writer: StartWriter, tmp_path: Path
) -> None:
    """A lock file here that nobody holds says nothing about a run that lives elsewhere."""
    started(start_writer)
    file = tmp_path / "here" / "runs" / RUN / "alive"
    file.parent.mkdir(parents=True)
    file.touch()

    assert opened("here").run(RUN).state is RunState.RUNNING


def test_follow_sees_events_of_another_process(opened: Opened, start_writer: StartWriter) -> None:
    """Asking for what came after the last event seen gives just that, while the run goes on."""
    writer = started(start_writer)
    store = opened("here")
    seen = store.events(RUN)
    assert store.events(RUN, after=seen[-1].sequence) == ()

    writer.go()
    writer.heard("appended")

    assert [event.text for event in store.events(RUN, after=seen[-1].sequence)] == ["last"]


def test_run_is_executed_by_one_process_at_a_time(opened: Opened, start_writer: StartWriter, make_run: MakeRun) -> None:
    """Another process cannot begin a run that lives; after its death it can."""
    writer = started(start_writer)
    store = opened("here")
    with pytest.raises(LockedError, match=RUN), store.begin(make_run(id=RUN)):
        pass

    writer.kill()

    while store.run(RUN).state is RunState.RUNNING:
        pass
    with store.begin(make_run(id=RUN)):
        assert opened("elsewhere").run(RUN).state is RunState.RUNNING
