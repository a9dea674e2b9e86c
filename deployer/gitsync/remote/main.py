"""The steps of a sync, as the deployer host does them."""

from __future__ import annotations

import contextlib
import errno
import signal
from typing import Any, Callable, Dict

from . import limits, objects, room, steps, undo
from .failure import Stopped, Undecided

Json = Dict[str, Any]

ERRNO = {
    errno.EACCES: "permission",
    errno.EPERM: "permission",
    errno.EROFS: "permission",
    errno.ENOSPC: "disk-full",
    errno.EDQUOT: "disk-full",
}
STEPS: Dict[str, Callable[[Json, Json], Json]] = {
    "inspect": steps.inspect,
    "sync": steps.sync,
    "read": objects.read,
    "clone": objects.clone,
    "snapshots": undo.snapshots_of,
    "undo": steps.undone,
}


def main(request: Json) -> Json:
    """Do one step.

    Args:
        request: `step`, `path`, `remote`, `branch`, `who`, `seconds`, and what the step takes.

    Returns:
        What the step says; or `needs`, files to merge; or `failure`, the evidence of what stopped it. With a failure
        goes what is known of the clone: `head`, `remote`, `landed`, `change` …
    """
    known: Json = {}
    with _ending_politely():
        try:
            return {**STEPS[request["step"]](request, known), **known}
        except Undecided as undecided:
            return {"needs": undecided.needs, **known}
        except Stopped as stopped:
            return {"failure": _with_room(stopped.evidence, request), **known}
        except MemoryError:
            ended = limits.too_large("the memory that the step needs", "more", "the helper's limit", "ssh.most_memory")
            return {"failure": ended.evidence, **known}
        except OSError as error:
            kind = ERRNO.get(error.errno or 0, "git-failed")
            argv = ["ls", "-ld", str(error.filename)]
            return {"failure": {"kind": kind, "argv": argv, "stderr": str(error)}, **known}


def _with_room(evidence: Json, request: Json) -> Json:
    """Where a git failed and nothing says why yet: whether there is room to write, quotas included."""
    if evidence["kind"] not in ("", "git-failed") or not evidence.get("exit"):
        return evidence
    facts = {**evidence.get("facts", {}), "disk_full": not room.is_there(request["path"])}
    return {**evidence, "facts": facts}


@contextlib.contextmanager
def _ending_politely() -> Any:  # noqa: ANN401  a generator; its type is named differently on 3.9
    """On SIGTERM or a lost line: end git as git wants to be ended, so that it removes its locks."""

    def stop(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {}
    with contextlib.suppress(ValueError):  # not the main thread: whoever runs us there looks after signals
        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
