"""Programs that a sandbox is made with: nothing of one is left when it ended, failed or was stopped."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from deployer.sandboxes.apart import Stop
from deployer.sandboxes.processes import identity_of, kill_session

_LOOK = 0.1
"""Seconds between two looks at whether to stop; the end of the program is seen at once."""
_KILLED = 10.0


def run(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    stdin: bytes = b"",
    folder: Path | None = None,
    seconds: float = 600.0,
    stop: Stop,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end.

    Args:
        argv: the program and its arguments.
        environment: all of it.
        stdin: what it reads.
        folder: where it runs; `/` unless it is given.
        seconds: deadline.
        stop: ends it.

    Raises:
        StoppedError: it was stopped.
        FileNotFoundError: there is no such program.
        subprocess.TimeoutExpired: it did not end in time.
    """
    stop.check()
    pipe = subprocess.PIPE
    with (
        _file_with(stdin) as given,
        # A session of its own: Ctrl-C goes to us alone, and what the program started is found when it has to end.
        subprocess.Popen(
            list(argv),
            stdin=given,
            stdout=pipe,
            stderr=pipe,
            cwd=folder or "/",
            env=environment,
            start_new_session=True,
        ) as process,
    ):
        leader = identity_of(process.pid)
        try:
            out, errors = _said(process, time.monotonic() + seconds, stop)
        except BaseException:
            # A writer that outlived this would put files into a folder that is being removed.
            if leader:
                kill_session(leader, _KILLED)
            raise
    return subprocess.CompletedProcess(argv, process.returncode, out, errors)


@contextmanager
def _file_with(text: bytes) -> Iterator[BinaryIO]:
    """What the program reads: a file, as `communicate` with a timeout forgets the rest of what it was given."""
    with tempfile.TemporaryFile() as file:
        file.write(text)
        file.seek(0)
        yield file


def _said(process: subprocess.Popen[bytes], until: float, stop: Stop) -> tuple[bytes, bytes]:
    while True:
        try:
            return process.communicate(timeout=_LOOK)
        except subprocess.TimeoutExpired:
            stop.check()
            if time.monotonic() > until:
                raise
