"""The release store: archives of released versions beside their checksums.

<store>/<application>/<version>/<application>-<version>.tar.gz
<store>/<application>/<version>/SHA256SUMS
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import ipaddress
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPMessage
from io import BufferedReader
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple, cast

from .errors import ReleaseError
from .limits import Limits

_TIMEOUT = 30.0
_CHUNK = 1 << 20
_LARGEST_LIST = 1 << 20
_NOT_FOUND = (404, 410)


class _MissingError(Exception):
    """The store has no such file."""


class Login(NamedTuple):
    """What a store asks for: a user and a password, or a token where the user is empty."""

    user: str = ""
    secret: str = ""
    secret_file: str = ""
    """A file on this host with the secret, instead of the secret."""

    def header(self) -> str:
        """The value of `Authorization`; empty where there is no secret.

        Raises:
            ReleaseError: the file cannot be read, or the secret has more than one line.
        """
        secret = self._read() if self.secret_file else self.secret
        if not secret:
            return ""
        if len(secret.splitlines()) > 1:
            raise ReleaseError("the secret of the release store has more than one line")
        if not self.user:
            return f"Bearer {secret}"
        return "Basic " + base64.b64encode(f"{self.user}:{secret}".encode()).decode()

    def _read(self) -> str:
        path = Path(self.secret_file).expanduser()
        try:
            secret = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise ReleaseError(f"release_store_secret_file {path} cannot be read: {why}") from None
        if not secret:
            raise ReleaseError(f"release_store_secret_file {path} is empty")
        return secret


class _SameOrigin(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to another origin without the login, and never from https to http."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """The next request, or None where there is none."""
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is None:
            return None
        if req.type == "https" and new.type != "https":
            raise ReleaseError("the release store redirects from https to http, which is refused")
        if (req.type, req.host) == (new.type, new.host) and "Authorization" in req.unredirected_hdrs:
            new.add_unredirected_header("Authorization", req.unredirected_hdrs["Authorization"])
        return new


class ReleaseStore:
    """A release store at a `file://`, `https://` or `http://` address.

    Args:
        address: where it is. User information in it is used as a login, and stands in no message.
        login: what it asks for.

    Raises:
        ReleaseError: the address or the login cannot be used; the message holds neither.
    """

    def __init__(self, address: str, login: Login | None = None) -> None:
        if not address:
            raise ReleaseError("the site has no release_store: set it in its group_vars")
        parts = _parts(address)
        place, inner = _without_user(parts)
        # A password in the address must not get into messages, which are kept and sent around.
        self.shown = self._address = place
        self._root = Path(urllib.parse.unquote(parts.path)) if parts.scheme == "file" else None
        is_given = login is not None and (login.secret or login.secret_file)
        self._header = (login if login is not None and is_given else inner).header()
        if self._header and parts.scheme == "http" and not _is_here(parts.hostname or ""):
            raise ReleaseError(f"the secret of the release store {place} needs https: http would show it to everybody")
        self._opener = urllib.request.build_opener(_SameOrigin())

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
        request = urllib.request.Request(address)  # noqa: S310  the scheme was checked when the store was made
        if self._header:
            request.add_unredirected_header("Authorization", self._header)
        try:
            return cast("BinaryIO", self._opener.open(request, timeout=_TIMEOUT))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in _NOT_FOUND:
                raise _MissingError from error
            raise ReleaseError(f"the release store {self.shown} answers {error.code} {error.reason}") from error
        except OSError as error:
            raise ReleaseError(f"the release store {self.shown} does not answer: {error}") from error
        except (http.client.HTTPException, ValueError) as error:
            # Not its words: they can hold the address of a redirect.
            raise ReleaseError(f"the release store {self.shown} does not answer: {type(error).__name__}") from None


def _parts(address: str) -> urllib.parse.SplitResult:
    """The address, read once; no error here repeats it, since nobody can tell where a secret ends in it."""
    scheme, sign, _ = address.partition("://")
    if not sign or scheme not in ("file", "http", "https"):
        shown = "this address" if "@" in address or "?" in address else repr(address)
        raise ReleaseError(f"release_store cannot be {shown}: it begins with file:// or https://")
    try:
        parts = urllib.parse.urlsplit(address)
        is_usable = parts.port != 0 and not parts.query and not parts.fragment
    except ValueError:
        is_usable = False
    if not is_usable or (scheme != "file" and not parts.hostname) or not address.isprintable():
        raise ReleaseError(
            "the address in release_store cannot be read: its port is no number, it has a query, or its password has"
            " characters that belong to an address; give the login as release_store_user and"
            " release_store_secret_file (doc/releases.md)"
        )
    return parts


def _without_user(parts: urllib.parse.SplitResult) -> tuple[str, Login]:
    """The address without user information, and that as a login."""
    user, _, host = parts.netloc.rpartition("@")
    name, sign, password = user.partition(":")
    login = Login(urllib.parse.unquote(name), urllib.parse.unquote(password)) if sign else Login()
    if user and not sign:
        login = Login(secret=urllib.parse.unquote(user))
    return urllib.parse.urlunsplit(parts._replace(netloc=host)).rstrip("/"), login


def without_login(address: str) -> str:
    """The address for a message or a log; empty where nobody can tell a secret from the rest."""
    try:
        return _without_user(_parts(address))[0] if address else ""
    except ReleaseError:
        return ""


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
