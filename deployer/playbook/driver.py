"""Runs playbooks: starts the child process, follows its events, and says what became of each target.

The controller never imports ansible_runner; it reads events.jsonl as the child writes it (doc/driver.md).
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from deployer import resources
from deployer.errors import InventoryError, UsageError
from deployer.model.json import JsonObject
from deployer.model.plan import Target
from deployer.model.run import Outcome, TargetResult
from deployer.playbook import endings, hidden, invocation, job, processes, vault
from deployer.playbook.errors import PlaybookError
from deployer.playbook.outcomes import Outcomes
from deployer.playbook.workspace import Workspace, workspace, write_inputs, writing
from deployer.ports import Clock, Listener, PlaybookRun, Stop
from deployer.settings import AnsibleSettings, SshSettings

_LOOK = 0.1
"""Seconds between two looks at `stop`; an event wakes the driver at once."""
_TERM_SECONDS = 12.0
"""How long the child may take to end everything below it after SIGTERM."""


class AnsibleDriver:
    """Implements `deployer.ports.Driver` with ansible-runner in a child process.

    Args:
        folder: of the runs; `RUN/BATCH/` in it keeps events.jsonl and ansible.log of each batch.
        settings: of Ansible.
        ssh: of connections.
        clock: for the time of what has no time of its own.
        environ: the user's environment, of which only a few names reach Ansible; this process's own by default.
    """

    def __init__(
        self,
        folder: Path,
        settings: AnsibleSettings,
        ssh: SshSettings,
        clock: Clock,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._ssh = ssh
        self._clock = clock
        self._environ = os.environ if environ is None else environ

    def run(self, playbook: PlaybookRun, listener: Listener, stop: Stop) -> tuple[TargetResult, ...]:
        """Run it to its end; every target of the batch gets exactly one result.

        Raises:
            PlaybookError: Ansible could not be started, or could not read the playbook; its `results` say so of every
                target.
            InventoryError: the inventory is not there: Ansible would take its name for a host.
            UsageError: a variable or an argument cannot be used in a run.
        """
        if not Path(playbook.inventory).exists():
            raise InventoryError(f"there is no inventory {playbook.inventory}")
        if "instance" in playbook.variables:
            raise UsageError("the variable instance holds the manifest; it cannot be given")
        taken = playbook.site.taken
        usable = tuple(target for target in playbook.targets if not target.unusable(taken))
        results = {target.name: _unusable(target, taken) for target in playbook.targets}
        results |= {result.target: result for result in self._play(playbook, usable, listener, stop)}
        for result in results.values():
            listener.result(result)
        return tuple(results.values())

    def _play(
        self, playbook: PlaybookRun, targets: Sequence[Target], listener: Listener, stop: Stop
    ) -> tuple[TargetResult, ...]:
        outcomes = Outcomes(targets, self._clock.now())
        if stop.asked or not targets:
            return outcomes.results(stopped=True)
        with (
            workspace(self._folder, playbook) as space,
            space.events.open("rb") as events,
            self._started(playbook, targets, space) as child,
        ):
            process, reader = child
            wake = _Wake(reader)
            tail = _Tail(events)
            stopped = self._follow(process, wake, tail, outcomes, listener, stop)
        if not outcomes.ended:
            redactor = vault.redactor(hidden.of_run(playbook, targets, *self._given))
            ended = endings.of_child(process.returncode, wake.told, space.log)
            how = f"{space.events} is damaged" if tail.is_damaged else ended
            outcomes.died(redactor.text(how)[: endings.LONGEST])
        results = outcomes.results(stopped=stopped)
        if outcomes.nothing_ran and not stopped and not outcomes.was_stopped:
            error = f"{outcomes.place or playbook.playbook}: {outcomes.why}"
            raise PlaybookError(error, results=results, hint=f"the full log: {space.log}")
        return results

    @property
    def _given(self) -> tuple[Mapping[str, str], AnsibleSettings]:
        """The user's environment, and what of it Ansible gets."""
        return self._environ, self._settings

    @contextmanager
    def _started(
        self, playbook: PlaybookRun, targets: Sequence[Target], space: Workspace
    ) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
        """The child, and the pipe on which it says that there is an event; ended with the context, whatever happens."""
        with _pipe() as (reader, writer):
            task = self._job(playbook, targets, space, writer.fileno())
            with writing(space.kept):
                write_inputs(space, playbook, targets)
                task.write(space.job)
            child = self._popen(playbook, task, space)
            # Held by the child alone: the pipe ends with it.
            writer.close()
            try:
                self._tell_secrets(child, playbook, targets)
                yield child, reader.fileno()
            except BaseException:
                child.terminate()
                raise
            finally:
                end(child, str(space.sockets))

    def _job(self, playbook: PlaybookRun, targets: Sequence[Target], space: Workspace, wake: int) -> job.Job:
        wanted = playbook.options.forks or self._settings.forks
        forks = invocation.forks(targets, playbook.site, wanted, self._settings.per_host)
        return job.Job(
            parent=os.getpid(),
            events=str(space.events),
            log=str(space.log),
            private=str(space.private),
            sockets=str(space.sockets),
            playbook=playbook.playbook,
            inventories=(str(Path(playbook.inventory).absolute()), str(space.inventory)),
            arguments=invocation.arguments(playbook, space.private, space.limit, forks),
            working=str(space.working),
            masters=invocation.masters(targets, playbook.site, self._ssh, str(space.sockets)),
            side_by_side=self._settings.per_host,
            wake=wake,
        )

    def _popen(self, playbook: PlaybookRun, task: job.Job, space: Workspace) -> subprocess.Popen[bytes]:
        shipped = resources.shipped("playbooks")
        settings = (self._settings, self._ssh)
        environment = invocation.environment(self._environ, playbook.playbook, shipped, task, settings)
        # -P: a yaml.py in the folder that somebody happens to be in is not imported.
        command = [sys.executable, "-P", "-m", "deployer.playbook.child", str(space.job)]
        try:
            with space.log.open("ab") as log:
                return subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    cwd=task.working,
                    env=environment | {"PYTHONPATH": str(Path(resources.__file__).parent.parent)},
                    pass_fds=(task.wake,),
                    # A Ctrl-C on the terminal is ours: the first one lets the playbook finish.
                    start_new_session=True,
                )
        except OSError as error:
            raise PlaybookError(f"Ansible did not start: {endings.sentence(error, space.kept)}") from error

    def _tell_secrets(self, child: subprocess.Popen[bytes], playbook: PlaybookRun, targets: Sequence[Target]) -> None:
        assert child.stdin is not None  # noqa: S101  it was asked for as a pipe
        text = json.dumps(hidden.of_run(playbook, targets, *self._given))
        with suppress(BrokenPipeError), child.stdin as pipe:
            pipe.write(text.encode())

    def _follow(
        self,
        child: subprocess.Popen[bytes],
        wake: _Wake,
        tail: _Tail,
        outcomes: Outcomes,
        listener: Listener,
        stop: Stop,
    ) -> bool:
        """Pass on what happens until the child ends; whether it was stopped."""
        stopped, until = False, 0.0
        while wake.is_open:
            if stop.now and not stopped:
                stopped = True
                until = time.monotonic() + _TERM_SECONDS
                child.terminate()
            if stopped and time.monotonic() > until:
                break
            wake.wait()
            for row in tail.rows():
                for event in outcomes.feed(row):
                    listener.event(event)
            if tail.is_damaged:
                child.terminate()
                break
        return stopped


