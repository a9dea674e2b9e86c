"""`.ci/tests`, with a program in pytest's place: its folder goes when pytest has ended, whatever ends the script."""

from __future__ import annotations

import io
import os
import pty
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "tests"
ECHOING = 'read -r line; echo "$line"; exit 5'
WAITING = """
trap 'echo "interrupted, $([ -d "$TMPDIR" ] && echo its folder is there)"; kill $!; exit 2' INT
sleep 600 >/dev/null & echo $$ "$TMPDIR"; wait
"""
DEFAULT = ("env", "--default-signal=INT,TERM,HUP")
"""A shell cannot catch what was ignored when it began, as SIGINT is for what another shell runs in the background."""
COUNTING = """
trap 'n=$((n + 1)); echo "signal $n"; [ $n = 1 ] || { kill $!; exit 2; }' INT
sleep 600 & echo ready; while :; do wait; done
"""


@dataclass(frozen=True)
class Started:
    """A script whose program waits for a signal."""

    script: subprocess.Popen[str]
    program: int
    folder: Path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Holds the script, and a place for what stands in for pytest."""
    (tmp_path / ".ci").mkdir()
    shutil.copy2(SCRIPT, tmp_path / ".ci")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    return tmp_path


def command(checkout: Path, program: str) -> list[str]:
    """The script, with this program as its pytest."""
    path = checkout / ".venv" / "bin" / "python"
    path.write_text(f"#!/bin/bash\n{program}", encoding="utf-8")
    path.chmod(0o755)
    return [str(checkout / ".ci" / "tests")]


@pytest.fixture
def started(checkout: Path) -> Iterator[Started]:
    """In a session of its own, as in CI: no terminal sends signals to the program."""
    argv = [*DEFAULT, *command(checkout, WAITING)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as script:
        assert script.stdout is not None
        pid, folder = script.stdout.readline().split()
        yield Started(script, int(pid), Path(folder))
        with suppress(ProcessLookupError):
            os.killpg(script.pid, signal.SIGKILL)


def test_exit_code_and_standard_input_are_those_of_pytest(checkout: Path) -> None:
    """`--pdb` reads what a person types."""
    argv = command(checkout, ECHOING)

    done = subprocess.run(argv, input="typed\n", stdout=subprocess.PIPE, text=True, check=False)

    assert (done.returncode, done.stdout) == (5, "typed\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_pytest_and_its_folder_goes_after_it(started: Started, number: signal.Signals) -> None:
    """The script waits for pytest's summary, and keeps its exit code."""
    started.script.send_signal(number)

    printed, _ = started.script.communicate()
    assert printed == "interrupted, its folder is there\n"
    assert started.script.returncode == 2
    assert not started.folder.exists()


def test_a_killed_run_is_cleaned_up_by_the_next_one(started: Started, checkout: Path) -> None:
    """As long as its pytest lives, the folder stays."""
    argv = command(checkout, "exit 0")
    started.script.kill()
    started.script.wait()

    subprocess.run(argv, check=True)
    assert started.folder.exists()

    os.kill(started.program, signal.SIGINT)
    subprocess.run(["flock", started.folder / ".deployer-tests-lock", "true"], check=True)
    subprocess.run(argv, check=True)
    assert not started.folder.exists()


def test_control_c_on_a_terminal_reaches_pytest_once(checkout: Path) -> None:
    """The terminal sends it to both: forwarded as well, it would count as the request that SIGTERM makes later."""
    argv = command(checkout, COUNTING)
    terminal, inside = pty.openpty()
    with os.fdopen(terminal, "r+b", buffering=0) as stream:
        script = subprocess.Popen(["setsid", "--ctty", *DEFAULT, *argv], stdin=inside, stdout=inside, stderr=inside)
        os.close(inside)
        read_until(stream, b"ready")
        stream.write(b"\x03")
        read_until(stream, b"signal 1")
        script.terminate()
        read_until(stream, b"signal 2")
        assert script.wait() == 2


def read_until(stream: io.FileIO, wanted: bytes) -> bytes:
    """What a terminal shows, up to these words."""
    shown = b""
    while wanted not in shown:
        shown += stream.read(1024)
    return shown
