"""Several runs change one clone at the same time: one push carries what waited, and each hears of its own commit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.model.merge import MergeResult
from deployer.model.sync import Change, Edit, SyncResult, SyncStatus
from tests.budget.pace import limit

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World

WAIT = 120.0
"""Seconds for what takes a moment."""


def until(true: Callable[[], bool]) -> None:
    """Look until it is so."""
    end = time.monotonic() + limit(WAIT)
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.005)


def queue(world: World) -> Path:
    """Where changes wait."""
    return world.clone / ".git" / "deployer" / "queue"


def waiting(world: World, count: int) -> Callable[[], bool]:
    """Whether so many changes wait."""
    return lambda: len(list(queue(world).glob("*.json"))) == count


def new(number: int) -> Change:
    """A change that adds a file of its own."""
    edit = Edit(f"new{number}.xml", f"{number}\n".encode(), "")
    return Change(f"change {number}", (edit,), f"Runner{number} <r{number}@example.org>")


class Gate:
    """A hook of the remote that lets some pushes wait."""

    def __init__(self, world: World, name: str) -> None:
        self._root = world.root
        log = self._root / "pushes"
        closed, reached = f"'{self._root}/closed'$n", f"'{self._root}/reached'$n"
        world.hook(
            name,
            f"echo push >>'{log}'\nn=$(wc -l <'{log}')\n[ -e {closed} ] || exit 0\n"
            f"touch {reached}\nwhile [ -e {closed} ]; do sleep 0.01; done",
        )

    def close(self, number: int) -> None:
        """The n-th push stops here."""
        (self._root / f"closed{number}").touch()

    def reached(self, number: int) -> bool:
        """Whether it waits."""
        return (self._root / f"reached{number}").exists()

    def open(self, number: int) -> None:
        """Let it pass."""
        (self._root / f"closed{number}").unlink(missing_ok=True)

    @property
    def pushes(self) -> int:
        """How many came by."""
        return len((self._root / "pushes").read_text().splitlines())


class Runs:
    """Syncs that run side by side, each a process of its own."""

    def __init__(self, world: World, pool: ThreadPoolExecutor) -> None:
        self._world = world
        self._pool = pool
        self.processes: list[subprocess.Popen[bytes]] = []
        world.host.started = self.processes.append

    def start(self, *changes: Change) -> list[Future[SyncResult]]:
        """Start them, each after the one before is in the queue, so that their order is known."""
        started = []
        for change in changes:
            count = len(list(queue(self._world).glob("*.json")))
            started.append(
                self._pool.submit(self._world.engine().sync, self._world.host, self._world.repository, change)
            )
            until(waiting(self._world, count + 1))
        return started

    def first(self, change: Change, gate: Gate) -> Future[SyncResult]:
        """Start one that gets the clone, and goes as far as the gate."""
        gate.close(1)
        started = self._pool.submit(self._world.engine().sync, self._world.host, self._world.repository, change)
        until(lambda: gate.reached(1))
        return started


@pytest.fixture
def runs(world: World) -> Iterator[Runs]:
    """For up to eight."""
    with ThreadPoolExecutor(8) as pool:
        yield Runs(world, pool)


@contextmanager
def gate(world: World, hook: str = "pre-receive") -> Iterator[Gate]:
    """A gate that is open in the end, whatever happened."""
    made = Gate(world, hook)
    try:
        yield made
    finally:
        for number in range(1, 10):
            made.open(number)


def holder(world: World) -> int:
    """The process that has the clone."""
    pid = json.loads((world.clone / ".git" / "deployer" / "lock").read_text())["pid"]
    assert isinstance(pid, int)
    return pid


def subject(world: World, oid: str) -> str:
    """Of a commit on the remote."""
    assert oid in world.git(world.bare, "rev-list", "main").splitlines()
    return world.git(world.bare, "log", "-1", "--format=%s %an", oid)


def settled(world: World) -> None:
    """Nothing is left of it all: the clone is in step, the queue empty."""
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()
    assert world.git(world.clone, "status", "--porcelain") == ""
    assert list(queue(world).iterdir()) == []


def test_what_waits_lands_with_one_push(world: World, runs: Runs) -> None:
    """Six runs change one clone at once: two pushes, six commits, and each run is told its own."""
    with gate(world) as pushing:
        started = [runs.first(new(0), pushing), *runs.start(*map(new, range(1, 6)))]
        pushing.open(1)
        results = [one.result() for one in started]

    assert [result.status for result in results] == [SyncStatus.LANDED] * 6
    assert pushing.pushes == 2
    told = [subject(world, result.change) for result in results]
    assert told == [f"change {number} Runner{number}" for number in range(6)]
    assert [[commit.oid for commit in result.landed] for result in results] == [[one.change] for one in results]
    assert {result.attempts for result in results} == {1}
    assert len(world.subjects()) == 7
    settled(world)


def test_a_conflict_is_told_to_its_own_run_alone(world: World, runs: Runs, manifest: str) -> None:
    """Two of those that wait change the same line: the earlier one lands, with all others; the other hears of it."""
    changes = [
        new(1),
        world.change(manifest.replace("line 9\n", "one\n"), message="one"),
        world.change(manifest.replace("line 9\n", "two\n"), message="two"),
        new(2),
    ]
    with gate(world) as pushing:
        started = [runs.first(new(0), pushing), *runs.start(*changes)]
        pushing.open(1)
        results = [one.result() for one in started]

    statuses = [result.status for result in results]
    assert statuses.count(SyncStatus.MANUAL) == 1
    (refused,) = (result for result in results if result.manual)
    assert refused.manual is not None
    assert refused.manual.kind == "conflict"
    assert refused.change == ""
    landed = [subject(world, result.change).split(" ")[0] for result in results if not result.manual]
    assert len({*landed} & {"one", "two"}) == 1
    assert len(world.subjects()) == 5
    settled(world)


@pytest.mark.parametrize("hook", ["pre-receive", "post-receive"])
def test_the_one_that_pushes_is_killed(world: World, runs: Runs, hook: str) -> None:
    """It dies with the changes of four others on the way, before or after the server took them: each lands once."""
    with gate(world, hook) as pushing:
        started = [runs.first(new(0), pushing), *runs.start(*map(new, range(1, 6)))]
        pushing.close(2)
        pushing.open(1)
        until(lambda: pushing.reached(2))
        os.kill(holder(world), signal.SIGKILL)
        pushing.open(2)
        results = [one.result() for one in started if not one.exception()]
        died = [one for one in started if one.exception()]

    assert len(died) == 1
    assert [result.status for result in results] == [SyncStatus.LANDED] * 5
    assert sorted({*world.subjects()}) == sorted(world.subjects())
    told = {subject(world, result.change) for result in results}
    assert len(told) == 5
    again = world.engine().sync(world.host, world.repository)
    assert again.manual is None
    assert len(world.subjects()) in (6, 7)  # its own change lands if the server had it; nobody is there to be told
    settled(world)


def test_two_that_want_the_same(world: World, runs: Runs) -> None:
    """The same change twice is one commit, and both are told of it."""
    with gate(world) as pushing:
        started = [runs.first(new(0), pushing), *runs.start(new(1), new(1))]
        pushing.open(1)
        results = [one.result() for one in started]

    assert results[1].change == results[2].change
    assert subject(world, results[1].change) == "change 1 Runner1"
    assert len(world.subjects()) == 3
    settled(world)


def test_a_run_that_died_in_the_queue_lands_nothing(world: World, runs: Runs) -> None:
    """Nobody would hear of its change; what it left is removed, as is what others left long ago."""
    with gate(world) as pushing:
        first = runs.first(new(0), pushing)
        (doomed,) = runs.start(new(1))
        (kept,) = runs.start(new(2))
        (queue(world) / "00000000000000000001-old.fate").write_text("{}")
        (queue(world) / "00000000000000000001-old.taken").write_text("{}")
        runs.processes[1].send_signal(signal.SIGKILL)
        assert doomed.exception()
        pushing.open(1)
        results = [first.result(), kept.result()]

    assert [result.status for result in results] == [SyncStatus.LANDED] * 2
    assert world.subjects() == ["change 2", "change 0", "first"]
    settled(world)


def test_a_run_that_is_ended_politely_leaves_the_queue(world: World, runs: Runs) -> None:
    """SIGTERM, as at a deadline: the change is withdrawn."""
    with gate(world) as pushing:
        first = runs.first(new(0), pushing)
        (ended,) = runs.start(new(1))
        runs.processes[1].terminate()
        assert ended.exception()
        assert list(queue(world).iterdir()) == []
        pushing.open(1)
        assert first.result().status is SyncStatus.LANDED

    assert world.subjects() == ["change 0", "first"]


def test_one_at_a_time(world: World, runs: Runs) -> None:
    """With a window of 0 nothing is combined: as many pushes as changes."""
    world.settings = world.settings.model_copy(update={"combine_window": 0.0})
    with gate(world) as pushing, ThreadPoolExecutor(3) as pool:
        results = list(
            pool.map(lambda change: world.engine().sync(world.host, world.repository, change), map(new, range(3)))
        )

    assert [result.status for result in results] == [SyncStatus.LANDED] * 3
    assert pushing.pushes == 3
    assert not queue(world).exists()
    assert runs.processes


def test_a_file_that_two_runs_change_is_merged_by_its_own_run(world: World, runs: Runs, manifest: str) -> None:
    """The structural merge is on the controller of each: both land, neither loses its edit."""
    merged: list[str] = []

    def merge(path: str, base: bytes, ours: bytes, theirs: bytes, *, rules: bytes) -> MergeResult:
        assert rules == b""
        merged.append(path)
        lines = zip(
            base.splitlines(keepends=True),
            ours.splitlines(keepends=True),
            theirs.splitlines(keepends=True),
            strict=True,
        )
        return MergeResult(b"".join(right if left == old else left for old, left, right in lines))

    changes = [world.change(manifest.replace(f"line {n}\n", f"run {n}\n"), message=f"run {n}") for n in (3, 9)]
    engine = world.engine(merge)
    with gate(world) as pushing, ThreadPoolExecutor(2) as pool:
        first = runs.first(new(0), pushing)
        started = [pool.submit(engine.sync, world.host, world.repository, change) for change in changes]
        until(waiting(world, 2))
        pushing.open(1)
        results = [first.result(), *(one.result() for one in started)]

    assert [result.status for result in results] == [SyncStatus.LANDED] * 3
    assert merged == ["viatris.xml"]
    found = world.at_tip("viatris.xml")
    assert "run 3" in found
    assert "run 9" in found
    settled(world)
