"""Talks with a child process: what it says is kept up to a limit, and waited for up to a deadline."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from typing import IO, Dict

CHUNK = 1 << 16
MOMENT = 0.1
"""Seconds that a child gets after its deadline: it may have ended long ago."""
PIPE = 1 << 12
"""Bytes that a pipe takes whole where it is ready for any."""


class Said:
    """What a child said.

    Args:
        most: bytes of its output that are kept; with more it has said too much.
        errors: bytes of its error output that are kept, the last ones.
    """

    def __init__(self, most: int, errors: int) -> None:
        self.out = bytearray()
        self.err = bytearray()
        self.is_too_much = False
        self.is_ended = False
        self._most = most
        self._errors = errors

    @property
    def is_whole(self) -> bool:
        """Whether it ended by itself, with all that it had to say."""
        return self.is_ended and not self.is_too_much

    def hear(self, data: bytes) -> None:
        """Some of its output."""
        self.is_too_much = self.is_too_much or len(self.out) + len(data) > self._most
        if not self.is_too_much:
            self.out += data

    def hear_error(self, data: bytes) -> None:
        """Some of its error output."""
        self.err += data
        if len(self.err) > self._errors:
            del self.err[: len(self.err) - self._errors]


def talk(process: subprocess.Popen[bytes], stdin: bytes, until: float, most: int, errors: int) -> Said:
    """Feed a child and listen to it, until it ends, says too much, or the time is over.

    Args:
        process: with pipes for all three streams; it is left as it is where it did not end.
        stdin: what it reads.
        until: of the monotonic clock; it gets a moment in any case.
        most: as in `Said`; 0: what it says is thrown away, and never too much.
        errors: as in `Said`.
    """
    said = Said(most, errors)
    poll = select.poll()
    streams: Dict[int, IO[bytes]] = {}
    for stream, event in (
        (process.stdin, select.POLLOUT), (process.stdout, select.POLLIN), (process.stderr, select.POLLIN)
    ):  # fmt: skip
        if stream is not None and not stream.closed:
            poll.register(stream, event)
            streams[stream.fileno()] = stream
    left = memoryview(stdin)
    end = max(until, time.monotonic() + MOMENT)
    while streams:
        ready = poll.poll(max(0.0, end - time.monotonic()) * 1000)
        if not ready or time.monotonic() > end or (said.is_too_much and most):
            return said
        for number, _event in ready:
            stream = streams[number]
            left, is_open = _feed(number, left) if stream is process.stdin else (left, _hear(process, stream, said))
            if not is_open:
                poll.unregister(number)
                del streams[number]
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
    return _await(process, until, said)


def _feed(number: int, left: memoryview) -> tuple[memoryview, bool]:
    try:
        left = left[os.write(number, left[:PIPE]) :] if left else left
    except BrokenPipeError:
        return left, False
    return left, bool(left)


def _hear(process: subprocess.Popen[bytes], stream: IO[bytes], said: Said) -> bool:
    data = os.read(stream.fileno(), CHUNK)
    (said.hear if stream is process.stdout else said.hear_error)(data)
    return bool(data)


def _await(process: subprocess.Popen[bytes], until: float, said: Said) -> Said:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(MOMENT, until - time.monotonic()))
        said.is_ended = True
    return said
