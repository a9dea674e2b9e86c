"""Writing files so that a crash leaves the old one or the new one, and locks on files."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployer.sandboxes.apart import Stop


def write_atomically(path: Path, text: str) -> None:
    """Put the text in place of the file, whole or not at all, also when the machine loses power."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def locked(path: Path, seconds: float, stop: Stop | None = None) -> Iterator[bool]:
    """Hold the lock of a file that is made when it is not there; nobody inherits it.

    Args:
        path: the file.
        seconds: how long to wait for another holder.
        stop: ends the wait.

    Yields:
        Whether it was got; False also when the file was removed while it was waited for.

    Raises:
        StoppedError: it was stopped while it waited.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _take(handle, time.monotonic() + seconds, stop or Stop()) and is_same_file(path, handle)
    finally:
        os.close(handle)


def is_same_file(path: Path, handle: int) -> bool:
    """Whether the open file is still the one at the path."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except OSError:
        return False


def _take(handle: int, until: float, stop: Stop) -> bool:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stop.check()
            if time.monotonic() >= until:
                return False
            time.sleep(0.02)
        else:
            return True
