"""The folders and files of one run of a batch: what is kept, and what goes with the run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployer.folders import make_folder
from deployer.model.plan import Target
from deployer.playbook import inventory
from deployer.playbook.errors import PlaybookError
from deployer.ports import PlaybookRun

_LONGEST_SOCKET_FOLDER = 45
"""A unix socket's path has at most 104 characters; ssh adds the 40 of its name and 17 of a temporary one."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where one run of a batch has its files."""

    kept: Path
    """`RUN/BATCH` in the folder of the runs; `RUN/BATCH.2` when the batch is run again in the same run."""
    private: Path
    """Inventory, variables, and what ansible-runner writes: removed at the end."""
    sockets: Path
    """Of ssh connections: short, since the path of a unix socket is; removed at the end."""

    @property
    def events(self) -> Path:
        """A row for each event of Ansible."""
        return self.kept / "events.jsonl"

    @property
    def log(self) -> Path:
        """What Ansible printed."""
        return self.kept / "ansible.log"

    @property
    def job(self) -> Path:
        """What the child is to do."""
        return self.private / "job.json"

    @property
    def limit(self) -> Path:
        """The names of the targets; in the short folder, as Ansible takes a space in `--limit @file` for its end."""
        return self.sockets / "hosts"

    @property
    def working(self) -> Path:
        """Where Ansible runs: an empty folder."""
        return self.private / "working"

    @property
    def inventory(self) -> Path:
        """The generated inventory. With `.yml` Ansible would parse it once more: for the plugin `auto`."""
        return self.private / "instances"


@contextmanager
def workspace(folder: Path, playbook: PlaybookRun) -> Iterator[Workspace]:
    """Make the folders, readable by their owner only, and remove those that go with the run."""
    with writing(folder):
        space = _made(folder, playbook)
    try:
        yield space
    finally:
        shutil.rmtree(space.private, ignore_errors=True)
        shutil.rmtree(space.sockets, ignore_errors=True)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Where files of a run are written: what the system says of it is an error of the run, with the place.

    Raises:
        PlaybookError: the disk is full, the folder is not ours, …
    """
    try:
        yield
    except OSError as error:
        # A write has no file name in its error.
        place = error.filename or folder
        raise PlaybookError(f"{place}: {error.strerror}", hint="the files of a run are written there") from error


def _made(folder: Path, playbook: PlaybookRun) -> Workspace:
    kept = _kept(folder, playbook)
    private = kept / "private"
    private.mkdir(mode=0o700)
    (private / "working").mkdir(mode=0o700)
    for name in ("events.jsonl", "ansible.log"):
        (kept / name).touch(mode=0o600)
    return Workspace(kept, private, Path(tempfile.mkdtemp(prefix="dply-", dir=_short_folder())))


def _kept(folder: Path, playbook: PlaybookRun) -> Path:
    run = folder / playbook.run
    make_folder(folder)
    run.mkdir(mode=0o700, exist_ok=True)
    number = 1
    while True:
        kept = run / (playbook.batch if number == 1 else f"{playbook.batch}.{number}")
        try:
            kept.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
        else:
            return kept


def _short_folder() -> str | None:
    usual = tempfile.gettempdir()
    return usual if len(usual) + len("/dply-12345678") <= _LONGEST_SOCKET_FOLDER and " " not in usual else "/tmp"  # noqa: S108  mkdtemp makes it ours


def write_inputs(space: Workspace, playbook: PlaybookRun, targets: Sequence[Target]) -> None:
    """The files that Ansible reads: inventory, limit, variables."""
    _write(space.inventory, inventory.inventory_text(playbook, targets))
    # One name in each line: the command line has a limit, and `ps` need not show them all.
    _write(space.limit, "".join(f"{target.name}\n" for target in targets))
    _write(space.private / "variables.yml", inventory.variables_text(playbook.variables))


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
