"""kill -9, Ctrl-C, two at once: nothing is lost, and the next run works."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance import waiting as waiting_operation
from tests.budget.marks import deep

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box

SITE = "fra1"


@pytest.fixture
def waiting(deployed: Box) -> dict[str, str]:
    """An operation that waits until the test lets it go on; the environment that has it."""
    return waiting_operation.make(deployed.shell.folder)


def _processes_of(folder: Path) -> list[str]:
    """Ansible processes that work for this test, by their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if entry.name.isdigit() and str(folder) in line and ("ansible" in line or "playbook.child" in line):
            found.append(line)
    return found


def test_a_killed_run_is_interrupted_leaves_no_orphan_and_the_next_run_works(
    deployed: Box, waiting: dict[str, str]
) -> None:
    """After kill -9 no playbook goes on deploying, the record says interrupted, and nothing is locked."""
    folder = deployed.shell.folder
    process = deployed.shell.start("wait", SITE, "viatris", DEPLOYER_SANDBOX="box", **waiting)
    waiting_operation.until_begun(folder, process)

    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    while _processes_of(folder):
        os.sched_yield()
    shown = deployed.deployer("show", "last", "--json").document["data"]
    done = deployed.deployer("redeploy", SITE, "--json")

    assert shown["state"] == "interrupted"
    assert done.code == 0, done.out + done.err
    assert list(done.outcomes.values()) == ["ok"] * 3


def test_two_at_once_on_one_instance_do_not_mix(deployed: Box, waiting: dict[str, str]) -> None:
    """The second is told who holds the instance, with exit 6; another instance goes on.

    Cron says nothing where it is the same once more; where its own work was not done it does.
    """
    process = deployed.shell.start("wait", SITE, "viatris", DEPLOYER_SANDBOX="box", **waiting)
    waiting_operation.until_begun(deployed.shell.folder, process)

    second = deployed.deployer("redeploy", SITE, "viatris")
    cron = deployed.deployer("redeploy", SITE, "viatris", "--cron")
    again = deployed.deployer("wait", SITE, "viatris", "--cron", **waiting)
    other = deployed.deployer("redeploy", SITE, "-l", "!viatris", "--json")
    waiting_operation.go_on(deployed.shell.folder)
    process.communicate()

    assert second.code == 6
    assert "viatris" in second.err
    assert (cron.code, "is locked by" in cron.err) == (6, True)
    assert (again.code, again.out + again.err) == (0, "")
    assert other.code == 0, other.out + other.err
    assert process.returncode == 0


@deep(5)
def test_the_first_ctrl_c_lets_what_runs_finish(deployed: Box, waiting: dict[str, str]) -> None:
    """The batch ends, the record is whole, exit 130."""
    process = deployed.shell.start("wait", SITE, "viatris", DEPLOYER_SANDBOX="box", **waiting)
    waiting_operation.until_begun(deployed.shell.folder, process)

    os.kill(process.pid, signal.SIGINT)
    waiting_operation.go_on(deployed.shell.folder)
    out, err = process.communicate()
    shown = deployed.deployer("show", "last", "--json").document["data"]

    assert process.returncode == 130, out + err
    assert "may finish" in err
    assert [result["outcome"] for result in shown["results"]] == ["changed"]


@deep(6)
def test_the_second_ctrl_c_stops_what_runs(deployed: Box, waiting: dict[str, str]) -> None:
    """The target is interrupted, no process is left, and retry owes it."""
    process = deployed.shell.start("wait", SITE, "viatris", DEPLOYER_SANDBOX="box", **waiting)
    waiting_operation.until_begun(deployed.shell.folder, process)

    os.kill(process.pid, signal.SIGTERM)
    out, err = process.communicate()
    shown = deployed.deployer("show", "last", "--json").document["data"]

    assert process.returncode == 143, out + err
    assert [result["outcome"] for result in shown["results"]] == ["interrupted"]
    assert _processes_of(deployed.shell.folder) == []
    assert "retry: deployer retry" in out


def test_logs_follow_a_run_of_another_process(deployed: Box, waiting: dict[str, str]) -> None:
    """`logs -f` shows what happens while it happens, and ends with the run."""
    process = deployed.shell.start("wait", SITE, "viatris", DEPLOYER_SANDBOX="box", **waiting)
    waiting_operation.until_begun(deployed.shell.folder, process)
    follower = deployed.shell.start("logs", "last", "-f")

    assert follower.stdout is not None
    first = follower.stdout.readline()
    assert process.poll() is None
    waiting_operation.go_on(deployed.shell.folder)
    process.communicate()
    rest, _ = follower.communicate()

    assert SITE in first
    assert "viatris.fra1" in rest
    assert follower.returncode == 0
