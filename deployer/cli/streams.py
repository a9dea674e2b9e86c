"""Standard streams that whoever started us has closed."""

from __future__ import annotations

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
