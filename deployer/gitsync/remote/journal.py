"""What a sync records in `.git/deployer/` before it does what it could not see again after a crash.

lock           flock of the clone; its text names the holder
journal.json   written by rename:
    attempts   [{head, new, key, change, ids}]  commits that were pushed, the end of the push not yet known; `ids` of
               the changes in them, each with its commit
    done       {id: commit}  the last changes that landed: whoever asked may not have been told
    landed     {head, new}  what is reachable from `head` is on the remote as `new`, and is not replayed again
    adopt      the adoption that is under way: {branch, tracking, old, new, paths}
    undo       the undo that is under way: {branch, id, saved, target}, commits of snapshots
queue/         changes of syncs that wait for the lock (combine.py)
tokens/        files whose hard links are the locks we hold: by its inode a lock is proved to be ours
good           empty; its time is that of the last sync that ended well
stage/, index  new files and the new index, before they are moved into place
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from typing import Any, Callable, Iterator

from .failure import Stopped
from .git import remove, sync_to_disk

MOST_ATTEMPTS = 20
"""Unresolved attempts that are remembered: more than a sync makes."""
MOST_DONE = 200
"""Changes that are remembered by their id: more than are on their way at one time."""


class Journal:
    """The journal of one clone.

    Args:
        folder: `.git/deployer`.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.path = os.path.join(folder, "journal.json")
        self.data: dict[str, Any] = _load(self.path)

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """Pushes whose end is not known, oldest first."""
        return list(self.data.get("attempts", []))

    @property
    def landed(self) -> dict[str, str]:
        """`{head, new}`, or empty."""
        return dict(self.data.get("landed", {}))

    @property
    def adopting(self) -> dict[str, Any]:
        """The adoption that a crash left, or empty."""
        return dict(self.data.get("adopt", {}))

    @property
    def undoing(self) -> dict[str, Any]:
        """The undo that a crash left, or empty."""
        return dict(self.data.get("undo", {}))

    @property
    def done(self) -> dict[str, str]:
        """Ids of changes -> the commits that have them, oldest first."""
        return dict(self.data.get("done", {}))

    def attempt(self, head: str, new: str, key: str, change: str, ids: dict[str, str]) -> None:
        """Record a push before it is made."""
        entry = {"head": head, "new": new, "key": key, "change": change, "ids": ids}
        self.write(attempts=[*self.attempts, entry][-MOST_ATTEMPTS:])

    def settle(self, head: str, new: str, ids: dict[str, str]) -> None:
        """Record that what is reachable from `head` (empty: nothing of the clone) is on the remote, as `new`."""
        landed = {"head": head, "new": new} if head else self.landed
        done = list({**self.done, **ids}.items())[-MOST_DONE:]
        self.write(attempts=[], landed=landed, done=dict(done))

    @property
    def good(self) -> float | None:
        """When a sync ended well last, in seconds since 1970; None for never."""
        try:
            return os.stat(os.path.join(self.folder, "good")).st_mtime
        except FileNotFoundError:
            return None

    def ended_well(self) -> None:
        """Record that a sync ended well now; cheap, and not worth a failure."""
        with contextlib.suppress(OSError):
            path = os.path.join(self.folder, "good")
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
            os.utime(path)

    def write(self, **values: object) -> None:
        """Replace some entries; an empty value takes its entry out. Durable when it returns."""
        data = {**self.data, **values}
        data = {name: value for name, value in data.items() if value}
        if data == self.data:
            return
        fresh = self.path + ".new"
        with open(fresh, "wb") as handle:
            handle.write(json.dumps(data).encode())
            sync_to_disk(handle)
        os.rename(fresh, self.path)
        sync_folder(self.folder)
        self.data = data


def _load(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as handle:
            data = json.loads(handle.read())
    except (FileNotFoundError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def sync_folder(path: str) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def held(folder: str, who: str, deadline: float, wait: Callable[[], None]) -> Iterator[int]:
    """Hold the clone's lock, against other syncs of ours.

    Args:
        folder: `.git/deployer`.
        who: the holder, for others to read.
        deadline: of the monotonic clock.
        wait: called as often as the lock is found held.

    Yields:
        The lock's descriptor: children inherit it, so that a push that outlives us still keeps others out.

    Raises:
        Stopped: `locked`, with what the holder wrote, when it is not free until the deadline.
    """
    os.makedirs(folder, exist_ok=True)
    descriptor = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _take(descriptor, deadline, wait)
        note = json.dumps({"pid": os.getpid(), "who": who, "host": os.uname().nodename, "since": int(time.time())})
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, note.encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, deadline: float, wait: Callable[[], None]) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                holder = os.pread(descriptor, 4096, 0).decode("utf-8", "replace")
                raise Stopped("locked", argv=["flock", ".git/deployer/lock"], stderr=holder) from None
            wait()
        else:
            return


def token_path(folder: str, lock: str) -> str:
    """The token of a lock file: named so that the lock can be found from it.

    By its path from `.git`: with the whole path of a clone that is deep down, the name would be longer than 255 bytes.
    """
    name = os.path.relpath(lock, os.path.dirname(folder))
    return os.path.join(folder, "tokens", name.replace("%", "%25").replace("/", "%2F"))


def lock_file(folder: str, lock: str, content: bytes = b"") -> bool:
    """Take git's lock file `lock` by hard-linking a token; False when somebody else has it.

    Args:
        folder: `.git/deployer`.
        lock: absolute path of the lock file.
        content: what the file shall hold, for a ref that is written by renaming it.
    """
    token = token_path(folder, lock)
    os.makedirs(os.path.dirname(token), exist_ok=True)
    remove(token)
    with open(token, "wb") as handle:
        handle.write(content)
        sync_to_disk(handle)
    try:
        os.link(token, lock)
    except FileExistsError:
        remove(token)
        return False
    return True


def unlock_file(folder: str, lock: str) -> None:
    """Remove a lock file if it is ours, and its token."""
    token = token_path(folder, lock)
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(os.lstat(token), os.lstat(lock)):
            os.unlink(lock)
    remove(token)


def release_leftovers(folder: str) -> None:
    """After a crash: remove the locks that are proved to be ours, and what was staged. Hold the clone's lock."""
    tokens = os.path.join(folder, "tokens")
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(tokens):
            lock = name.replace("%2F", "/").replace("%25", "%")
            unlock_file(folder, os.path.normpath(os.path.join(os.path.dirname(folder), lock)))
    discard_stage(folder)


def discard_stage(folder: str) -> None:
    """Remove staged files and indexes of ours."""
    stage = os.path.join(folder, "stage")
    if os.path.lexists(stage):
        import shutil

        shutil.rmtree(stage, ignore_errors=True)
    for name in ("index", "index.lock", "merge-index", "merge-index.lock"):
        remove(os.path.join(folder, name))
