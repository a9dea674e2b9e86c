"""A limit of the kernel that many hosts meet: inotify instances of one user, of which each host has six.

It is raised for as long as there are sandboxes on the machine, and is what it was when the last one has gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from deployer.errors import DeployerError
from deployer.sandboxes.files import write_atomically
from deployer.sandboxes.nspawn import cgroups

_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
_RECORD = Path("/run/deployer-sandboxes.json")
_EACH = 10
"""Of a host, with some to spare for what is deployed there."""


def make_room(hosts: int) -> None:
    """Raise the limit so that so many hosts more have room. The caller keeps other sandboxes away.

    Raises:
        DeployerError: it cannot be raised here.
    """
    now, before = _read(), _before()
    wanted = before + _EACH * (hosts + sum(1 for _ in _running()))
    if wanted <= now:
        return
    try:
        write_atomically(_RECORD, json.dumps({"before": before, "now": wanted}) + "\n")
        _LIMIT.write_text(f"{wanted}\n", encoding="ascii")
    except OSError as error:
        hint = f"on the machine: sysctl fs.inotify.max_user_instances={wanted}"
        raise DeployerError(f"{hosts} hosts need more inotify instances: {error}", hint=hint) from error


def restore() -> None:
    """Put the limit back when no sandbox is left. The caller keeps other sandboxes away."""
    if any(cgroups.all_sandboxes()) or not _RECORD.exists():
        return
    # Somebody else may have changed it meanwhile: theirs stays.
    if _read() == json.loads(_RECORD.read_text(encoding="ascii"))["now"]:
        _LIMIT.write_text(f"{_before()}\n", encoding="ascii")
    _RECORD.unlink()


def _read() -> int:
    return int(_LIMIT.read_text(encoding="ascii"))


def _before() -> int:
    """What it was before the first sandbox."""
    try:
        return int(json.loads(_RECORD.read_text(encoding="ascii"))["before"])
    except (OSError, ValueError):
        return _read()


def _running() -> Iterator[Path]:
    for top in cgroups.all_sandboxes():
        yield from (entry for entry in top.iterdir() if entry.is_dir())
