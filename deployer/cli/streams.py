"""Standard streams that whoever started us has closed, before or while we run."""

from __future__ import annotations

import contextlib
import io
import os
import sys

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_closed() -> None:
    """Put nowhere in the place of each closed standard stream: it is as a reader that left, and never a fault.

    Python has None in place of such a stream. Worse, the next file that is opened gets its number, and a child writes
    its messages into that file.
    """
    # In the order of their numbers: what is opened gets the lowest that is free.
    for name, mode in _STREAMS:
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(nowhere, True)  # noqa: FBT003  positional only
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8"))


def write_anything() -> None:
    """Have stdout write what its encoding does not know as an escape, as Python has it for stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file that became a pipe behind Python's back has no position to go on from.
        with contextlib.suppress(OSError):
            sys.stdout.reconfigure(errors="backslashreplace")


def settle() -> None:
    """Write what waits in the standard streams; what a closed terminal or a reader that left does not take is dropped.

    Python flushes them at its end, and would replace the exit code by 120 when that fails.
    """
    for name in ("stdout", "stderr"):
        # A live display may have put its own in the place of those that Python opened (none where they were closed).
        stream = getattr(sys, f"__{name}__") or getattr(sys, name)
        setattr(sys, name, stream)
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
