"""A redeploy on real hosts beside the other ways to do it; medians of interleaved runs, everything in one run."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.benchmarks.bounds import within
from tests.benchmarks.hosts import Lab
from tests.budget.marks import deep
from tests.nspawn import IMAGES, needed

BARE = 2.65
"""Seconds of `ansible-playbook` alone for 8 instances on the machine of doc/performance.md."""
ROUNDS = 3
VERSIONS = ("1.5.0", "1.4.2")
pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1500)]


def made(folder: Path, monkeypatch: pytest.MonkeyPatch, sites: tuple[str, ...], clusters: int, instances: int) -> Lab:
    """Real hosts with everything rolled out."""
    needed()
    lab = Lab(folder, sites)
    folder.mkdir()
    for name, value in (IMAGES | lab.environment).items():
        monkeypatch.setenv(name, value)
    size = ("--clusters", str(clusters), "--instances", str(instances))
    lab.deployer("sandbox", "create", "bench", "--backend", "nspawn", "--sites", ",".join(sites), *size)
    lab.deployer("redeploy", *sites)
    return lab


@pytest.fixture
def eight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Eight instances on eight hosts behind a deployer host."""
    lab = made(tmp_path / "eight", monkeypatch, ("fra1",), 8, 8)
    yield lab
    lab.deployer("sandbox", "destroy", "bench")


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """30 clusters of three sites with 120 instances."""
    lab = made(tmp_path / "many", monkeypatch, ("fra1", "ams2", "iad1"), 30, 120)
    yield lab
    lab.deployer("sandbox", "destroy", "bench")


def show(capsys: pytest.CaptureFixture[str], *lines: str) -> None:
    """Print the table, also when the test passes."""
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201  a benchmark prints its table


@deep(100)
def test_a_rollout_beside_stock_modules_and_pyinfra(eight: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Every run brings eight instances to another version: at most 0.25 of the stock role, 1.5 of pyinfra."""
    ways: dict[str, Callable[[str], float]] = {"ours": eight.ours, "stock": eight.stock, "pyinfra": eight.pyinfra}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for each in range(ROUNDS + 1):
        for name, way in ways.items():
            # The first round makes what is there from then on, folders and units.
            seconds[name] += [way(VERSIONS[each % 2])] if each else [way(VERSIONS[0])][1:]
    middle = {name: statistics.median(found) for name, found in seconds.items()}

    show(
        capsys,
        "8 instances on 8 hosts        seconds  ours beside it",
        *(f"{name:28} {found:8.2f} {middle['ours'] / found:15.2f}" for name, found in middle.items()),
    )
    assert middle["ours"] <= within(0.25) * middle["stock"]
    assert middle["ours"] <= within(1.5) * middle["pyinfra"]


@deep(100)
def test_what_deployer_adds_to_ansible(eight: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """`deployer redeploy` without its sync takes at most 1.2 s more than bare `ansible-playbook` with our playbook.

    That is on a machine where the bare one takes `BARE` seconds; one that is slower has as much more time. What kept
    connections would give is printed beside it.
    """
    whole, bare = [], []
    for _ in range(ROUNDS + 2):
        found = eight.whole()
        whole.append(found.seconds - found.sync)
        bare.append(eight.bare())
    more = statistics.median(one - other for one, other in zip(whole, bare, strict=True))
    with tempfile.TemporaryDirectory(prefix="deployer-kept-", dir="/tmp") as eight.kept:
        kept = statistics.median([eight.bare() for _ in range(ROUNDS + 1)][1:])

    show(
        capsys,
        f"redeploy without sync: {statistics.median(whole):.2f} s, bare: {statistics.median(bare):.2f} s, "
        f"{more:.2f} s more; on kept connections: {kept:.2f} s",
    )
    assert more <= within(1.2) * max(1, statistics.median(bare) / BARE)


@deep(100)
def test_many_instances_cost_what_they_cost_ansible(many: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """At 120 instances: at most 5 % more time than bare Ansible, under 300 MB, no more processor time for each."""
    (first, *_others) = many.playbook_runs()
    few = many.whole("fra1", *(target.instance for target in first.targets[:8]))
    whole, bare = [], []
    for _ in range(ROUNDS):
        whole.append(many.whole())
        bare.append(many.bare())
    count = sum(len(run.targets) for run in many.playbook_runs())
    ours = statistics.median(one.seconds - one.sync for one in whole)
    ratio = ours / statistics.median(bare)
    memory = max(one.memory for one in whole) / 1024
    each = statistics.median(one.cpu for one in whole) / count, few.cpu / 8

    show(
        capsys,
        f"{count} instances: {ours:.1f} s without sync, {ratio:.3f} of bare Ansible, {memory:.0f} MB",
        f"processor time of the controller for each target: {each[0]:.3f} s, of 8 targets: {each[1]:.3f} s",
    )
    assert memory < 300
    assert each[0] <= within(each[1])
    assert ratio <= within(1.05)
