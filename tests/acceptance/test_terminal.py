"""A person at a terminal: a real pseudo-terminal, keys and all."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance import waiting
from tests.budget.marks import deep, sampled

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box

SITE = "fra1"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CTRL_C = b"\x03"


class Terminal:
    """`deployer` on a pseudo-terminal of its own, as its controlling terminal."""

    def __init__(self, box: Box, *arguments: str, **variables: str) -> None:
        environment = box.shell.environment | {"DEPLOYER_SANDBOX": box.name, "TERM": "xterm", **variables}
        self._ours, theirs = pty.openpty()
        self.seen = ""
        self.process = subprocess.Popen(
            # A window that is closed means something, also where the tests themselves were started by nohup.
            ["env", "--default-signal=HUP", "setsid", "--ctty", "--wait", sys.executable, "-m", "deployer", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=box.shell.folder,
            env=environment,
            text=True,
        )
        os.close(theirs)

    def wait_for(self, text: str) -> None:
        """Read until the text was seen."""
        while text not in self.seen:
            self._read()

    def _read(self) -> None:
        try:
            data = os.read(self._ours, 65536)
        except OSError as error:  # Linux says EIO where others say end of file
            raise AssertionError(f"it ended: {self.seen}") from error
        self.seen += ESCAPES.sub("", data.decode(errors="replace"))

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._ours, keys)

    def close(self) -> int:
        """Close the window; the exit code."""
        os.close(self._ours)
        return self.process.wait()

    def read_until(self, file: Path) -> None:
        """Read until a file is there."""
        while not file.exists():
            if select.select([self._ours], [], [], 0.1)[0]:
                self._read()

    def end(self) -> int:
        """Read to the end; the exit code."""
        while True:
            try:
                self._read()
            except AssertionError:
                break
        os.close(self._ours)
        return self.process.wait()


@pytest.fixture
def production(box: Box) -> list[str]:
    """The options for the sandbox's inventory as that of a production environment."""
    folder = box.shell.folder / "production"
    shutil.copytree(next((box.folder / "inventory").iterdir()), folder)
    (folder / "group_vars" / "all.yml").write_text("deployer_production: true\n")
    return ["-i", str(folder)]


def test_production_asks_with_the_number_of_targets_and_no_means_no(box: Box, production: list[str]) -> None:
    """The header comes before the question; refused is exit 7, and nothing was rolled out."""
    terminal = Terminal(box, "redeploy", SITE, *production)
    terminal.wait_for("[y/N]")
    head = terminal.seen
    terminal.type(b"n\n")
    code = terminal.end()

    assert "instance-redeploy on 3 targets in production?" in head
    assert "3 targets  1.4.2 (3)" in head
    assert code == 7, terminal.seen
    assert not list(box.folder.glob("hosts/*/srv/*/current"))


@pytest.mark.parametrize("end", sampled([signal.SIGINT, signal.SIGTERM], 1, 2))
def test_a_signal_at_the_question_ends_it_and_nothing_is_pushed(
    box: Box, production: list[str], end: signal.Signals
) -> None:
    """Ctrl-C at [y/N] is no yes: it ends there, exit 130, SIGTERM with 143; retry asks again."""
    tip = box.git(box.remote, "rev-parse", "main")
    terminal = Terminal(box, "configure", SITE, "viatris", "--set", "version=1.5.0", *production)
    terminal.wait_for("[y/N]")
    if end is signal.SIGINT:
        terminal.type(CTRL_C)
    else:
        terminal.process.send_signal(end)
    code = terminal.end()

    assert code == 128 + end, terminal.seen
    assert "not confirmed" in terminal.seen
    assert "1 not-started" in terminal.seen
    assert box.git(box.remote, "rev-parse", "main") == tip


def test_yes_rolls_out_with_a_line_per_target_and_the_table_at_the_end(box: Box, production: list[str]) -> None:
    """Every target's line is final, and the table follows."""
    terminal = Terminal(box, "redeploy", SITE, *production)
    terminal.wait_for("[y/N]")
    terminal.type(b"y\n")
    code = terminal.end()

    assert code == 0, terminal.seen
    assert "viatris.fra1" in terminal.seen
    assert "waiting" in terminal.seen
    assert "3 changed" in terminal.seen


def test_without_a_terminal_production_refuses_and_yes_confirms(box: Box, production: list[str]) -> None:
    """Cron gives --yes; a check needs none."""
    refused = box.deployer("redeploy", SITE, *production)
    checked = box.deployer("redeploy", SITE, "--check", *production)
    confirmed = box.deployer("redeploy", SITE, "--yes", *production)

    assert (refused.code, checked.code, confirmed.code) == (7, 8, 0), refused.err + checked.err + confirmed.err
    assert "--yes" in refused.err


def test_ctrl_c_once_lets_ansible_finish(box: Box) -> None:
    """The key goes to every process of the terminal: Ansible's must not be among them."""
    terminal = Terminal(box, "wait", SITE, "viatris", **waiting.make(box.shell.folder))
    waiting.until_begun(box.shell.folder, terminal.process)
    terminal.type(CTRL_C)
    terminal.wait_for("may finish")
    waiting.go_on(box.shell.folder)
    code = terminal.end()

    assert code == 130, terminal.seen
    assert "1 changed" in terminal.seen


@deep(6)
def test_ctrl_c_twice_stops_and_says_how_to_go_on(box: Box) -> None:
    """The target is interrupted, and the command to retry is there to paste."""
    terminal = Terminal(box, "wait", SITE, "viatris", **waiting.make(box.shell.folder))
    waiting.until_begun(box.shell.folder, terminal.process)
    terminal.type(CTRL_C)
    terminal.wait_for("may finish")
    terminal.type(CTRL_C)
    code = terminal.end()

    assert code == 130, terminal.seen
    assert "1 interrupted" in terminal.seen
    assert "retry: deployer retry" in terminal.seen


def test_a_run_whose_terminal_is_closed_stops_as_by_sigterm(deployed: Box) -> None:
    """Its target is interrupted, and the record has the exit code of the process."""
    variables = waiting.make(deployed.shell.folder)
    terminal = Terminal(deployed, "wait", SITE, "viatris", **variables)
    terminal.read_until(deployed.shell.folder / "began-viatris")
    code = terminal.close()
    shown = deployed.deployer("show", "last", "--json")

    assert code == 129, terminal.seen
    assert shown.outcomes == {f"viatris.{SITE}": "interrupted"}
    assert shown.document["data"]["exit_code"] == 129
