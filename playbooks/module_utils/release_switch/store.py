"""The release store: archives of released versions beside their checksums.

<store>/<application>/<version>/<application>-<version>.tar.gz
<store>/<application>/<version>/SHA256SUMS
"""

from __future__ import annotations

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from .errors import ReleaseError
from .limits import Limits

_TIMEOUT = 30.0
_CHUNK = 1 << 20
_LARGEST_LIST = 1 << 20
_NOT_FOUND = (404, 410)


class _MissingError(Exception):
    """The store has no such file."""


class ReleaseStore:
    """A release store at a `file://`, `https://` or `http://` address."""

    def __init__(self, address: str) -> None:
        if not address:
            raise ReleaseError("the site has no release_store: set it in its group_vars")
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in ("file", "http", "https"):
            raise ReleaseError(f"release_store cannot be {address!r}: it begins with file:// or https://")
        self._address = address.rstrip("/")
        self._root = Path(urllib.parse.unquote(parts.path)) if parts.scheme == "file" else None
        # A password in the address must not get into messages, which are kept and sent around.
        self.shown = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")

    def checksum(self, application: str, version: str) -> str:
        """The sha256 that the store's list gives for a release's archive.

        Raises:
            ReleaseError: the version is not in the store, or the store does not answer.
        """
        try:
            with self._open(f"{application}/{version}/SHA256SUMS") as file:
                listed = file.read(_LARGEST_LIST).decode("utf-8", "replace")
        except _MissingError as error:
            raise self._not_here(application, version) from error
        name = _archive(application, version)
        for line in listed.splitlines():
            checksum, _, file_name = line.partition(" ")
            # The second character is `*` for files that were read as binary.
            if file_name[1:] == name and file_name[0] in " *":
                return checksum.lower()
        raise ReleaseError(f"SHA256SUMS of version {version} of {application} in {self.shown} does not list {name}")

    def fetch(self, application: str, version: str, path: Path, limits: Limits) -> None:
        """Copy a release's archive to a file, if it is what the list says.

        Raises:
            ReleaseError: the archive is not in the store, is not what SHA256SUMS says, is larger than it may be, or
                takes too long.
        """
        listed = self.checksum(application, version)
        try:
            with self._open(f"{application}/{version}/{_archive(application, version)}") as source:
                room_for(path.parent, _length(source))
                found = _copy(source, path, limits)
        except _MissingError as error:
            raise self._not_here(application, version) from error
        except http.client.HTTPException as error:
            raise ReleaseError(f"the release store {self.shown} broke off: {error!r}") from error
        if found != listed:
            raise ReleaseError(f"checksum of {_archive(application, version)} is {found}, SHA256SUMS says {listed}")

    def _not_here(self, application: str, version: str) -> ReleaseError:
        return ReleaseError(f"version {version} of {application} is not in the release store {self.shown}")

    def _open(self, place: str) -> BinaryIO:
        if self._root is not None:
            return _open_file(self._root / place)
        return self._open_address(f"{self._address}/{urllib.parse.quote(place)}")

    def _open_address(self, address: str) -> BinaryIO:
        try:
            # The scheme was checked when the store was made.
            return cast("BinaryIO", urllib.request.urlopen(address, timeout=_TIMEOUT))  # noqa: S310
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in _NOT_FOUND:
                raise _MissingError from error
            raise ReleaseError(f"the release store {self.shown} answers {error.code} {error.reason}") from error
        except OSError as error:
            raise ReleaseError(f"the release store {self.shown} does not answer: {error}") from error


def _archive(application: str, version: str) -> str:
    return f"{application}-{version}.tar.gz"


def _open_file(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _MissingError from error


def _length(source: BinaryIO) -> int:
    """Bytes that are to come, where that is told before."""
    if isinstance(source, http.client.HTTPResponse):
        return source.length or 0
    return os.fstat(source.fileno()).st_size


def _copy(source: BinaryIO, path: Path, limits: Limits) -> str:
    """Copy a stream to a new file; its sha256."""
    checksum = hashlib.sha256()
    end = time.monotonic() + limits.seconds
    left = limits.most_size
    with path.open("xb") as target:
        # Not `read`: it waits until all of a chunk is there, which a slow store can make last for ever.
        while chunk := cast("BufferedReader", source).read1(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise ReleaseError(f"the archive is refused: it has more than {limits.allowed}")
            if time.monotonic() > end:
                raise ReleaseError(
                    f"the archive did not come within {limits.seconds:.0f} s (release_seconds in the inventory)"
                )
            checksum.update(chunk)
            target.write(chunk)
    return checksum.hexdigest()


def room_for(path: Path, size: int, files: int = 0) -> None:
    """Raise ReleaseError when the file system of a folder has less than `size` bytes or `files` inodes left."""
    room = os.statvfs(path)
    free = room.f_bavail * room.f_frsize
    if free < size:
        raise ReleaseError(f"{path} has {free >> 20} MiB left, and the release needs {size >> 20} MiB")
    if room.f_files and room.f_favail < files:
        raise ReleaseError(f"{path} has room for {room.f_favail} files, and the release needs {files}")
