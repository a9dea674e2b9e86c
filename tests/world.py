"""What runs in a second world (`make test-trixie`): all that is cheap, and of the rest a share that changes each day.

A plugin of pytest (`-p tests.world`). The seed is the day and the commit as one number, and says which: of a share of
six, six days in a row run all tests of one commit. The seed `all` runs all of them at once.
"""

from __future__ import annotations

import zlib

import pytest

SHARES = {"tests/acceptance/": 6, "tests/integration/gitsync/": 3}
"""Beginning of a test's name -> of how many of such tests one runs; all others run."""
ELSEWHERE = (
    "tests/acceptance/test_molecule.py",
    "tests/acceptance/test_nspawn.py",
    "tests/acceptance/test_rehearsal.py",
    "tests/benchmarks/",
    "tests/integration/playbooks/test_systemd.py",
    "tests/integration/sandboxes/test_nspawn.py",
)
"""Beginnings of names of tests that bring a world of their own (hosts with systemd), or that measure."""


def number(seed: str) -> int | None:
    """A seed as a number; any text is one but `all`, which chooses nothing."""
    if seed == "all":
        return None
    return int(seed) if seed.isdecimal() else zlib.crc32(seed.encode())


def runs(name: str, seed: int | None) -> bool:
    """Whether a test is in the day's selection.

    Args:
        name: its node id.
        seed: with the next one, the next share; None for all of them.
    """
    if name.startswith(ELSEWHERE):
        return False
    share = next((share for start, share in SHARES.items() if name.startswith(start)), 1)
    return seed is None or (zlib.crc32(name.encode()) + seed) % share == 0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Not a variable: `deployer` takes each DEPLOYER_* that tests inherit for a setting of its own."""
    parser.addoption("--seed", default="0", help="which tests of the shares run")


def pytest_report_header(config: pytest.Config) -> str:
    """The seed, and what it chooses of."""
    shares = ", ".join(f"one in {share} of {start}" for start, share in SHARES.items())
    return f"seed {config.getoption('seed')}: {shares}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the others out."""
    seed = number(config.getoption("seed"))
    others = [item for item in items if not runs(item.nodeid, seed)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if runs(item.nodeid, seed)]
