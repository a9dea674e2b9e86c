"""Processes that must not outlive the run: death with the parent, and a sweep of all descendants.

ansible-core 2.19 gives its workers sessions of their own, so ending a process group is not enough; and a controller
that is ended by `kill -9` cannot end anything any more.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_SET_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36
_PROC = Path("/proc")


def bind_to_parent(parent: int) -> None:
    """End (by SIGTERM) when the parent ends, and become the parent of every orphan among our descendants.

    Elsewhere than on Linux the caller has to look at `is_orphan` from time to time.

    Args:
        parent: process id of the parent as it knows itself: it may be gone before we say anything to the kernel.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        # The kernel means the thread that started us: the driver's thread waits for us, so it lives as long.
        libc.prctl(_SET_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
        libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if is_orphan(parent):
        os.kill(os.getpid(), signal.SIGTERM)


def is_orphan(parent: int) -> bool:
    """Whether the parent is gone."""
    return os.getppid() != parent


def descendants(pid: int) -> tuple[int, ...]:
    """Children, their children, and so on, deepest last; ended ones that nobody waited for are left out."""
    children: dict[int, list[int]] = {}
    for process, parent in _processes():
        children.setdefault(parent, []).append(process)
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return tuple(found)


def _processes() -> Iterator[tuple[int, int]]:
    """(process, its parent) of everything that is alive."""
    if not (_PROC / "self" / "stat").exists():
        yield from _processes_by_ps()
        return
    for entry in os.listdir(_PROC):  # noqa: PTH208  a Path for each of thousands of entries costs milliseconds
        if not entry.isdigit():
            continue
        try:
            # The name, in parentheses, can hold spaces and parentheses.
            state, parent = (_PROC / entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it ended meanwhile
        if state not in "ZX":
            yield int(entry), int(parent)


def _processes_by_ps() -> Iterator[tuple[int, int]]:
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=False)
    for line in listing.stdout.splitlines():
        process, parent, state = line.split(maxsplit=2)
        if not state.startswith("Z"):
            yield int(process), int(parent)


def marked(variable: str, value: str) -> tuple[int, ...]:
    """Processes of ours that have a variable in their environment: what a child that was killed left behind.

    Only on Linux; elsewhere none is found.
    """
    wanted = f"{variable}={value}".encode()
    found = []
    for process, _ in _processes() if _PROC.is_dir() else ():
        try:
            variables = (_PROC / str(process) / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile, or is not ours
        if wanted in variables:
            found.append(process)
    return tuple(found)


def signal_all(processes: tuple[int, ...], number: signal.Signals) -> None:
    """Send a signal to each process that is still there and is ours."""
    for process in processes:
        try:
            os.kill(process, number)
        except (ProcessLookupError, PermissionError):
            # PermissionError: sudo's child belongs to root; it ends with its terminal or connection.
            continue


def sweep(pid: int, *, grace: float = 1.0, limit: float = 8.0) -> bool:
    """End all descendants of a process: SIGTERM, and after the grace SIGKILL until none is left.

    Args:
        pid: the process; it stays.
        grace: seconds for an orderly end.
        limit: seconds after which the rest is left (it cannot be signalled, or hangs in the kernel).

    Returns:
        Whether none is left.
    """
    start = time.monotonic()
    number = signal.SIGTERM
    told: set[int] = set()
    while left := descendants(pid):
        passed = time.monotonic() - start
        if passed > limit:
            return False
        if passed > grace and number is signal.SIGTERM:
            number = signal.SIGKILL
            told.clear()
        signal_all(tuple(process for process in left if process not in told), number)
        told.update(left)
        reap()
        time.sleep(0.02)
    reap()
    return True


def reap() -> None:
    """Collect ended children, adopted ones among them. Only where nobody else waits for a child."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
