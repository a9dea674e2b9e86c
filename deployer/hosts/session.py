"""A started command, wherever it runs, and how to talk with it: the part that local and SSH hosts share."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from deployer.errors import HelperFailedError, UnreachableError, UsageError
from deployer.hosts import wire
from deployer.model.json import JsonObject
from deployer.model.program import Program
from deployer.ports import Completed

CHUNK = 65536
MOST_ANSWER = 256 << 20
"""Bytes that a command may print, where no setting says otherwise."""
MOST_ERRORS = 1 << 20
"""Bytes of a command's error output that are kept: the last ones."""
HEARTBEAT = 10.0
"""Seconds between two signs of life to a holding program."""
SILENCE = 60.0
"""Seconds without one after which it lets go of what it holds."""
MOST_HELD = 1 << 20
"""Bytes of a line that a holding program may answer: names of locks and their holders."""
HOLD_DEADLINE = 60.0
"""Seconds that a holding program has for its answer."""
RELEASE = 10.0
"""Seconds that a holding program has to end after we hung up."""


class Session(Protocol):
    """A command that was started: three streams, and an end."""

    def write(self, data: bytes) -> None:
        """Send all of it to stdin; OSError when nobody reads any more."""

    def end_of_input(self) -> None:
        """Close stdin."""

    def read(self) -> bytes:
        """Some bytes of stdout; empty at its end."""

    def read_error(self) -> bytes:
        """Some bytes of stderr; empty at its end."""

    def wait(self, seconds: float) -> int | None:
        """The exit code; None when it did not end in time."""

    def kill(self) -> None:
        """End the command and what it started, as far as that can be done from here."""

    def close(self) -> None:
        """Let go of the streams."""


class Stopwatch:
    """Seconds left until a deadline."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Never negative."""
        return max(0.0, self._end - time.monotonic())


class _Thread(threading.Thread):
    """A helper thread that ends with its stream."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.start()

    def run(self) -> None:
        # A stream that breaks shows as a missing answer or exit code, which is judged where those are.
        with contextlib.suppress(OSError, ValueError, EOFError):
            self._work()


def _drain(read: Callable[[], bytes], into: bytearray, most: int) -> None:
    """Keep what is read, up to one byte more than there may be."""
    while len(into) <= most and (chunk := read()):
        into += chunk[: most + 1 - len(into)]


def _drain_last(read: Callable[[], bytes], into: bytearray) -> None:
    """Keep the end of what is read."""
    while chunk := read():
        into += chunk
        del into[: max(0, len(into) - MOST_ERRORS)]


def _feed(session: Session, data: bytes) -> None:
    try:
        session.write(data)
    finally:
        session.end_of_input()


def complete(session: Session, stdin: bytes, deadline: float, most: int = MOST_ANSWER) -> Completed | None:
    """Talk with a command until it ends; None (and the command ended) when it took longer than the deadline.

    Raises:
        HelperFailedError: it printed more bytes than it may; it is ended.
    """
    stdout, stderr = bytearray(), bytearray()
    watch = Stopwatch(deadline)
    exit_code = None
    try:
        readers = [
            _Thread(lambda: _drain(session.read, stdout, most)),
            _Thread(lambda: _drain_last(session.read_error, stderr)),
        ]
        _Thread(lambda: _feed(session, stdin))
        for reader in readers:
            reader.join(watch.left)
            if len(stdout) > most:
                raise too_much(most)
        if not any(reader.is_alive() for reader in readers):
            exit_code = session.wait(watch.left)
    finally:
        # After a normal end there is nothing left to kill; after a deadline or Ctrl-C there is.
        if exit_code is None:
            session.kill()
        session.close()
    return None if exit_code is None else Completed(exit_code, bytes(stdout), bytes(stderr))


def too_much(most: int) -> HelperFailedError:
    """The error for a command that printed more than it may."""
    hint = f"the setting ssh.most_answer allows {most >> 20} MiB"
    return HelperFailedError(f"a command on the host printed more than {most} bytes; it was ended", hint=hint)


def checked(argv: Sequence[str]) -> list[str]:
    """The command as a list.

    Raises:
        UsageError: it is empty, or holds a NUL byte, which no operating system takes.
    """
    if not argv or any("\0" in word for word in argv):
        raise UsageError("a command must have a name, and no NUL byte in it")
    return list(argv)


class Holding:
    """A program that answered and now holds something."""

    def __init__(self, session: Session, *, heartbeats: bool) -> None:
        self._session = session
        self._stderr: deque[bytes] = deque(maxlen=64)
        self._stop = threading.Event()
        _Thread(self._drain_errors)
        self._heartbeats = heartbeats

    def _drain_errors(self) -> None:
        while chunk := self._session.read_error():
            self._stderr.append(chunk)

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT):
            self._session.write(b"\n")

    def start(self, name: str, python: str, data: bytes) -> JsonObject:
        """Send the bundle and wait for the answer."""
        found: list[bytes] = []
        _Thread(lambda: self._session.write(data))
        reader = _Thread(lambda: self._find_answer(found))
        reader.join(HOLD_DEADLINE)
        if reader.is_alive():
            raise UnreachableError(f"{name} did not answer within {HOLD_DEADLINE:.0f} s")
        answer = wire.answer(b"".join(found))
        if answer is None:
            exit_code = self._session.wait(RELEASE)
            raise wire.failure(name, python, -1 if exit_code is None else exit_code, b"".join(self._stderr))
        if self._heartbeats:
            _Thread(self._beat)
        return answer

    def _find_answer(self, found: list[bytes]) -> None:
        buffer = b""
        while len(buffer) <= MOST_HELD and (chunk := self._session.read()):
            *lines, buffer = (buffer + chunk).splitlines(keepends=True)
            if buffer.endswith(b"\n"):
                lines, buffer = [*lines, buffer], b""
            found += [line for line in lines if wire.is_answer(line)]
            if found:
                return

    def release(self) -> None:
        """Hang up, and wait until it is gone: what it held is free then."""
        self._stop.set()
        # The link may be dead: then the program has let go, or will after SILENCE.
        with contextlib.suppress(OSError, EOFError):
            self._session.end_of_input()
        if self._session.wait(RELEASE) is None:
            self._session.kill()
        self._session.close()


@contextlib.contextmanager
def held(session: Session, data: bytes, *, name: str, python: str, heartbeats: bool) -> Iterator[JsonObject]:
    """The answer of a program that lives as long as the context."""
    holding = Holding(session, heartbeats=heartbeats)
    try:
        yield holding.start(name, python, data)
    finally:
        holding.release()


def answered(name: str, python: str, completed: Completed) -> JsonObject:
    """The answer of a program that ended.

    Raises:
        UnreachableError: there is no usable python3.
        HelperFailedError: it ended without an answer.
    """
    found = wire.answer(completed.stdout)
    if found is None:
        raise wire.failure(name, python, completed.exit_code, completed.stderr)
    return found


def held_bundle(program: Program, request: JsonObject, *, home: str, silence: float, memory: int) -> bytes:
    """The bundle of a program that holds."""
    return wire.bundle(program, request, home=home, deadline=HOLD_DEADLINE, hold=True, silence=silence, memory=memory)
