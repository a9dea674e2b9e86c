"""Nothing that a mutant started may live longer than it: a server that nobody stops, or a loop that never ends."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PAUSE = 0.01
"""Seconds for the killed to end; those that started something meanwhile are found in the next look."""


def adopt_orphans() -> None:
    """From now on a process whose parent ended becomes ours, not init's, sessions and daemons included."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants() -> None:
    """Kill all that descends from this process, until nothing is left."""
    while pids := _descendants(os.getpid()):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _descendants(root: int) -> list[int]:
    children = _children()
    found = list(children[root])
    for pid in found:
        found += children[pid]
    return found


def _children() -> defaultdict[int, list[int]]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name, in parentheses, may hold spaces and parentheses too.
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
            children[int(fields[1])].append(int(path.parent.name))
    return children
