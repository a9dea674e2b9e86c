"""Wakes when a file of a folder is removed or moved, by the kernel's inotify: looking every second would cost CPU."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_MOVED_FROM, _DELETE, _DELETE_SELF, _MOVE_SELF = 0x40, 0x200, 0x400, 0x800
_CLOEXEC_NONBLOCK = os.O_CLOEXEC | os.O_NONBLOCK
_READ = 65536


class Watch:
    """A file descriptor that can be read when something was taken out of one of the folders.

    Raises:
        OSError: the kernel has no inotify left for this user.
    """

    def __init__(self, folders: tuple[Path, ...]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._handle = _checked(libc.inotify_init1(_CLOEXEC_NONBLOCK))
        for folder in folders:
            mask = _MOVED_FROM | _DELETE | _DELETE_SELF | _MOVE_SELF
            _checked(libc.inotify_add_watch(self._handle, os.fsencode(folder), mask))

    def fileno(self) -> int:
        """For select."""
        return self._handle

    def drain(self) -> None:
        """Forget what happened so far."""
        try:
            os.read(self._handle, _READ)
        except BlockingIOError:
            return


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