@contextmanager
def _pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    read, write = os.pipe()
    with os.fdopen(read, "rb", buffering=0) as reader, os.fdopen(write, "wb", buffering=0) as writer:
        yield reader, writer


class _Wake:
    """The pipe on which the child says that there is an event, a dot for each, and last why it ends without one."""

    def __init__(self, reader: int) -> None:
        self.is_open = True
        self._reader = reader
        self._told = bytearray()

    @property
    def told(self) -> str:
        """Why it ended; empty when it did not say."""
        return self._told.partition(b"\n")[2].decode(errors="replace")

    def wait(self) -> None:
        """Return when there is something new, or after a moment."""
        if select.select([self._reader], [], [], _LOOK)[0]:
            read = os.read(self._reader, 65536)
            self._told += read.lstrip(b".")
            self.is_open = bool(read)


class _Tail:
    """Whole rows of a growing file, each once; it ends at a line that is no row."""

    def __init__(self, file: BinaryIO) -> None:
        self.is_damaged = False
        self._file = file
        self._rest = b""

    def rows(self) -> Iterator[JsonObject]:
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in lines:
            row = _row(line)
            if row is None:
                self.is_damaged = True
                return
            yield row


def _row(line: bytes) -> JsonObject | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def end(child: subprocess.Popen[bytes], sockets: str) -> None:
    """Wait for a child that is about to end; one that does not is ended, and what it leaves behind with it.

    Args:
        child: the process around Ansible.
        sockets: the folder of ssh connections of its run, which tells the processes of this run from all others.
    """
    try:
        child.wait(_TERM_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.returncode != 0:
        while left := processes.marked("ANSIBLE_SSH_CONTROL_PATH_DIR", sockets):
            processes.signal_all(left, signal.SIGKILL)


def _unusable(target: Target, taken: Collection[str]) -> TargetResult:
    return TargetResult(target.name, target.site, Outcome.HELD, error=target.unusable(taken))
