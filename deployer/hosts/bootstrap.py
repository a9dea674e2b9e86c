r"""What python3 on a host executes: it takes a program of ours from stdin, runs it, and writes one line of JSON.

This file is streamed too, so it must do with Python 3.9 and the standard library. The programs are never written to
the host's disk.

- Standard input is `<bytes>\n<bundle>`; the bundle is JSON: modules, request, home, deadline, hold, silence.
- The answer goes to the descriptor that was stdout at the start. Whatever else prints, children included, goes to
  stderr, so that a talkative program cannot spoil the answer.
- A program whose `main` is a generator holds something: its first value is the answer, and it is closed when stdin
  ends, or when nothing was heard for `silence` seconds (a link that died without a word would keep locks for hours).
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import json
import os
import select
import signal
import sys
import threading
import time
import traceback
import types
from collections.abc import Mapping, Sequence
from pathlib import Path

PACKAGE = "deployer_remote"
GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""


class Modules(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports `deployer_remote` from memory, with sources that a traceback can show."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = {f"{PACKAGE}.{name}": source for name, source in sources.items() if name != "__init__"}
        self._sources[PACKAGE] = sources.get("__init__", "")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module, if it is one of the program's."""
        del path, target
        if fullname not in self._sources:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=self.is_package(fullname))

    def is_package(self, fullname: str) -> bool:
        """Only the program as a whole is one."""
        return fullname == PACKAGE

    def get_source(self, fullname: str) -> str:
        """The text, for the import and for tracebacks."""
        return self._sources[fullname]

    def get_code(self, fullname: str) -> types.CodeType:
        """The compiled text under a name that says where it came from."""
        return compile(self.get_source(fullname), fullname.replace(".", "/") + ".py", "exec", dont_inherit=True)


def read_bundle() -> dict[str, object]:
    """The bundle, whole or not at all: a link that broke half-way must not start half a program."""
    size = int(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read(size)
    if len(data) != size:
        raise EOFError("the connection ended before the program had arrived")
    bundle: dict[str, object] = json.loads(data)
    return bundle


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
    folder = Path.home()
    os.chdir(folder if folder.is_dir() else "/")


def stop(number: int, _frame: types.FrameType | None) -> None:
    """End as an exception, so that the program's `finally` blocks run."""
    sys.exit(128 + number)


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
    while True:
        ready, _, _ = select.select([channel], [], [], silence or None)
        if not ready or not os.read(channel, 65536):
            return


def run() -> None:
    """Take the bundle, run the program, answer."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, stop)
    sys.excepthook = traceback.print_exception  # unlike the interpreter's own it shows our source lines
    bundle = read_bundle()
    listening, answering = take_channels()
    timer = watchdog(float(str(bundle["deadline"])))
    settle(str(bundle["home"]))
    sys.meta_path.insert(0, Modules(bundle["modules"]))  # type: ignore[arg-type]
    outcome = importlib.import_module(f"{PACKAGE}.main").main(bundle["request"])
    if not inspect.isgenerator(outcome):
        write_answer(answering, outcome)
        return
    try:
        write_answer(answering, next(outcome))
        timer.cancel()
        if bundle["hold"]:
            wait_for_end(listening, float(str(bundle["silence"])))
    finally:
        outcome.close()


if __name__ == "__main__":
    run()
