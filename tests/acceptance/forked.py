"""Commands of tests without their imports: a process that has imported `deployer` forks for each command.

More than half of the processor time of a short command goes into imports, and tests run hundreds of them. With
`make test-all` each command starts anew, as users start it (tests/acceptance/conftest.py).
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGKILL

TOP = Path(__file__).parents[2]
LONGEST = 1 << 17
"""Bytes of a request: arguments and environment."""
ELSEWHERE = (
    "deployer.checks.",
    "deployer.gitsync.remote",
    "deployer.hosts.bootstrap",
    "deployer.hosts.remote",
    "deployer.playbook.child",
    "deployer.sandboxes.supervisor",
    "deployer.testing",
)
"""Modules that commands do not import: they are run by other processes."""


class _Server:
    """The process that forks, as the tests see it."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        argv = [sys.executable, "-m", "tests.acceptance.forked", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                argv, cwd=TOP, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
            )
        atexit.register(self._end)

    def _end(self) -> None:
        self.socket.close()
        self._process.wait()


@functools.cache
def _server() -> _Server:
    """The one of this worker; it ends with the worker, whatever ends that."""
    return _Server()


def run(
    arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], seconds: float
) -> tuple[int, str, str]:
    """Run `deployer` to its end: exit code (negative for a signal), stdout and stderr.

    Args:
        arguments: of the command line.
        folder: in which it runs.
        environment: all of it.
        seconds: after which it is killed.

    Raises:
        TimeoutError: it was.
    """
    request = json.dumps({"arguments": [*arguments], "folder": str(folder), "environment": dict(environment)})
    pipes = [os.pipe() for _ in range(3)]
    try:
        socket.send_fds(_server().socket, [request.encode()], [write for _, write in pipes])
    finally:
        for _, write in pipes:
            os.close(write)
    out, err, status = _read([read for read, _ in pipes], time.monotonic() + seconds)
    return int(status.split()[1]), out, err


def _read(ends: Sequence[int], until: float) -> list[str]:
    """What comes from pipes until their ends; the last one says the process id first."""
    found = {end: bytearray() for end in ends}
    with selectors.DefaultSelector() as selector:
        for end in ends:
            selector.register(end, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, until - time.monotonic()))
            if not ready and time.monotonic() > until:
                os.kill(int(found[ends[-1]].split()[0]), SIGKILL)
                raise TimeoutError
            for key, _ in ready:
                data = os.read(key.fd, 65536)
                found[key.fd] += data
                if not data:
                    selector.unregister(key.fd)
                    os.close(key.fd)
    return [bytes(data).decode() for data in found.values()]


# The server


def _modules() -> list[str]:
    package = importlib.import_module("deployer")
    names = [each.name for each in pkgutil.walk_packages(package.__path__, "deployer.", onerror=lambda _name: None)]
    return [name for name in names if not name.startswith(ELSEWHERE) and not name.endswith("__main__")]


def _serve(control: socket.socket) -> dict[str, object] | None:
    """Fork for each request. Returns the request in the new process; None where there are no more."""
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    _ended(selector, key)
                    continue
                text, files, _flags, _address = socket.recv_fds(control, LONGEST, 3)
                if not text:
                    return None
                pid = os.fork()
                if pid == 0:
                    _become(files)
                    request: dict[str, object] = json.loads(text)
                    return request
                os.write(files[2], f"{pid}\n".encode())
                for file in files[:2]:
                    os.close(file)
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, files[2]))


def _ended(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    pid, status = key.data
    selector.unregister(key.fileobj)
    os.close(key.fd)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        os.write(status, f"{code}\n".encode())
    os.close(status)


def _become(files: Sequence[int]) -> None:
    """A session of its own, as from a terminal of its own, and no descriptor but the standard ones."""
    os.setsid()
    for target, file in enumerate(files[:2], 1):
        os.dup2(file, target)
    os.closerange(3, min(LONGEST, os.sysconf("SC_OPEN_MAX")))


def main() -> None:
    """Import all, and serve; in each new process, be `deployer`."""
    for name in (*_modules(), "sqlalchemy.dialects.sqlite"):
        importlib.import_module(name)
    gc.freeze()
    request = _serve(socket.socket(fileno=int(sys.argv[1])))
    if request is None:
        return
    folder, environment = str(request["folder"]), request["environment"]
    assert isinstance(environment, dict)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    time.tzset()
    arguments = request["arguments"]
    assert isinstance(arguments, list)
    sys.argv[:] = [str(Path(sys.modules["deployer"].__file__ or "").with_name("__main__.py")), *arguments]
    sys.path[0] = folder
    importlib.import_module("deployer.__main__").run()


if __name__ == "__main__":
    main()
