"""Where an instance's files are on its host, and how they are changed: whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
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
        self.folder = Path(home) / name
        self.releases = self.folder / "releases"
        self.current = self.folder / "current"
        self.configuration = self.folder / "configuration.json"
        self.receipt = self.folder / "receipt.json"
        self.journal = self.folder / "switch.json"
        self.log = self.folder / "log" / "service.log"
        self.lock = self.folder / ".lock"

    def release(self, version: str) -> Path:
        """The folder of an unpacked release."""
        return self.releases / version

    def installed(self) -> str:
        """The version that `current` points to; empty for none."""
        try:
            return self.current.readlink().name
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise ReleaseError(f"{self.current} is not a link: somebody put something else there") from error

    def versions(self) -> list[str]:
        """The unpacked releases, the one that was switched to last first."""
        try:
            names = [path.name for path in self.releases.iterdir() if not path.name.startswith(".")]
        except FileNotFoundError:
            return []
        return sorted(names, key=lambda name: self.release(name).stat().st_mtime_ns, reverse=True)

    def point(self, version: str) -> None:
        """Let `current` point to a release, or to nothing for an empty version."""
        if not version:
            remove(self.current)
            return
        # A link cannot be replaced in place: between unlink and symlink the service would have no release.
        temporary = self.folder / f"{_TEMPORARY}current"
        remove(temporary)
        temporary.symlink_to(f"releases/{version}")
        temporary.replace(self.current)
        sync_folder(self.folder)

    def clean(self) -> list[Path]:
        """Remove what a crashed run left half done; must be called under the lock."""
        left = [
            path
            for folder in (self.folder, self.releases)
            if folder.is_dir()
            for path in folder.iterdir()
            if path.name.startswith(_TEMPORARY)
        ]
        for path in left:
            remove(path)
        return left

    def temporary(self, name: str) -> Path:
        """A path for something half done: `clean` removes it after a crash."""
        return self.releases / f"{_TEMPORARY}{name}"


def remove(path: Path) -> None:
    """Remove a file, link or tree; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
        return
    with contextlib.suppress(FileNotFoundError):
        path.unlink()


def sync_folder(path: Path) -> None:
    """Let a rename in a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path: Path, text: str, *, mode: int = 0o644, owner: str = "") -> None:
    """Replace a file whole or not at all.

    Args:
        path: the file.
        text: its new content.
        mode: its permissions.
        owner: the login whose group may read it; empty to leave the group as it falls.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        if owner:
            os.fchown(file.fileno(), -1, group_of(owner))
        os.fchmod(file.fileno(), mode)
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)
    sync_folder(path.parent)


def is_open_to(path: Path, mode: int, owner: str) -> bool:
    """Whether a file has these permissions, and the group of that login (any for an empty one)."""
    found = path.stat()
    return stat.S_IMODE(found.st_mode) == mode and (not owner or found.st_gid == group_of(owner))


def group_of(login: str) -> int:
    """The primary group of a login."""
    try:
        return pwd.getpwnam(login).pw_gid
    except KeyError as error:
        raise ReleaseError(f"there is no user {login} on this host") from error


def read(path: Path) -> str | None:
    """The text of a file; None when there is none.

    What is not UTF-8 is read with replacements: it cannot be of ours, so it differs from anything wanted.
    """
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None


def read_json(path: Path) -> Mapping[str, Any] | None:
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
    layout.folder.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("a+", encoding="utf-8") as file:
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
