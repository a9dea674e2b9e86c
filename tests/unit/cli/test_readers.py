"""Whoever reads what we print goes away."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from deployer.cli import main as cli_main
from deployer.cli.console import tell
from deployer.cli.output.plain import PlainLines
from deployer.model.plan import Plan
from deployer.model.run import Event, Outcome, Run, TargetResult
from deployer.testing import FakeClock

NOW = FakeClock().now()
RUN = Run("r1", "instance-redeploy", "prod", ("fra1",), (), "erin", "box", NOW)


@pytest.fixture
def _nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stderr is a pipe that nobody reads."""
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        yield
        monkeypatch.undo()


@pytest.mark.usefixtures("_nobody")
def test_progress_that_nobody_reads_disturbs_no_run() -> None:
    """Header, events, results and the heartbeat go on silently: an error here would end the run in the middle."""
    with PlainLines(silence=0.01) as lines:
        lines.header(("instance-redeploy  run r1",), RUN, Plan("instance-redeploy", "prod", (), {}))
        lines.event(Event(1, NOW, "sync", "fra1: in sync"))
        lines.result(TargetResult("viatris.fra1", "fra1", Outcome.CHANGED))


@pytest.mark.usefixtures("_nobody")
def test_a_message_that_nobody_reads_is_dropped() -> None:
    """So is every later one."""
    tell("one")
    tell("two")


def test_a_pipe_that_breaks_in_the_work_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not the reader of our output that left, but a host or a program: exit 1 with a report, never 0."""

    def breaks(*_arguments: object) -> object:
        raise BrokenPipeError

    monkeypatch.setattr("deployer.cli.operations.split_names", breaks)

    assert cli_main.main(["redeploy", "fra1"]) == 1
    assert "please report" in capsys.readouterr().err
