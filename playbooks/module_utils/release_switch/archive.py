"""Unpack a release's archive: nothing in it can reach outside its folder.

The checks are ours, since the oldest Python that hosts may have knows no extraction filter.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from .errors import ReleaseError
from .limits import Limits
from .store import room_for

_LONGEST_HEADER = 1 << 20
_MOST_HEADERS = 256 << 20
_PACKED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open))


class _Stream:
    """The unpacked bytes of an archive: tarfile itself reads a header as long as the archive says, into memory.

    What a member holds is passed by with `seek` while the members are listed, so that only headers are read then.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.left = _MOST_HEADERS

    def read(self, size: int = -1) -> bytes:
        """Some bytes, as of a file."""
        if not 0 <= size <= _LONGEST_HEADER or self.left <= 0:
            raise ReleaseError(
                f"the archive is refused: a header has more than {_LONGEST_HEADER} bytes, or all of them together have "
                f"more than {_MOST_HEADERS}"
            )
        self.left -= size
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of a file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of a file."""
        return self._file.tell()


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[tuple[tarfile.TarFile, dict[str, tarfile.TarInfo]]]:
    with path.open("rb") as file:
        begin = file.read(6)
    opener = next((opener for magic, opener in _PACKED if begin.startswith(magic)), open)
    with cast("IO[bytes]", opener(path, "rb")) as unpacked:
        stream = _Stream(unpacked)
        # tarfile asks for no more of a file than this one has.
        with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:") as archive:
            members = _checked(archive, limits)
            stream.left = limits.most_size + _MOST_HEADERS
            yield archive, members


def unpack(path: Path, folder: Path, limits: Limits) -> int:
    """Unpack an archive into a new folder.

    Args:
        path: a tar file, compressed in any way Python knows.
        folder: it must not exist; it is half done when this raises.
        limits: how much a release may be.

    Returns:
        The number of files.

    Raises:
        ReleaseError: the archive is damaged, or has a member that a release must not have.
    """
    try:
        with _opened(path, limits) as (archive, members):
            room_for(path.parent, sum(_size(members, member) for member in members.values()), len(members))
            folder.mkdir(0o755)
            for place, member in members.items():
                _extract(archive, member, folder, place)
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError, MemoryError) as error:
        raise ReleaseError(f"the archive cannot be unpacked: {error}") from error
    return sum(not member.isdir() for member in members.values())


def _checked(archive: tarfile.TarFile, limits: Limits) -> dict[str, tarfile.TarInfo]:
    """Place in the release -> member; folders first and links last, so that no file is written through a link.

    Files come in the order of the archive: for each that lies before the last one it would be unpacked from its start.
    """
    members: dict[str, tarfile.TarInfo] = {}
    size = 0
    for number, member in enumerate(archive):
        place = _place(member)
        known = members.get(place)
        if known is not None and not (known.isdir() and member.isdir()):
            raise ReleaseError(f"the archive is refused: it has {member.name!r} twice")
        members[place] = member
        size += member.size
        limits.check(number + 1, size)
    members.pop("", None)
    _check_links(members)
    # A hard link becomes a copy, though the archive has its content once.
    limits.check(len(members), sum(_size(members, member) for member in members.values()))
    return dict(sorted(members.items(), key=lambda item: (_rank(item[1]), item[1].offset)))


def _rank(member: tarfile.TarInfo) -> int:
    if member.isdir():
        return 0
    return 3 if member.issym() else 2 if member.islnk() else 1


def _size(members: Mapping[str, tarfile.TarInfo], member: tarfile.TarInfo) -> int:
    """Bytes that the member has when it is unpacked."""
    return members[_shortest(member.linkname)].size if member.islnk() else member.size


def _shortest(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _place(member: tarfile.TarInfo) -> str:
    """The member's path in the release, in its shortest form."""
    parts = member.name.split("/")
    if member.name.startswith("/") or ".." in parts or "\0" in member.name:
        raise ReleaseError(f"the archive is refused: {member.name!r} is outside of it")
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk()) or member.size < 0:
        raise ReleaseError(f"the archive is refused: {member.name!r} is neither file, folder nor link")
    return _shortest(member.name)


def _check_links(members: Mapping[str, tarfile.TarInfo]) -> None:
    links = {place for place, member in members.items() if member.issym()}
    for place, member in members.items():
        if _crosses(place.split("/")[:-1], links):
            raise ReleaseError(f"the archive is refused: {member.name!r} lies behind a link")
        if member.issym() and _escapes(place.split("/")[:-1], member.linkname, links):
            raise ReleaseError(f"the archive is refused: the link {member.name!r} leads to {member.linkname!r}")
        if member.islnk() and not _is_file(members, member.linkname):
            raise ReleaseError(f"the archive is refused: the link {member.name!r} leads to {member.linkname!r}")


def _is_file(members: Mapping[str, tarfile.TarInfo], name: str) -> bool:
    target = members.get(_shortest(name))
    return target is not None and target.isreg()


def _crosses(folders: Sequence[str], links: set[str]) -> bool:
    return any("/".join(folders[: depth + 1]) in links for depth in range(len(folders)))


def _escapes(folders: Sequence[str], target: str, links: set[str]) -> bool:
    """Whether a link in `folders` leads outside, or through another link, behind which `..` means something else."""
    if target.startswith("/"):
        return True
    here = list(folders)
    parts = [part for part in target.split("/") if part not in ("", ".")]
    for number, part in enumerate(parts, start=1):
        if part == "..":
            if not here:
                return True
            here.pop()
            continue
        here.append(part)
        if "/".join(here) in links and number < len(parts):
            return True
    return False


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, place: str) -> None:
    path = folder / place
    if member.isdir():
        path.mkdir(0o755, parents=True, exist_ok=True)
        return
    path.parent.mkdir(0o755, parents=True, exist_ok=True)
    if member.issym():
        path.symlink_to(member.linkname)
        return
    source = (folder / _shortest(member.linkname)).open("rb") if member.islnk() else archive.extractfile(member)
    if source is None:
        raise ReleaseError(f"the archive is refused: {member.name!r} has no content")
    with source:
        _write(source, path, executable=bool(member.mode & 0o100))


def _write(source: IO[bytes], path: Path, *, executable: bool) -> None:
    # Owner, set-id bits and write permissions for others are not taken from an archive.
    mode = 0o755 if executable else 0o644
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as target:
        os.fchmod(descriptor, mode)
        shutil.copyfileobj(source, target)
