"""A control group for each host: what is in it is the host's for certain, whatever forked or died.

systemd in a host wants a group of its own in the hierarchy where it names its services: `name=systemd` with cgroups v1,
the unified one with v2, and both where the two are mixed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from deployer.errors import DeployerError

_TOP = "deployer-"
_ENTER = 'set -e; while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec "$@"'


class Group:
    """A control group in every hierarchy that matters.

    Args:
        sandbox: id of the sandbox.
        member: within it: a host, or another thing that runs; empty for all of them.
    """

    def __init__(self, sandbox: str, member: str = "") -> None:
        self._folders = tuple(top / f"{_TOP}{sandbox}" / member for top in hierarchies())

    def entering(self) -> tuple[str, ...]:
        """Make it; the words that, before a command, start it in there."""
        self.make()
        return ("sh", "-c", _ENTER, "sandbox", *(str(folder / "cgroup.procs") for folder in self._folders), "--")

    def make(self) -> None:
        """Make it.

        Raises:
            DeployerError: groups cannot be made here.
        """
        try:
            for folder in self._folders:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DeployerError(f"control groups cannot be made here: {error}") from error
        if not self._folders:
            raise DeployerError("control groups are not mounted here", hint="a container needs /sys/fs/cgroup")

    def pids(self) -> frozenset[int]:
        """Every process in it or below."""
        return frozenset(pid for folder in self._below() for pid in _read(folder))

    def kill(self, seconds: float = 20.0) -> None:
        """End every process at once, those too that are started meanwhile.

        Raises:
            DeployerError: some still run after that many seconds.
        """
        until = time.monotonic() + seconds
        while pids := self.pids():
            for pid in pids:
                # It may have ended; a pid that was given anew since it was read a moment ago is not a thing to fear.
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > until:
                raise DeployerError(f"processes cannot be ended: {', '.join(map(str, sorted(pids)))}")
            time.sleep(0.01)

    def remove(self) -> None:
        """Remove it and those below, once nothing runs there.

        Raises:
            DeployerError: something does.
        """
        for folder in sorted(self._below(), key=lambda path: len(path.parts), reverse=True):
            try:
                _rmdir(folder)
            except OSError as error:
                raise DeployerError(f"{folder} cannot be removed: {error}") from error

    def _below(self) -> Iterator[Path]:
        for top in self._folders:
            for folder, _, _ in os.walk(top):
                yield Path(folder)


def hierarchies() -> tuple[Path, ...]:
    """Where the hierarchies are mounted."""
    found = []
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, place, kind, options, *_ = line.split(" ")
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            found.append(Path(place))
    return tuple(found)


def all_sandboxes() -> Iterator[Path]:
    """The group of each sandbox of this machine, in one hierarchy."""
    for top in hierarchies()[:1]:
        yield from top.glob(f"{_TOP}*")


def _read(folder: Path) -> Iterator[int]:
    try:
        yield from map(int, (folder / "cgroup.procs").read_text(encoding="ascii").split())
    except OSError:
        # Removed meanwhile, or of threads.
        return


def _rmdir(folder: Path) -> None:
    # A process that was just killed may be counted for a moment after it is no more listed.
    for _ in range(200):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)
        else:
            return
    folder.rmdir()
