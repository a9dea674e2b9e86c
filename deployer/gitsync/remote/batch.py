"""One `git cat-file --batch-command` for a whole step: starting git costs more than what it is asked."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from typing import IO, NamedTuple, cast

CHUNK = 1 << 16
END = 5.0
"""Seconds to end after its input ended; it has nothing to tidy up."""


class Object(NamedTuple):
    """An object of the clone."""

    oid: str
    kind: str
    """`commit`, `tree`, `blob` or `tag`."""
    size: int
    data: bytes
    """Empty where only the rest was asked for."""


class BatchEndedError(Exception):
    """Git ended, or did not answer in time.

    Args:
        code: its exit code.
        stderr: what it said.
        timed_out: whether it was us who ended it.
    """

    def __init__(self, code: int, stderr: str, *, timed_out: bool) -> None:
        super().__init__(stderr)
        self.code = code
        self.stderr = stderr
        self.timed_out = timed_out


class Batch:
    """A running `git cat-file --batch-command`.

    Args:
        argv: the command.
        environment: of the process.
        deadline: of the monotonic clock.
    """

    def __init__(self, argv: list[str], environment: dict[str, str], deadline: float) -> None:
        self._deadline = deadline
        # In memory: there may be no room on any disk. No pipe, which would hold git up when it is full.
        self._said = open(os.memfd_create("git"), "w+b")  # noqa: SIM115  it lives as long as the process
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env=environment,
                bufsize=0,
                start_new_session=True,
            )
        except OSError:
            self._said.close()
            raise
        self._stdin = cast("IO[bytes]", self._process.stdin)
        self._stdout = cast("IO[bytes]", self._process.stdout)
        self._buffer = b""

    def contents(self, name: str) -> Object | None:
        """An object with its content, by a name that git understands and that holds no line end."""
        return self._ask("contents", name)

    def info(self, name: str) -> Object | None:
        """An object without its content."""
        return self._ask("info", name)

    def _ask(self, what: str, name: str) -> Object | None:
        try:
            self._stdin.write(f"{what} {name}\n".encode("utf-8", "surrogateescape"))
        except BrokenPipeError:
            raise self._ended() from None
        head = self._line().split(b" ")
        if len(head) != len(Object._fields) - 1 or not head[2].isdigit():
            return None  # "missing" or "ambiguous"
        size = int(head[2])
        data = self._exactly(size + 1)[:-1] if what == "contents" else b""
        return Object(head[0].decode(), head[1].decode(), size, data)

    def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _exactly(self, size: int) -> bytes:
        parts = [self._buffer]
        length = len(self._buffer)
        while length < size:
            self._buffer = b""
            self._more()
            parts.append(self._buffer)
            length += len(self._buffer)
        data = b"".join(parts)
        self._buffer = data[size:]
        return data[:size]

    def _more(self) -> None:
        poll = select.poll()
        poll.register(self._stdout, select.POLLIN)
        if not poll.poll(max(0.1, self._deadline - time.monotonic()) * 1000):
            raise self._ended(timed_out=True)
        chunk = os.read(self._stdout.fileno(), CHUNK)
        if not chunk:
            raise self._ended()
        self._buffer += chunk

    def _ended(self, *, timed_out: bool = False) -> BatchEndedError:
        if timed_out:
            self._process.terminate()
        code = self._wait()
        self._said.seek(0)
        return BatchEndedError(code, self._said.read(8000).decode("utf-8", "replace"), timed_out=timed_out)

    def _wait(self) -> int:
        try:
            return self._process.wait(END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def close(self) -> None:
        """End it."""
        self._stdin.close()
        _await(self._process.pid)
        self._wait()
        self._stdout.close()
        self._said.close()


def _await(pid: int) -> None:
    """Wait for the end of a process as the kernel tells it: with a time limit, Popen naps between looks."""
    with contextlib.suppress(OSError, AttributeError):  # a kernel older than 5.3, another system
        process = os.pidfd_open(pid)
        try:
            poll = select.poll()
            poll.register(process, select.POLLIN)
            poll.poll(END * 1000)
        finally:
            os.close(process)
