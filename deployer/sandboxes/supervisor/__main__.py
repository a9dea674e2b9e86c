"""Starts the supervisor of a host as a daemon; ends when it answers on its socket (exit code 0) or could not start (1).

Called with the folder of the host. Where one runs already, there is nothing to do.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from deployer.sandboxes.files import locked, write_atomically
from deployer.sandboxes.processes import identity_of
from deployer.sandboxes.supervisor.client import is_answering
from deployer.sandboxes.supervisor.server import SOCKET, Server
from deployer.visible import visible

LOCK, RECORD, LOG = "supervisor.lock", "supervisor.json", "supervisor.log"
_READY = b"ready"
_PATIENCE = 10.0
"""Seconds that a supervisor which is just ending may take."""


def main(folder: str) -> int:
    """Start it.

    Args:
        folder: of the host; `run` in it must exist.
    """
    run = Path(folder) / "run"
    if is_answering(run / SOCKET):
        return 0
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        _daemon(run, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        words = told.read()
    if words != _READY:
        sys.stderr.write(words.decode(errors="replace") or "the supervisor ended before it was ready")
    return int(words != _READY)


def _daemon(run: Path, writer: int) -> None:
    os.setsid()
    # A second fork: no leader of a session, so that no terminal can become its own.
    if os.fork() != 0:
        os._exit(0)
    code = 0
    try:
        _own_output(run)
        _live(run, writer)
    except Exception as error:  # noqa: BLE001  the last place where it can still be told to who started us
        _note(f"ended: {type(error).__name__}: {error}")
        _tell(writer, f"{type(error).__name__}: {error}".encode())
        code = 1
    finally:
        os._exit(code)


def _live(run: Path, writer: int) -> None:
    with locked(run / LOCK, _PATIENCE) as is_ours:
        if not is_ours:
            raise RuntimeError("another supervisor holds the lock of this host, or the host was removed")
        handle = os.open(run / LOCK, os.O_RDONLY | os.O_CLOEXEC)
        write_atomically(run / RECORD, json.dumps(_record()) + "\n")
        server = Server(run, (run / LOCK, handle), _note)
        server.restore()
        _tell(writer, _READY)
        _note("ready")
        server.serve()
        _note("ended")


def _record() -> dict[str, object]:
    identity = identity_of(os.getpid())
    return {} if identity is None else asdict(identity)


def _own_output(run: Path) -> None:
    os.chdir("/")
    # It led Python to this package; a service has its own.
    os.environ.pop("PYTHONPATH", None)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(run.parent / "log" / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)


def _note(text: str) -> None:
    os.write(2, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {visible(text)}\n".encode())


def _tell(writer: int, words: bytes) -> None:
    try:
        os.write(writer, words)
        os.close(writer)
    except OSError:
        # Already told.
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
