"""Programs that a sandbox is made with."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.errors import StoppedError
from deployer.sandboxes import programs
from deployer.sandboxes.apart import Stop

_ENVIRONMENT = {"PATH": os.defpath}
_CHILDREN = "(trap '' TERM; echo $$ >told; sleep 1000) & wait"


def test_a_program_reads_writes_and_fails(tmp_path: Path) -> None:
    """More than a pipe holds goes in and out, and the exit code comes with it."""
    text = b"line\n" * 100_000
    done = programs.run(
        ["sh", "-c", "cat; echo bad >&2; exit 3"], environment=_ENVIRONMENT, stdin=text, folder=tmp_path, stop=Stop()
    )
    assert (done.stdout, done.stderr, done.returncode) == (text, b"bad\n", 3)


def test_a_slow_reader_gets_everything(tmp_path: Path) -> None:
    """Also what it reads after some looks at whether to stop."""
    done = programs.run(
        ["sh", "-c", "sleep 0.3; wc -c"], environment=_ENVIRONMENT, stdin=b"x" * 300_000, folder=tmp_path, stop=Stop()
    )
    assert done.stdout.strip() == b"300000"


def test_what_a_stopped_program_started_is_ended_too(
    tmp_path: Path, processes_of: Callable[[Path], list[int]], eventually: Callable[[Callable[[], bool]], None]
) -> None:
    """A grandchild that ignores SIGTERM as well."""
    stop = Stop()

    def ask() -> None:
        eventually((tmp_path / "told").exists)
        stop.ask()

    asking = threading.Thread(target=ask)
    asking.start()
    with pytest.raises(StoppedError):
        programs.run(["sh", "-c", _CHILDREN], environment=_ENVIRONMENT, folder=tmp_path, stop=stop)
    asking.join()
    assert processes_of(tmp_path) == []


def test_a_program_that_does_not_end_in_time(tmp_path: Path, processes_of: Callable[[Path], list[int]]) -> None:
    """It is ended at its deadline."""
    with pytest.raises(subprocess.TimeoutExpired):
        programs.run(["sleep", "1000"], environment=_ENVIRONMENT, folder=tmp_path, seconds=0.2, stop=Stop())
    assert processes_of(tmp_path) == []
