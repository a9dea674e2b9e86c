"""Ports of the loopback interface that nobody uses and no other sandbox has."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Collection, Iterator
from pathlib import Path

from deployer.errors import DeployerError

_FIRST = 20000
_LAST = 32767
"""Linux gives out 32768 and above to outgoing connections, which would take a port while its service restarts."""


def choose(count: int, folder: Path, taken: Collection[int]) -> tuple[int, ...]:
    """Pick ports.

    The search begins at a place that depends on the folder, so that sandboxes of other users and other states, whose
    records cannot be seen from here, rarely get the same ports while their services do not run yet.

    Args:
        count: how many.
        folder: of the sandbox.
        taken: ports of other sandboxes.

    Raises:
        DeployerError: so many are not free.
    """
    free = _free(folder, taken)
    ports = tuple(port for port, _ in zip(free, range(count), strict=False))
    if len(ports) < count:
        raise DeployerError(f"{count} free ports are needed and {len(ports)} were found", hint="destroy a sandbox")
    return ports


def _free(folder: Path, taken: Collection[int]) -> Iterator[int]:
    size = _LAST - _FIRST + 1
    start = int.from_bytes(hashlib.sha256(str(folder).encode()).digest()[:4], "big") % size
    for step in range(size):
        port = _FIRST + (start + step) % size
        if port not in taken and _can_bind(port):
            yield port


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without it, a port whose last connection ended a minute ago counts as used.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
