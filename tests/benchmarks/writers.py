"""One of many who land changes on one branch: a process of its own, started by the benchmarks of sync.

Arguments: how (`naive`, `clone`, `host`, `floor`), its number, how many changes, its clone, the remote. It says
`ready`, waits for a line, works, and answers JSON: when it began, seconds and tries of each landing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from deployer.app import SystemClock
from deployer.gitsync.engine import SyncEngine
from deployer.gitsync.remote.main import main as program_main
from deployer.hosts.local import LocalHost
from deployer.model.json import JsonObject
from deployer.model.program import Program
from deployer.model.site import Machine, Repository
from deployer.model.sync import Change, Edit, SyncStatus
from deployer.settings import SyncSettings


class InProcess(LocalHost):
    """A deployer host whose program runs in this process: the engine without the road to it."""

    def call(self, program: Program, request: JsonObject, *, deadline: float = 120.0) -> JsonObject:
        """Run the program."""
        del program, deadline
        return program_main(dict(request))


class Writer(NamedTuple):
    """Somebody who lands changes."""

    number: int
    clone: Path
    remote: str

    def git(self, *args: str) -> bool:
        """Run git; whether it succeeded."""
        return subprocess.run(["git", "-C", self.clone, *args], capture_output=True, check=False).returncode == 0

    def commit(self, count: int) -> None:
        """Edit a file of one's own and commit it."""
        (self.clone / f"w{self.number}.xml").write_text(f"{count}\n", encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "-q", "-m", f"writer {self.number}, {count}")

    def naive(self, count: int) -> int:
        """The loop that everybody writes."""
        self.commit(count)
        tries = 1
        while not (self.git("pull", "-q", "--rebase") and self.git("push", "-q")):
            tries += 1
        return tries

    def floor(self, _count: int) -> int:
        """Push the next of some ready commits."""
        ready = subprocess.run(
            ["git", "-C", self.clone, "rev-list", "--reverse", "origin/main..main"], capture_output=True, check=True
        )
        assert self.git("push", "-q", "origin", ready.stdout.decode().split()[0] + ":refs/heads/main")
        return 1

    def cloned(self, count: int) -> int:
        """A sync of one's own clone."""
        self.commit(count)
        return self._sync(None)

    def host(self, count: int) -> int:
        """A change through the clone that all share."""
        edit = Edit(f"w{self.number}.xml", f"{count}\n".encode(), self._blob())
        return self._sync(Change(f"writer {self.number}, {count}", (edit,)))

    def _blob(self) -> str:
        said = subprocess.run(
            ["git", "-C", self.clone, "rev-parse", f"HEAD:w{self.number}.xml"], capture_output=True, check=True
        )
        return said.stdout.decode().strip()

    def _sync(self, change: Change | None) -> int:
        engine = SyncEngine(SystemClock(), SyncSettings(), None, "prod-deployer <deployer@example.org>")
        repository = Repository("clusterconfig-fra1", str(self.clone), self.remote)
        result = engine.sync(InProcess(Machine("fra1-prod-dep01", {})), repository, change)
        assert result.status is SyncStatus.LANDED, result
        return result.attempts


def main() -> None:
    """Be one."""
    how, number, count, clone, remote = sys.argv[1:]
    writer = Writer(int(number), Path(clone), remote)
    land = {"naive": writer.naive, "clone": writer.cloned, "host": writer.host, "floor": writer.floor}[how]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    landings = []
    began = time.monotonic()
    for change in range(1, int(count) + 1):
        start = time.monotonic()
        tries = land(change)
        landings.append((time.monotonic() - start, tries))
    json.dump({"began": began, "ended": time.monotonic(), "landings": landings}, sys.stdout)


if __name__ == "__main__":
    main()
