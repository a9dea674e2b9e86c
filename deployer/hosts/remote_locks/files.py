"""One lock: a file that is flocked, the names of its holders beside it, and its fencing number.

instance%2Fviatris.lock            flocked by the holder; never removed, or two could hold two files of one name
instance%2Fviatris.fence           the last fencing number
instance%2Fviatris.holder.4711-0   who holds it; flocked as long as its writer lives, so a dead one is known as such
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

LONGEST = 150
"""Characters of a name in a file name; a longer one is cut and told apart by its hash."""


def safe_name(name: str) -> str:
    """A file name for any name, different for different names; without dots, so never hidden and never a path."""
    quoted = quote(name, safe="", errors="surrogatepass").replace(".", "%2E")
    if len(quoted) <= LONGEST:
        return quoted
    return quoted[:LONGEST] + "%" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def write_whole(path: Path, text: str) -> int:
    """Write a file so that it is there whole or not at all, and flocked; its open descriptor."""
    descriptor, name = tempfile.mkstemp(prefix=".draft-", dir=path.parent)
    draft = Path(name)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, text.encode("utf-8", "surrogatepass"))
        os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        os.close(descriptor)
        draft.unlink()
        raise
    return descriptor


def sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class LockFile:
    """A lock of a repository."""

    def __init__(self, folder: Path, name: str, *, exclusive: bool) -> None:
        self.name = name
        self.exclusive = exclusive
        self._folder = folder
        self._stem = safe_name(name)
        self._descriptor: int | None = None
        self._signature: int | None = None
        self._signed = folder

    def take(self) -> bool:
        """Whether the lock was to be had now."""
        descriptor = os.open(self._folder / f"{self._stem}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if self.exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def sign(self, *, who: str, run: str) -> None:
        """Leave a name for those who find the lock held, and sweep away what dead holders left."""
        for path in self._signatures():
            if living_signature(path) is None:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = json.dumps({"who": who, "run": run, "since": since, "pid": os.getpid()})
        self._signed = self._folder / f"{self._stem}.holder.{os.getpid()}-{time.time_ns()}"
        self._signature = write_whole(self._signed, text)

    def _signatures(self) -> list[Path]:
        return [path for path in sorted(self._folder.iterdir()) if path.name.startswith(f"{self._stem}.holder.")]

    def holder(self) -> dict[str, Any] | None:
        """Who holds it: the longest-lived of several; None when none has signed yet."""
        living = [found for found in map(living_signature, self._signatures()) if found]
        return min(living, key=lambda found: str(found["since"])) if living else None

    def next_fence(self) -> int:
        """A number higher than any before, on disk before it is told.

        It starts from the clock, so that it grows even when somebody removed the whole folder of locks.
        """
        path = self._folder / f"{self._stem}.fence"
        last = 0
        with contextlib.suppress(FileNotFoundError):
            last = int(path.read_text(encoding="ascii"))
        number = max(last + 1, int(time.time()))
        os.close(write_whole(path, f"{number}\n"))
        sync_folder(self._folder)
        return number

    def release(self) -> None:
        """Take the name away first, then free the lock."""
        if self._signature is not None:
            with contextlib.suppress(FileNotFoundError):
                self._signed.unlink()
            os.close(self._signature)
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = self._signature = None


def living_signature(path: Path) -> dict[str, Any] | None:
    """What a holder wrote; None when it is dead: then nobody has its file flocked."""
    with contextlib.suppress(FileNotFoundError), path.open(encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            signature: dict[str, Any] = json.load(stream)
            return signature
    return None
