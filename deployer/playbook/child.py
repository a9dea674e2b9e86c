"""The process around one playbook run: `python -m deployer.playbook.child JOB.json`.

It is the only importer of ansible_runner. It dies with the controller and takes all its descendants with it, writes
one row of events.jsonl for each event of Ansible, and leaves nothing behind that ansible-runner wrote. Its standard
input holds, as JSON, what must not be written (`secrets`) and what leads to it (`vaulted`, `vault_sources`).
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from deployer.model.json import JsonObject
from deployer.playbook import endings, processes, vault
from deployer.playbook.job import Job
from deployer.playbook.rows import END, printed, row_of
from deployer.secrets.redactor import Redactor
from deployer.visible import visible_lines

_IDENT = "run"
_POLL = 0.5
"""Seconds between two looks of ansible-runner at whether to end; output wakes it at once."""
_MASTER_SECONDS = 30.0
_NOT_RUN: JsonObject = {"status": "failed", "rc": None}


class Cancel:
    """Whether the run is to end: by SIGTERM, or because the controller is gone."""

    def __init__(self, parent: int) -> None:
        self._parent = parent
        self._asked = False

    def ask(self, _number: int, _frame: object) -> None:
        """Handle SIGTERM: Ansible ends first, then ansible-runner sees that it did."""
        self._asked = True
        processes.signal_all(processes.descendants(os.getpid()), signal.SIGTERM)

    def __call__(self) -> bool:
        """As ansible-runner asks it, again and again."""
        return self._asked or processes.is_orphan(self._parent)


class Recording:
    """events.jsonl and ansible.log, written as things happen and readable by their owner only."""

    def __init__(self, job: Job, redactor: Redactor) -> None:
        self._events = _Appended(job.events)
        self._log = _Appended(job.log)
        self._wake = job.wake
        self._folder = Path(job.log).parent
        self._redactor = redactor

    def event(self, event: Mapping[str, object]) -> bool:
        """One event of Ansible. False, so that ansible-runner writes no file of its own for it."""
        if text := printed(event, self._redactor):
            self._log.write(text)
        row = row_of(event, self._redactor)
        if row is not None:
            self.row(row)
        return False

    def row(self, row: JsonObject) -> None:
        """One row, in one write: a reader never sees half of two."""
        self._events.write(json.dumps(row, ensure_ascii=True))
        self._tell(b".")

    def failed(self, error: BaseException) -> None:
        """Tell the controller why there is no end of the run: over the pipe, as the disk can be full."""
        self._tell(
            b"\n"
            + self._redactor.text(endings.sentence(error, self._folder))[: endings.LONGEST].encode(errors="replace")
        )
        with suppress(OSError):
            self._log.write(self._redactor.text("".join(traceback.format_exception(error))))

    def _tell(self, what: bytes) -> None:
        # The controller is gone, or has enough to wake up for.
        with suppress(BrokenPipeError, BlockingIOError):
            os.write(self._wake, what)


class _Appended:
    """A file that others read while it grows."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, text: str) -> None:
        """Add lines, cleaned, in one write where the disk has room.

        Raises:
            OSError: not all of it could be written; a part of a line may be left at the end.
        """
        # People follow the log on a terminal; a row of JSON in ASCII stays as it is.
        rest = "".join(f"{line}\n" for line in visible_lines(text)).encode()
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            # A write has no file name in its error.
            raise OSError(error.errno, error.strerror, self._path) from error


def main() -> int:
    """Run the job; 0 when its end is recorded, 1 when the controller was told why not."""
    job = Job.read(Path(sys.argv[1]))
    cancel = Cancel(job.parent)
    signal.signal(signal.SIGTERM, cancel.ask)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    processes.bind_to_parent(job.parent)
    # Nothing that Ansible starts may keep the controller waiting for the end of this pipe.
    os.set_inheritable(job.wake, False)  # noqa: FBT003  it has no keyword
    os.set_blocking(job.wake, False)
    os.environ.pop("PYTHONPATH", None)
    # What must not be written is decided before anything is.
    recording = Recording(job, vault.redactor(json.load(sys.stdin)))
    try:
        end = _swept(job, cancel, recording)
        status = "canceled" if cancel() else end["status"]
        recording.row({"event": END, "time": datetime.now(UTC).isoformat(), "status": status, "rc": end["rc"]})
    except Exception as error:  # noqa: BLE001  of ansible-runner, pexpect, the system: a person has to read it
        recording.failed(error)
        return 1
    return 0


def _swept(job: Job, cancel: Cancel, recording: Recording) -> JsonObject:
    """Run it, and leave no process and no file of it."""
    try:
        return _run(job, cancel, recording)
    finally:
        processes.sweep(os.getpid())
        shutil.rmtree(job.private, ignore_errors=True)
        shutil.rmtree(job.sockets, ignore_errors=True)


@contextmanager
def _masters(job: Job, cancel: Cancel) -> Iterator[None]:
    """One connection to each machine first: many at once would run into the start limit of its sshd.

    They are there at the end of the context. Where one fails, Ansible says so for each target.
    """
    with ThreadPoolExecutor(job.side_by_side) as pool:
        opened = pool.map(lambda argv: None if cancel() else _open_master(argv), job.masters)
        yield
        list(opened)


def _open_master(argv: tuple[str, ...]) -> None:
    try:
        # Its output is not kept: a connection in the background holds on to it.
        subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_MASTER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return


def _run(job: Job, cancel: Cancel, recording: Recording) -> JsonObject:
    with _masters(job, cancel):
        # Imported here: its 60 ms would come before the binding to the controller, and cost nothing beside connections.
        import ansible_runner  # noqa: PLC0415  the reason is above
    if cancel():
        return _NOT_RUN

    def status(given: Mapping[str, object], **_: object) -> None:
        if given.get("status") == "running":
            # ansible-runner has just written the whole environment into it.
            (Path(job.private) / "artifacts" / _IDENT / "command").unlink(missing_ok=True)

    runner = ansible_runner.run(
        private_data_dir=job.private,
        project_dir=job.working,
        ident=_IDENT,
        playbook=job.playbook,
        inventory=list(job.inventories),
        cmdline=shlex.join(job.arguments),
        settings={"pexpect_timeout": _POLL, "suppress_output_file": True, "idle_timeout": None},
        quiet=True,
        event_handler=recording.event,
        status_handler=status,
        cancel_callback=cancel,
    )
    return {"status": str(runner.status), "rc": runner.rc}


if __name__ == "__main__":
    sys.exit(main())
