"""The parts that the deep tests have, and the share of the budget that each of them gets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """Tests that belong together.

    Args:
        name: for tables.
        tests: prefixes of their files; the longest prefix of all parts decides.
        covers: prefixes of the files whose change makes them run whole.
        share: seconds that its cases take together in one deep run, one after another on a usual machine.
    """

    name: str
    tests: tuple[str, ...]
    covers: tuple[str, ...]
    share: int


SYNC = ("deployer/gitsync/", "deployer/hosts/")
COMMANDS = (
    "app.py",
    "checks/",
    "cli/",
    "empty.cfg",
    "engine/",
    "errors.py",
    "folders.py",
    "hosts/",
    "integrations/",
    "inventory/",
    "model/",
    "playbook/",
    "ports.py",
    "rollout/",
    "secrets/",
    "settings.py",
    "store/",
    "surroundings.py",
    "visible.py",
)
HOSTS = ("deployer/sandboxes/", "playbooks/", "molecule/")
PARTS = (
    Part("sync", ("tests/integration/gitsync/",), SYNC, 60),
    Part("faults", ("tests/integration/gitsync/faults/",), SYNC, 110),
    Part("sweeps", ("tests/integration/gitsync/sweeps/",), SYNC, 180),
    Part("histories", ("tests/integration/gitsync/histories/",), SYNC, 150),
    Part("merge", ("tests/unit/",), ("deployer/manifests/",), 100),
    Part("commands", ("tests/acceptance/",), tuple(f"deployer/{name}" for name in COMMANDS), 160),
    Part("hosts", ("tests/acceptance/test_nspawn", "tests/acceptance/test_molecule", "tests/integration/"), HOSTS, 240),
    Part("rehearsal", ("tests/acceptance/test_rehearsal",), ("deployer/sandboxes/nspawn/",), 60),
)
BENCHMARKS = (Part("benchmarks", ("tests/benchmarks/",), ("tests/benchmarks/",), 240),)
"""A budget of their own: they run behind the others, one at a time."""
BUDGET = 1300
"""Seconds of one deep run; the shares never come to more. A part that is added brings its own, or others give some."""


def part_of(file: str) -> Part:
    """The part that a test file belongs to.

    Raises:
        LookupError: no part has it.
    """
    found = [(len(prefix), part) for part in (*PARTS, *BENCHMARKS) for prefix in part.tests if file.startswith(prefix)]
    if not found:
        raise LookupError(f"{file} belongs to no part of tests/budget/shares.py")
    return max(found, key=lambda each: each[0])[1]
