"""One process of checks, as the controller sees it: started, followed, ended when it says nothing for too long."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO

from deployer import resources
from deployer.checks.job import Job
from deployer.errors import DeployerError
from deployer.model.check import CheckOutcome, CheckResult
from deployer.ports import Stop

_LOOK = 0.1
"""Seconds between two looks at `stop`."""
_START = 30.0
"""Seconds more than a check has, for the start of Python, pytest and a connection."""
_LAST_LINES = 2000
_LAST_BYTES = 65536


class End(StrEnum):
    """How a process of checks ended."""

    DONE = "done"
    HUNG = "hung"
    """It said nothing for too long."""
    DIED = "died"
    """It ended without a word."""
    STOPPED = "stopped"


@dataclass(slots=True)
class Found:
    """What a process of checks said."""

    end: End = End.DIED
    checks: dict[str, list[CheckResult]] = field(default_factory=dict)
    """Target -> what was found so far."""
    current: tuple[str, str] | None = None
    """The target and the check that were under way at the end."""
    is_connected: bool = False
    unreachable: str = ""
    broken: tuple[tuple[str, str], ...] = ()
    """Test files that cannot be used, each with the reason."""
    code: int | None = None
    """pytest's exit code."""
    printed: str = ""
    """The last that it printed."""


def follow(job: Job, environment: Mapping[str, str], stop: Stop, seconds: float) -> Found:
    """Run a job to its end.

    Args:
        job: the checks of one machine.
        environment: the whole environment of the process.
        stop: ends it.
        seconds: the longest that one check may take.

    Raises:
        DeployerError: the process cannot be started.
    """
    found = Found()
    with tempfile.TemporaryFile() as output:
        with _started(job, environment, output) as reader:
            for row in _rows(reader, found, stop, seconds):
                _take(found, row)
        output.seek(max(0, output.seek(0, os.SEEK_END) - _LAST_BYTES))
        found.printed = output.read(_LAST_BYTES).decode(errors="replace").strip()[-_LAST_LINES:]
    return found


@contextmanager
def _started(job: Job, environment: Mapping[str, str], output: IO[bytes]) -> Iterator[int]:
    """The descriptor that it writes rows to; the process and all that it started ended with the context."""
    reader, writer = os.pipe()
    try:
        try:
            child = _popen(job, writer, environment, output)
        finally:
            os.close(writer)
        try:
            assert child.stdin is not None  # noqa: S101  it was asked for as a pipe
            with suppress(BrokenPipeError):
                child.stdin.write(job.line())
                child.stdin.flush()
            yield reader
        finally:
            # Not waited for yet, so its group is still its own: ssh, Ansible and what a check started end with it.
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            with suppress(BrokenPipeError):
                child.communicate()
    finally:
        os.close(reader)


def _popen(job: Job, writer: int, environment: Mapping[str, str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    # -P: a yaml.py in the folder that somebody happens to be in is not imported.
    command = [sys.executable, "-P", "-m", "deployer.checks.child", str(writer)]
    paths = {"PYTHONPATH": str(Path(resources.__file__).parent.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            # Not the folder that somebody happens to be in: pytest and Ansible read and run much that they find there.
            cwd=job.private,
            env={**environment, **paths},
            pass_fds=(writer,),
            # A Ctrl-C on the terminal is ours.
            start_new_session=True,
        )
    except OSError as error:
        raise DeployerError(f"{command[0]} cannot be started: {error.strerror}") from error


def _rows(reader: int, found: Found, stop: Stop, seconds: float) -> Iterator[Mapping[str, object]]:
    """Its rows, until it ends or is to be ended; `found.end` says why."""
    rest = b""
    until = time.monotonic() + seconds + _START
    while not stop.now:
        if not select.select([reader], [], [], _LOOK)[0]:
            if time.monotonic() > until:
                found.end = End.HUNG
                return
            continue
        data = os.read(reader, 65536)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield json.loads(line)
        until = time.monotonic() + seconds + (0.0 if found.current else _START)
        if found.end is End.DONE:
            return
    found.end = End.STOPPED


def _take(found: Found, row: Mapping[str, object]) -> None:
    kind = row["row"]
    if kind == "connected":
        found.is_connected = True
    elif kind == "start":
        found.current = (str(row["target"]), str(row["check"]))
    elif kind == "end":
        found.current = None
        found.checks.setdefault(str(row["target"]), []).append(_check(row))
    elif kind == "broken":
        found.broken = (*found.broken, (str(row["file"]), str(row["error"])))
    elif kind == "unreachable":
        found.unreachable = str(row["error"]) or "it does not answer"
        found.end = End.DONE
    elif kind == "done":
        found.code = int(str(row["code"]))
        found.end = End.DONE


def _check(row: Mapping[str, object]) -> CheckResult:
    return CheckResult(
        check=str(row["check"]),
        outcome=CheckOutcome(str(row["outcome"])),
        seconds=round(float(str(row["seconds"])), 3),
        error=str(row["error"]),
        text=str(row["text"]),
    )
