"""Talks to the supervisor of a host."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from deployer.errors import UnreachableError
from deployer.model.json import JsonObject


def ask(path: Path, request: JsonObject, *, seconds: float = 30.0) -> JsonObject:
    """Send one request and wait for its answer.

    Args:
        path: of the socket; it may be longer than an address of a socket can be.
        request: as doc/sandboxes.md lists them.
        seconds: how long to wait.

    Raises:
        UnreachableError: nobody answers there.
    """
    try:
        with _connected(path, seconds) as connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
    except OSError as error:
        raise UnreachableError(f"the supervisor of {path.parent.parent.name} does not answer: {error}") from error
    if not line.endswith(b"\n"):
        raise UnreachableError(f"the supervisor of {path.parent.parent.name} ended before it answered")
    answer = json.loads(line)
    return answer if isinstance(answer, dict) else {}


def is_answering(path: Path) -> bool:
    """Whether a supervisor answers on that socket."""
    try:
        return bool(ask(path, {"do": "status", "name": "any"}, seconds=5.0).get("ok"))
    except UnreachableError:
        return False


def _connected(path: Path, seconds: float) -> socket.socket:
    folder = os.open(path.parent, os.O_DIRECTORY | os.O_CLOEXEC)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(seconds)
    try:
        connection.connect(f"/proc/self/fd/{folder}/{path.name}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(folder)
    return connection
