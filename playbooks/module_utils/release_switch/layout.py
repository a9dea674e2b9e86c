"""Where an instance's files are on its host, and how they are changed: whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from .errors import ReleaseError

_TEMPORARY = ".tmp-"
_LOCK_POLL = 0.1


class Layout:
    """The folder of one instance.

        <home>/<name>/releases/<version>/   unpacked releases
        <home>/<name>/current               -> releases/<version>
        <home>/<name>/configuration.json    rendered from the manifest
        <home>/<name>/receipt.json          the last switch
        <home>/<name>/switch.json           a switch under way; left over, it tells of a crash
        <home>/<name>/log/service.log       where no journal keeps the service's output
        <home>/<name>/.lock                 held while the module works

    Args:
        home: the folder that holds all instances.
        name: of the instance, checked.
    """

    def __init__(self, home: str, name: str) -> None:
        self.name = name
        self.folder = os.path.join(home, name)
        self.releases = os.path.join(self.folder, "releases")
        self.current = os.path.join(self.folder, "current")
        self.configuration = os.path.join(self.folder, "configuration.json")
        self.receipt = os.path.join(self.folder, "receipt.json")
        self.journal = os.path.join(self.folder, "switch.json")
        self.log = os.path.join(self.folder, "log", "service.log")
        self.lock = os.path.join(self.folder, ".lock")

    def release(self, version: str) -> str:
        """The folder of an unpacked release."""
        return os.path.join(self.releases, version)

    def installed(self) -> str:
        """The version that `current` points to; empty for none."""
        try:
            return os.path.basename(os.readlink(self.current))
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise ReleaseError(f"{self.current} is not a link: somebody put something else there") from error

    def versions(self) -> list[str]:
        """The unpacked releases, the one that was switched to last first."""
        try:
            names = [name for name in os.listdir(self.releases) if not name.startswith(".")]
        except FileNotFoundError:
            return []
        return sorted(names, key=lambda name: os.stat(self.release(name)).st_mtime_ns, reverse=True)

    def point(self, version: str) -> None:
        """Let `current` point to a release, or to nothing for an empty version."""
        if not version:
            remove(self.current)
            return
        # A link cannot be replaced in place: between unlink and symlink the service would have no release.
        temporary = os.path.join(self.folder, f"{_TEMPORARY}current")
        remove(temporary)
        os.symlink(os.path.join("releases", version), temporary)
        os.replace(temporary, self.current)
        sync_folder(self.folder)

    def clean(self) -> list[str]:
        """Remove what a crashed run left half done; must be called under the lock."""
        left = [
            os.path.join(folder, name)
            for folder in (self.folder, self.releases)
            if os.path.isdir(folder)
            for name in os.listdir(folder)
            if name.startswith(_TEMPORARY)
        ]
        for path in left:
            remove(path)
        return left

    def temporary(self, name: str) -> str:
        """A path for something half done: `clean` removes it after a crash."""
        return os.path.join(self.releases, f"{_TEMPORARY}{name}")


def remove(path: str) -> None:
    """Remove a file, link or tree; nothing there is fine."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
        return
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def sync_folder(path: str) -> None:
    """Let a rename in a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path: str, text: str, *, mode: int = 0o644, owner: str = "") -> None:
    """Replace a file whole or not at all.

    Args:
        path: the file.
        text: its new content.
        mode: its permissions.
        owner: the login whose group may read it; empty to leave the group as it falls.
    """
    folder = os.path.dirname(path)
    descriptor, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=folder)
    with os.fdopen(descriptor, "wb") as file:
        if owner:
            os.fchown(file.fileno(), -1, group_of(owner))
        os.fchmod(file.fileno(), mode)
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(folder)


def group_of(login: str) -> int:
    """The primary group of a login."""
    try:
        return pwd.getpwnam(login).pw_gid
    except KeyError as error:
        raise ReleaseError(f"there is no user {login} on this host") from error


def read(path: str) -> str | None:
    """The text of a file; None when there is none.

    What is not UTF-8 is read with replacements: it cannot be of ours, so it differs from anything wanted.
    """
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None


def read_json(path: str) -> Mapping[str, Any] | None:
    """A JSON object of ours; None when there is none or it cannot be read.

    We replace these files whole, so one that cannot be read was written by somebody else, and says nothing.
    """
    try:
        value = json.loads(read(path) or "null")
    except ValueError:
        return None
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else None


@contextmanager
def locked(layout: Layout, *, who: str, seconds: float) -> Iterator[None]:
    """Hold the lock of the instance: it is free with the end of this process, however it ends.

    Raises:
        ReleaseError: another run holds it for longer than `seconds`.
    """
    os.makedirs(layout.folder, exist_ok=True)
    with open(layout.lock, "a+", encoding="utf-8") as file:
        _take(file.fileno(), layout, time.monotonic() + seconds)
        file.truncate(0)
        file.write(f"{who}, process {os.getpid()}\n")
        file.flush()
        yield


def _take(descriptor: int, layout: Layout, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                holder = (read(layout.lock) or "").strip() or "another run"
                raise ReleaseError(f"{layout.name} is locked on this host by {holder}") from error
            time.sleep(_LOCK_POLL)
        else:
            return
