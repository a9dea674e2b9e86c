"""The manager where there is no systemd: a supervisor that answers on a Unix socket.

One JSON object a line each way; the requests are `apply`, `restart`, `stop`, `remove` and `status` (doc/releases.md).
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import ServiceError
from .service import Definition

_TIMEOUT = 30.0
_TAIL_BYTES = 16384
_TAIL_LINES = 10


class Supervisor:
    """A client of the supervisor.

    Args:
        path: of its socket.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._log_start = 0

    def knows(self, wanted: Definition) -> bool:
        """Whether the service is defined exactly so."""
        defined = self._status(wanted.name).get("definition") or {}
        return all(defined.get(key) == value for key, value in _fields(wanted).items())

    def start(self, wanted: Definition) -> None:
        """Define the service so, and start it anew."""
        wanted.log.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = wanted.log.stat().st_size if wanted.log.exists() else 0
        self._ask({"do": "apply", "name": wanted.name, **_fields(wanted)})

    def remove(self, name: str) -> None:
        """Stop the service and forget it."""
        if self._status(name).get("state") != "absent":
            self._ask({"do": "remove", "name": name})

    def has_given_up(self, name: str) -> bool:
        """Whether it does not try to start the service any more."""
        return self._status(name).get("state") in ("failed", "stopped", "absent")

    def log(self, wanted: Definition) -> list[str]:
        """The last lines that the service wrote since it was started."""
        try:
            with wanted.log.open("rb") as file:
                file.seek(max(self._log_start, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
                return file.read().decode("utf-8", "replace").splitlines()[-_TAIL_LINES:]
        except OSError:
            return []

    def _status(self, name: str) -> Mapping[str, Any]:
        return self._ask({"do": "status", "name": name})

    def _ask(self, request: Mapping[str, object]) -> Mapping[str, Any]:
        try:
            line = self._exchange(json.dumps(request).encode() + b"\n")
            answer = json.loads(line)
        except OSError as error:
            raise ServiceError(f"the supervisor at {self._path} does not answer: {error}") from error
        except ValueError as error:
            raise ServiceError(f"the supervisor at {self._path} broke off") from error
        if not isinstance(answer, dict) or answer.get("ok") is not True:
            reason = answer.get("error") if isinstance(answer, dict) else answer
            raise ServiceError(f"the supervisor refused to {request['do']} {request['name']}: {reason}")
        return answer

    def _exchange(self, line: bytes) -> bytes:
        # A socket's address holds 107 bytes and paths of sandboxes are longer: go there through a descriptor.
        folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(_TIMEOUT)
                connection.connect(f"/proc/self/fd/{folder}/{self._path.name}")
                connection.sendall(line)
                with connection.makefile("rb") as answers:
                    return answers.readline()
        finally:
            os.close(folder)


def _fields(wanted: Definition) -> dict[str, object]:
    return {"argv": list(wanted.argv), "cwd": str(wanted.folder), "environment": {}, "log": str(wanted.log)}
