"""The process that runs the checks of one machine: `python -m deployer.checks.child DESCRIPTOR`.

Its standard input holds one line, the job, and stays open for as long as the controller lives: with its end this
process ends, and all that it started. It tells what happens on the descriptor, one JSON object a line:

    {"row": "connected"}
    {"row": "start", "target", "check"}
    {"row": "end", "target", "check", "outcome", "seconds", "error", "text"}
    {"row": "unreachable", "error"}     the machine does not answer: no further check is tried
    {"row": "broken", "file", "error"}  a test file cannot be used
    {"row": "done", "code"}             pytest's exit code
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import BinaryIO

from deployer.checks.job import Job
from deployer.checks.rows import Rows


def main() -> int:
    """Run the job."""
    rows = Rows(int(sys.argv[1]))
    given = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    job = Job.read(given.readline())
    threading.Thread(target=_end_with, args=(given,), daemon=True).start()
    # Imported late: the controller's end is watched by now.
    from deployer.checks.connecting import connected  # noqa: PLC0415  the reason is above
    from deployer.checks.plugin import run  # noqa: PLC0415  the same

    with connected(job) as link:
        if not link.is_alive:
            rows.tell("unreachable", error=link.error)
            return 0
        rows.tell("connected")
        rows.tell("done", code=run(job, link, rows))
    return 0


def _end_with(controller: BinaryIO) -> None:
    controller.read()
    # It is gone: so are we, and ssh, Ansible and whatever a check started with us.
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
