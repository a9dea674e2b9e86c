"""Whether there is room on the disk of a clone."""

from __future__ import annotations

import contextlib
import errno
import os

from .git import remove

PROBE = 1 << 16
"""Bytes that are written to see whether they can be."""
FULL = (errno.ENOSPC, errno.EDQUOT)


def is_there(path: str) -> bool:
    """Try it: free blocks do not tell of quotas, nor of what is kept for root. True where it cannot be tried.

    Args:
        path: of the clone.
    """
    folder = os.path.join(os.path.abspath(os.path.expanduser(path)), ".git", "deployer")
    probe = os.path.join(folder, f"room-{os.getpid()}")
    try:
        with open(probe, "wb") as handle:
            handle.write(b"\1" * PROBE)
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as error:
        return error.errno not in FULL
    finally:
        with contextlib.suppress(OSError):
            remove(probe)
    return True
