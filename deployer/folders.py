"""Folders and files of the state, readable by their owner alone or by the group that shares them."""

from __future__ import annotations

import os
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
