"""Which tests share a worker: those that share something expensive, such as real hosts or a server.

The marks of pytest-xdist cannot say it: pytest 9.2 has no writable node id, and `--dist loadgroup` then spreads them.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

GROUPS = {
    "tests/acceptance/test_molecule": "molecule",
    "tests/acceptance/test_nspawn": "real-hosts",
    "tests/acceptance/test_rehearsal": "real-hosts",
    "tests/acceptance/test_sandboxes": "sandbox-commands",
    "tests/acceptance/test_verify": "rolled-out",
    "tests/integration/playbooks/test_systemd": "real-hosts",
    "tests/integration/sandboxes/test_nspawn": "nspawn",
}
"""Prefix of a file -> group."""
SERVER = "postgresql"
"""In the names of cases that need the database server, which one worker starts."""


def group_of(nodeid: str) -> str:
    """The group of a case; most are one of their own."""
    if SERVER in nodeid.partition("[")[2]:
        return "postgresql"
    return next((group for prefix, group in GROUPS.items() if nodeid.startswith(prefix)), nodeid)


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each worker one group at a time; groups of many first, then in the order of the files: acceptance first."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
