"""Processes that are known for certain: by pid, start time and boot, never by name.

A pid alone can be another process by now, and a pid with its start time another one after a reboot.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_FIRST = 3
"""The number, in proc(5), of the first field of /proc/PID/stat after the name, which may itself contain anything."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One process, for certain."""

    pid: int
    started: int
    """Clock ticks since the boot, field 22 of /proc/PID/stat."""
    boot: str
    """The kernel's random id of this boot."""


@dataclass(frozen=True, slots=True)
class _Stat:
    state: str
    session: int
    started: int


def boot_id() -> str:
    """The kernel's random id of this boot."""
    return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def identity_of(pid: int) -> Identity | None:
    """The process that has this pid now; None when it ended."""
    stat = _stat(pid)
    return None if stat is None else Identity(pid, stat.started, boot_id())


def is_alive(identity: Identity) -> bool:
    """Whether this very process still runs; one that ended and was not yet collected by its parent does not."""
    stat = _stat(identity.pid)
    return stat is not None and stat.started == identity.started and identity.boot == boot_id()


def session_of(leader: Identity) -> tuple[Identity, ...]:
    """The processes of the session that this process led, also when it has ended itself.

    The kernel gives a pid to no other process while a session is named by it, so a live process of that pid with
    another start time means that the session is over.
    """
    if leader.boot != boot_id():
        return ()
    there = _stat(leader.pid)
    if there is not None and there.started != leader.started:
        return ()
    return tuple(_members(leader))


def kill_session(leader: Identity, seconds: float) -> tuple[Identity, ...]:
    """End each process of the session that this process led, those too that they start meanwhile.

    Returns:
        Those that still run after that many seconds.
    """
    until = time.monotonic() + seconds
    while members := session_of(leader):
        for member in members:
            send(member, signal.SIGKILL)
        if wait_until_gone(members, until - time.monotonic()):
            return session_of(leader)
    return ()


def send(identity: Identity, number: int) -> None:
    """Send a signal to this very process, if it still runs."""
    if is_alive(identity):
        try:
            os.kill(identity.pid, number)
        except ProcessLookupError:
            return


def wait_until_gone(identities: Iterable[Identity], seconds: float) -> tuple[Identity, ...]:
    """Wait for processes that are not our children.

    Returns:
        Those that still run after that many seconds.
    """
    until = time.monotonic() + seconds
    left = tuple(identity for identity in identities if is_alive(identity))
    while left and time.monotonic() < until:
        time.sleep(0.01)
        left = tuple(identity for identity in left if is_alive(identity))
    return left


def _members(leader: Identity) -> Iterator[Identity]:
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            stat = _stat(int(entry.name))
            if stat is not None and stat.session == leader.pid and stat.started >= leader.started:
                yield Identity(int(entry.name), stat.started, leader.boot)


def _stat(pid: int) -> _Stat | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    state = fields[3 - _FIRST]
    if state in "ZX":
        return None
    return _Stat(state, int(fields[6 - _FIRST]), int(fields[22 - _FIRST]))
