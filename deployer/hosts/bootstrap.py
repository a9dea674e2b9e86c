r"""What python3 on a host executes: it takes a program of ours from stdin, runs it, and writes one line of JSON.

This file is streamed too, so it must do with Python 3.9 and the standard library, and with little of that: the imports
of a step cost as much as the step. The programs are never written to the host's disk.

- Standard input is `<size> <size>\n<modules><told>`. The modules are marshalled: the magic number of a version of
  Python; module -> code for it; all texts. What is told is JSON: request, home, deadline, hold, silence, memory.
- The answer goes to the descriptor that was stdout at the start. Whatever else prints, children included, goes to
  stderr, so that a talkative program cannot spoil the answer.
- A program whose `main` is a generator holds something: its first value is the answer, and it is closed when stdin
  ends, or when nothing was heard for `silence` seconds (a link that died without a word would keep locks for hours).
"""

from __future__ import annotations

import json
import marshal
import os
import signal
import sys
import threading
import time
import types
import zlib
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER

PACKAGE = "deployer_remote"
GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""


class Modules:
    """Imports `deployer_remote` from memory, with sources that a traceback can show: a finder and a loader."""

    def __init__(self, packed: bytes) -> None:
        magic, code, self._texts = marshal.loads(packed)  # noqa: S302  our own: it comes with the code that runs here
        self._code = code if magic == MAGIC_NUMBER else {}
        self._sources: dict[str, str] = {}

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The module, if it is one of the program's."""
        del path, target
        if fullname.partition(".")[0] != PACKAGE or inner(fullname) not in (self._code or self.sources):
            return None
        return ModuleSpec(fullname, self, is_package=fullname == PACKAGE)  # type: ignore[arg-type]  # it is one by shape

    def create_module(self, spec: ModuleSpec) -> None:
        """An ordinary one."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Fill the module."""
        exec(self.get_code(module.__name__), module.__dict__)  # noqa: S102  an import is that

    @property
    def sources(self) -> dict[str, str]:
        """Module -> text."""
        if not self._sources:
            self._sources = marshal.loads(zlib.decompress(self._texts))  # noqa: S302  as above
            self._sources.setdefault("__init__", "")
        return self._sources

    def get_source(self, fullname: str) -> str:
        """The text, for tracebacks."""
        return self.sources[inner(fullname)]

    def get_code(self, fullname: str) -> types.CodeType:
        """The code as it came; for another Python the compiled text, under a name that says where it came from."""
        if self._code:
            code: types.CodeType = marshal.loads(zlib.decompress(self._code[inner(fullname)]))  # noqa: S302  as above
            return code
        return compile(self.get_source(fullname), fullname.replace(".", "/") + ".py", "exec", dont_inherit=True)


def inner(fullname: str) -> str:
    """The name of a module inside the program."""
    return fullname.partition(".")[2] or "__init__"


def read_bundle() -> tuple[bytes, dict[str, object]]:
    """The modules and what is told: whole or not at all: a link that broke half-way must not start half a program."""
    sizes = [int(size) for size in sys.stdin.buffer.readline().split()]
    data = sys.stdin.buffer.read(sum(sizes))
    if not sizes or len(data) != sum(sizes):
        raise EOFError("the connection ended before the program had arrived")
    told: dict[str, object] = json.loads(data[sizes[0] :])
    return data[: sizes[0]], told


def take_channels() -> tuple[int, int]:
    """Our own descriptors of stdin and stdout; children get /dev/null and stderr instead."""
    listening, answering = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return listening, answering


def settle(home: str) -> None:
    """Be at home: a program must not depend on the folder that somebody happened to stand in."""
    if home:
        os.environ["HOME"] = home
    folder = os.path.expanduser("~")  # noqa: PTH111  importing pathlib costs more than a step
    os.chdir(folder if os.path.isdir(folder) else "/")  # noqa: PTH112  as above
    # What we make is for the login, and for its group where the host says so; never for everybody to write.
    os.umask(os.umask(0o077) | 0o002)


def stop(number: int, _frame: types.FrameType | None) -> None:
    """End as an exception, so that the program's `finally` blocks run."""
    sys.exit(128 + number)


def bound(memory: int) -> None:
    """Let neither this program nor what it starts take more memory, as far as the host itself allows as much.

    RLIMIT_DATA counts what is written, not the packs that git maps into its memory to read them.
    """
    import resource  # noqa: PLC0415  where memory is bounded

    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if memory and (most == resource.RLIM_INFINITY or memory < most):
        resource.setrlimit(resource.RLIMIT_DATA, (memory, most))


def end_group() -> None:
    """End this program and what it started; every way in gives it a process group of its own."""
    os.killpg(os.getpgrp(), signal.SIGTERM)
    time.sleep(GRACE)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def watchdog(seconds: float) -> threading.Timer:
    """Ends everything after its time: the controller that should do it may be gone."""
    timer = threading.Timer(seconds, end_group)
    timer.daemon = True
    timer.start()
    return timer


def write_answer(channel: int, answer: object) -> None:
    """The one line that counts."""
    line = json.dumps({"deployer": 1, "answer": answer}).encode("ascii") + b"\n"
    with os.fdopen(channel, "wb") as stream:
        stream.write(line)


def wait_for_end(channel: int, silence: float) -> None:
    """Until the other end is gone, or has not been heard for `silence` seconds (0: for ever)."""
    import select  # noqa: PLC0415  few programs hold something

    while True:
        ready, _, _ = select.select([channel], [], [], silence or None)
        if not ready or not os.read(channel, 65536):
            return


def show(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
    """Unlike the interpreter's own hook this one shows our source lines."""
    import traceback  # noqa: PLC0415  it costs more than a step, and nearly all end well

    traceback.print_exception(kind, error, trace)


def run() -> None:
    """Take the bundle, run the program, answer."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, stop)
    sys.excepthook = show
    packed, told = read_bundle()
    listening, answering = take_channels()
    timer = watchdog(float(str(told["deadline"])))
    settle(str(told["home"]))
    bound(int(str(told["memory"])))
    sys.meta_path.insert(0, Modules(packed))
    outcome = __import__(f"{PACKAGE}.main", fromlist=["main"]).main(told["request"])
    if not isinstance(outcome, types.GeneratorType):
        write_answer(answering, outcome)
        return
    try:
        write_answer(answering, next(outcome))
        timer.cancel()
        if told["hold"]:
            wait_for_end(listening, float(str(told["silence"])))
    finally:
        outcome.close()


if __name__ == "__main__":
    run()
