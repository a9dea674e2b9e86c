"""Syncs of many sites from one controller: a process of its own, started by the benchmark of many sites.

Arguments: the port of sshd, the remote, how many further rounds, then a clone for each site. Each site has a deployer
host of its own name, and so a connection of its own. It syncs all sites side by side, as `deployer sync` does, and
answers JSON: seconds of each further round, of one site alone and of all, every one with fresh connections.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from deployer.app import SystemClock
from deployer.gitsync.engine import SyncEngine
from deployer.hosts.factory import HostPool
from deployer.model.site import Machine, Repository
from deployer.model.sync import SyncStatus
from deployer.settings import SshSettings, SyncSettings


class Sites:
    """Sites whose deployer hosts are behind one sshd.

    Args:
        port: of sshd.
        remote: of every clone.
        clones: one of each site.
    """

    def __init__(self, port: str, remote: str, clones: Sequence[str]) -> None:
        self._remote = remote
        self._clones = clones
        self._variables = {"ansible_host": "127.0.0.1", "ansible_port": port}

    def sync(self, count: int) -> float:
        """Sync so many of them side by side; how many seconds it took."""
        began = time.perf_counter()
        pool = HostPool(SshSettings())
        engine = SyncEngine(SystemClock(), SyncSettings(), None, "prod-deployer <deployer@example.org>")

        def one(number: int) -> SyncStatus:
            host = pool.host(Machine(f"site{number}-prod-dep01", dict(self._variables)))
            return engine.sync(host, Repository(f"site{number}", self._clones[number], self._remote)).status

        with ThreadPoolExecutor(SyncSettings().side_by_side) as threads:
            assert {*threads.map(one, range(count))} == {SyncStatus.IN_SYNC}
        pool.close()
        return time.perf_counter() - began


def main() -> None:
    """Sync all, and again."""
    port, remote, rounds, *clones = sys.argv[1:]
    sites = Sites(port, remote, clones)
    sites.sync(len(clones))
    again = [(sites.sync(1), sites.sync(len(clones))) for _ in range(int(rounds))]
    json.dump(again, sys.stdout)


if __name__ == "__main__":
    main()
