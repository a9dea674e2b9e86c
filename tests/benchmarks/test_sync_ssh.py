"""Many sites synced side by side over SSH, beside one: a real sshd, a connection for each site."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.bounds import within
from tests.benchmarks.test_sync import TOP, Field, show
from tests.budget.marks import deep
from tests.sshd import Lan, made_lan

SITES = 30
ROUNDS = 9


@pytest.fixture
def lan(tmp_path: Path) -> Iterator[Lan]:
    """A controller's home, and the servers that let it in."""
    made = made_lan(tmp_path / "home")
    yield made
    made.stop()


class Controller:
    """Starts processes that sync sites.

    Args:
        lan: whose home it has.
        field: the clones.
    """

    def __init__(self, lan: Lan, field: Field) -> None:
        login = field.root / "login"
        login.mkdir()
        self._port = str(lan.start(login=login).port)
        self._field = field
        self._environment = {**field.environment, "HOME": str(lan.home), "PYTHONPATH": str(TOP)}

    def sync(self, count: int, rounds: int = 0) -> tuple[float, list[tuple[float, float]]]:
        """Seconds of a whole process that syncs so many sites, and of the further rounds that it was told to make."""
        clones = [str(self._field.clone(number)) for number in range(count)]
        argv = [sys.executable, "-m", "tests.benchmarks.sites", self._port, self._field.url, str(rounds), *clones]
        began = time.perf_counter()
        done = subprocess.run(argv, env=self._environment, check=True, stdout=subprocess.PIPE, cwd=TOP)
        return time.perf_counter() - began, json.loads(done.stdout)


@pytest.mark.benchmark
@deep(60)
def test_thirty_sites_cost_at_most_five_times_one(tmp_path: Path, lan: Lan, capsys: pytest.CaptureFixture[str]) -> None:
    """Syncs with nothing to do, from cold: the process, its imports, connections, handshakes, programs, gits."""
    controller = Controller(lan, Field(tmp_path / "field").make(SITES))
    controller.sync(SITES)
    pairs = [(controller.sync(1)[0], controller.sync(SITES)[0]) for _ in range(ROUNDS)]
    cold = statistics.median(all_ / one for one, all_ in pairs)
    again = controller.sync(SITES, ROUNDS)[1]
    warm = statistics.median(all_ / one for one, all_ in again)

    show(
        capsys,
        f"\n{SITES} syncs with nothing to do over SSH / one: {cold:.2f} (at most 5)",
        f"the same in a process that has done it before: {warm:.2f}",
        f"medians, ms: {_ms(pairs)} whole processes; {_ms(again)} done before",
    )
    assert cold <= within(5)


def _ms(pairs: list[tuple[float, float]]) -> str:
    one, everything = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
    return f"{one:.0f} and {everything:.0f}"
