"""Folders and files of the state, readable by their owner alone or by the group that shares them."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder for state: for its owner alone, or for the group where the folder above is shared with one.

    Folders that exist stay as they are.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    shared = is_shared(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    if shared:
        folder.chmod(0o2770)


def make_private_file(path: Path) -> None:
    """Make an empty file that only its owner reads, or the group in a shared folder; one that exists stays as it is."""
    make_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    try:
        os.fchmod(descriptor, 0o660 if is_shared(path.parent) else 0o600)
    finally:
        os.close(descriptor)


def is_shared(folder: Path) -> bool:
    """Whether a group works in the folder together: files in it belong to that group (setgid), and it may write."""
    both = stat.S_ISGID | stat.S_IWGRP
    return folder.stat().st_mode & both == both


def is_private(file: Path) -> bool:
    """Whether only this user and root can have written a database file, or put another in its place."""
    file = file.absolute()
    real = file.resolve()
    beside = [real.with_name(real.name + end) for end in ("", "-wal", "-shm", "-journal")]
    folders = {*file.parents, *real.parents}
    return all(_is_ours(path, sticky=False) for path in beside if path.exists()) and all(
        _is_ours(folder, sticky=True) for folder in folders
    )


def _is_ours(path: Path, *, sticky: bool) -> bool:
    """Whether nobody else can write there. In a folder such as /tmp others cannot replace what is ours."""
    known = path.stat()
    if known.st_uid not in {os.geteuid(), 0}:
        return False
    if sticky and known.st_mode & stat.S_ISVTX:
        return True
    return not known.st_mode & stat.S_IWOTH and (not known.st_mode & stat.S_IWGRP or _is_own_group(known.st_gid))


def _is_own_group(group: int) -> bool:
    """Whether it is this user's own: of the user's name, with nobody else in it, as many a distribution makes them."""
    try:
        name, known = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(group)
    except KeyError:
        return False
    return known.gr_name == name and set(known.gr_mem) <= {name}
