"""Take all the locks or none, say so, and hold them until closed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import files

TRIES = 6
"""A lock whose holder has not written its name yet is looked at this often: it may only be passing through."""
PAUSE = 0.05
"""Seconds between two looks."""


def main(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Answer `{"fences": {name: number}}`, or `{"locked": {"name", "holder"}}` and hold nothing."""
    folder = Path("~/deployer/.locks").expanduser() / files.safe_name(request["repository"])
    # One after the other: folders above the last one get their mode from the umask.
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Always in the same order, so that two takers of the same locks do not refuse each other.
    wanted = sorted(request["locks"], key=lambda lock: lock["name"])
    taken, refused = take(folder, wanted, request)
    try:
        if refused:
            yield {"locked": refused}
        else:
            yield {"fences": {lock.name: lock.next_fence() for lock in taken if lock.exclusive}}
    finally:
        release(taken)


def take(
    folder: Path, wanted: list[dict[str, Any]], request: dict[str, Any]
) -> tuple[list[files.LockFile], dict[str, Any]]:
    """The locks; or none, and which one was not to be had."""
    refused: dict[str, Any] = {}
    for attempt in range(TRIES):
        taken, refused = take_once(folder, wanted, request)
        if not refused or refused["holder"]:
            return taken, refused
        if attempt + 1 < TRIES:
            time.sleep(PAUSE)
    return [], refused


def take_once(
    folder: Path, wanted: list[dict[str, Any]], request: dict[str, Any]
) -> tuple[list[files.LockFile], dict[str, Any]]:
    """One try."""
    taken: list[files.LockFile] = []
    for entry in wanted:
        lock = files.LockFile(folder, entry["name"], exclusive=entry["exclusive"])
        if not lock.take():
            release(taken)
            return [], {"name": lock.name, "holder": lock.holder()}
        taken.append(lock)
    for lock in taken:
        lock.sign(who=request["who"], run=request["run"])
    return taken, {}


def release(taken: list[files.LockFile]) -> None:
    """Let all of them go, the last one first."""
    for lock in reversed(taken):
        lock.release()
