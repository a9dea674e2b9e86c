"""Unpack a release's archive: nothing in it can reach outside its folder.

The checks are ours, since the oldest Python that hosts may have knows no extraction filter.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from .errors import ReleaseError
from .store import room_for

_MOST_MEMBERS = 200_000
_MOST_BYTES = 16 << 30


def unpack(path: Path, folder: Path) -> int:
    """Unpack an archive into a new folder.

    Args:
        path: a tar file, compressed in any way Python knows.
        folder: it must not exist; it is half done when this raises.

    Returns:
        The number of files.

    Raises:
        ReleaseError: the archive is damaged, or has a member that a release must not have.
    """
    try:
        with tarfile.open(path, "r:*") as archive:
            members = _checked(archive)
            folder.mkdir(0o755)
            room_for(folder, sum(member.size for member in members.values()))
            for place, member in members.items():
                _extract(archive, member, folder / place)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ReleaseError(f"the archive cannot be unpacked: {error}") from error
    return sum(not member.isdir() for member in members.values())


def _checked(archive: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    """Place in the release -> member; folders first and links last, so that no file is written through a link."""
    members: dict[str, tarfile.TarInfo] = {}
    size = 0
    for number, member in enumerate(archive):
        place = _place(member)
        known = members.get(place)
        if known is not None and not (known.isdir() and member.isdir()):
            raise ReleaseError(f"the archive is refused: it has {member.name!r} twice")
        members[place] = member
        size += member.size
        if number >= _MOST_MEMBERS or size > _MOST_BYTES:
            raise ReleaseError("the archive is refused: it has more files or bytes than a release can have")
    members.pop("", None)
    _check_links(members)
    return dict(sorted(members.items(), key=lambda item: (_rank(item[1]), item[0])))


def _rank(member: tarfile.TarInfo) -> int:
    if member.isdir():
        return 0
    return 2 if member.issym() else 1


def _place(member: tarfile.TarInfo) -> str:
    """The member's path in the release, in its shortest form."""
    parts = member.name.split("/")
    if member.name.startswith("/") or ".." in parts or "\0" in member.name:
        raise ReleaseError(f"the archive is refused: {member.name!r} is outside of it")
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
        raise ReleaseError(f"the archive is refused: {member.name!r} is neither file, folder nor link")
    return "/".join(part for part in parts if part not in ("", "."))


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
    target = members.get("/".join(part for part in name.split("/") if part not in ("", ".")))
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


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    if member.isdir():
        path.mkdir(0o755, parents=True, exist_ok=True)
        return
    path.parent.mkdir(0o755, parents=True, exist_ok=True)
    if member.issym():
        path.symlink_to(member.linkname)
        return
    source = archive.extractfile(member)
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
