"""A reader of the output that goes away: head, less, a log collector that died."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.budget.marks import sampled

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box


@pytest.mark.parametrize(
    ("arguments", "code"),
    sampled(
        [
            (("redeploy", "fra1", "--check"), 8),
            (("redeploy", "fra1", "--check", "--json"), 8),
            (("logs", "last", "-f"), 0),
        ],
        1,
        8,
    ),
)
def test_a_reader_that_leaves_changes_no_exit_code(deployed: Box, arguments: tuple[str, ...], code: int) -> None:
    """What was done counts; there is no fault to report."""
    deployed.edit(deployed.erin, 'version="1.4.2" channel', 'version="1.5.0" channel')
    deployed.push()
    with deployed.shell.start(*arguments, DEPLOYER_SANDBOX=deployed.name) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()

    assert process.returncode == code, said
    assert "fault" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("lines", sampled([1, 0, 6], 1, 6))
def test_a_reader_of_the_progress_that_leaves_stops_no_rollout(box: Box, lines: int) -> None:
    """`redeploy 2>&1 | head -6`: every target is rolled out, and the record says so; the exit code is the run's."""
    arguments = [sys.executable, "-m", "deployer", "redeploy", "fra1"]
    environment = box.shell.environment | {"DEPLOYER_SANDBOX": box.name}
    process = subprocess.Popen(
        arguments, cwd=box.shell.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(lines)]
    process.stdout.close()
    code = process.wait()
    shown = box.deployer("show", "last", "--json")

    assert code == 0, said
    assert set(shown.outcomes.values()) == {"changed"}
    assert (shown.document["data"]["state"], shown.document["data"]["exit_code"]) == ("finished", 0)


def test_an_error_that_nobody_reads_keeps_its_exit_code(box: Box) -> None:
    """A script that closed the pipe still learns that nothing was done."""
    with box.shell.start("redeploy", "nowhere", "--json", DEPLOYER_SANDBOX=box.name) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()

    assert process.returncode == 2


@pytest.mark.parametrize("closed", sampled([">&- 2>&-", ">&-", "2>&-"], 1, 6))
def test_a_rollout_needs_no_stream_at_all(box: Box, closed: str) -> None:
    """As a service manager may start it: all is done, and the exit code is the run's."""
    environment = box.shell.environment | {"DEPLOYER_SANDBOX": box.name}
    line = f"exec {shlex.quote(sys.executable)} -m deployer redeploy fra1 {closed}"
    done = subprocess.run(["sh", "-c", line], cwd=box.shell.folder, env=environment, capture_output=True, check=False)
    shown = box.deployer("show", "last", "--json")

    assert done.returncode == 0, done.stderr
    assert b"fault" not in done.stderr
    assert set(shown.outcomes.values()) == {"changed"}
