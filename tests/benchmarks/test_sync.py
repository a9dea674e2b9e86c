"""Sync beside what everybody would do without it; ratios of one run, the engine in process.

16 writers make 5 changes each. The tables are printed.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployer.gitsync.remote.main import main as program_main
from tests.benchmarks.bounds import within
from tests.budget.marks import deep, deeper, depth

TOP = Path(__file__).parents[2]
WRITERS = 16
CHANGES = 5
ROUNDS = 31
FLAT = 4 << 10
"""KiB that a thousand syncs may add: what the allocator rounds up, not what leaks."""


@dataclass(frozen=True)
class Outcome:
    """What the writers came to."""

    seconds: float
    landings: list[tuple[float, int]]
    """Seconds and tries of each, the quickest first."""

    @property
    def p95(self) -> float:
        """Seconds that 95 of 100 landings did not exceed."""
        return self.landings[int(len(self.landings) * 0.95)][0]

    @property
    def tries(self) -> float:
        """Per landing."""
        return statistics.mean(tries for _seconds, tries in self.landings)

    @property
    def worst(self) -> int:
        """Most tries."""
        return max(tries for _seconds, tries in self.landings)

    def line(self, name: str) -> str:
        """For the table."""
        middle = self.landings[len(self.landings) // 2][0]
        rate = len(self.landings) / self.seconds
        figures = f"{self.seconds:7.2f} s {self.tries:6.2f} {self.worst:5} {middle:8.2f} {self.p95:6.2f} {rate:7.1f}"
        return f"{name:34} {figures}"


HEAD = f"\n{'':34} {'in all':>9} {'tries':>6} {'worst':>5} {'p50 s':>8} {'p95 s':>6} {'per s':>7}"


@dataclass
class Field:
    """A bare remote, and clones of it."""

    root: Path
    delayed: bool = False
    """Each connection takes 0.1 s longer, as over a network."""

    @property
    def environment(self) -> dict[str, str]:
        """Of git: no settings of this machine."""
        found = {"PATH": os.environ["PATH"], "HOME": str(self.root), "LC_ALL": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1"}
        found["GIT_CONFIG_GLOBAL"] = str(self.root / "gitconfig")
        return {**found, "GIT_SSH_COMMAND": str(self.root / "slow")} if self.delayed else found

    @property
    def bare(self) -> Path:
        """The remote."""
        return self.root / "remote.git"

    @property
    def url(self) -> str:
        """Of the remote."""
        return f"slow:{self.bare}" if self.delayed else str(self.bare)

    def clone(self, number: int = 0) -> Path:
        """One of the clones."""
        return self.root / f"clone{number}"

    def git(self, *args: str | Path) -> str:
        """Run git."""
        return subprocess.run(
            ["git", *args], check=True, capture_output=True, text=True, env=self.environment
        ).stdout.strip()

    def make(self, clones: int = 1) -> Field:
        """Everything anew: a file for each writer, and the clones."""
        self.root.mkdir(parents=True)
        config = "[user]\nname = Ben\nemail = ben@example.org\n[init]\ndefaultBranch = main\n[ssh]\nvariant = simple\n"
        (self.root / "gitconfig").write_text(config)
        (self.root / "slow").write_text('#!/bin/sh\nsleep 0.1  # the network\nshift\nexec sh -c "$*"\n')
        (self.root / "slow").chmod(0o755)
        self.git("init", "-q", "--bare", self.bare)
        self.git("clone", "-q", self.bare, self.clone())
        for number in range(WRITERS):
            (self.clone() / f"w{number}.xml").write_text("0\n")
        self.git("-C", self.clone(), "add", ".")
        self.git("-C", self.clone(), "commit", "-q", "-m", "first")
        self.git("-C", self.clone(), "push", "-q", "origin", "HEAD")
        for number in range(1, clones):
            self.git("clone", "-q", self.bare, self.clone(number))
        for number in range(clones):
            self.git("-C", self.clone(number), "remote", "set-url", "origin", self.url)
        return self

    def ready(self, count: int) -> None:
        """Commits that only need to be pushed."""
        for number in range(1, count + 1):
            (self.clone() / "w0.xml").write_text(f"{number}\n")
            self.git("-C", self.clone(), "commit", "-q", "-a", "-m", f"{number}")

    def subjects(self) -> list[str]:
        """Of the remote's commits."""
        return self.git("-C", self.bare, "log", "--format=%s", "main").splitlines()


def compete(field: Field, how: str) -> Outcome:
    """Let writers land their changes, and see that each is there once."""
    alone = how == "floor"
    field.make(WRITERS if how in ("naive", "clone") else 1)
    if alone:
        field.ready(WRITERS * CHANGES)
    shared = how in ("floor", "host")
    processes = [
        _writer(field, how, number, WRITERS * CHANGES if alone else CHANGES, field.clone(0 if shared else number))
        for number in range(1 if alone else WRITERS)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [json.loads(process.communicate()[0]) for process in processes]
    subjects = field.subjects()
    assert len(subjects) == len({*subjects}) == WRITERS * CHANGES + 1
    seconds = max(one["ended"] for one in said) - min(one["began"] for one in said)
    return Outcome(seconds, sorted((took, tries) for one in said for took, tries in one["landings"]))


def _writer(field: Field, how: str, number: int, count: int, clone: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "tests.benchmarks.writers", how, str(number), str(count), str(clone), field.url]
    environment = {**field.environment, "PYTHONPATH": str(TOP)}
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, stdin=pipe, stdout=pipe, env=environment, text=True, cwd=TOP)


def show(capsys: pytest.CaptureFixture[str], *lines: str) -> None:
    """Print the table."""
    with capsys.disabled():
        print("\n".join(lines))  # noqa: T201  a benchmark prints its table


@pytest.mark.benchmark
@deep(30)
def test_changes_through_one_host_cost_less_than_four_serial_pushes_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """16 runs change one clone at once; against pushing as many ready commits one after the other."""
    floor = compete(Field(tmp_path / "floor"), "floor")
    ours = compete(Field(tmp_path / "host"), "host")

    show(capsys, HEAD, floor.line("serial pushes of ready commits"), ours.line("sync, 16 runs on one host"))
    assert ours.seconds <= within(4) * floor.seconds


@pytest.mark.benchmark
@deep(30)
def test_behind_a_network_combining_costs_no_more_than_serial_pushes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same with 0.1 s for each connection."""
    floor = compete(Field(tmp_path / "floor", delayed=True), "floor")
    ours = compete(Field(tmp_path / "host", delayed=True), "host")

    show(capsys, HEAD, floor.line("serial pushes, +0.1 s each"), ours.line("sync, one host, +0.1 s each"))
    assert ours.seconds <= within(1.2) * floor.seconds


@pytest.mark.benchmark
@deep(60)
def test_many_clones_against_the_loop_that_everybody_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """16 clones, 5 commits each, one branch: `git pull --rebase && git push` until it landed, and sync."""
    naive = compete(Field(tmp_path / "naive"), "naive")
    clones = compete(Field(tmp_path / "clone"), "clone")
    host = compete(Field(tmp_path / "host"), "host")

    lines = naive.line("git pull --rebase && git push"), clones.line("sync, 16 clones"), host.line("sync, one host")
    show(capsys, HEAD, *lines)
    assert clones.seconds <= within(0.7) * naive.seconds
    assert clones.tries <= 2.5
    assert clones.worst <= 12
    assert clones.p95 <= within(naive.p95 / 2)
    assert host.seconds <= within(0.5) * naive.seconds
    assert host.p95 <= within(naive.p95 / 5)


def _request(field: Field) -> dict[str, object]:
    sent = {"step": "sync", "path": str(field.clone()), "remote": field.url, "branch": "main", "seconds": 60.0}
    return {**sent, "identity": "prod-deployer <deployer@example.org>", "combine": 0.2, "id": "one"}


@pytest.fixture
def field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Field:
    """One clone, whose program is run in this process."""
    made = Field(tmp_path / "field").make()
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@pytest.mark.benchmark
def test_a_sync_with_nothing_to_do_costs_at_most_three_fetches(
    field: Field, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program in process; the median of pairs, each run one right after the other."""
    program_main(_request(field))
    ratios = []
    for _ in range(ROUNDS):
        theirs = _seconds(lambda: field.git("-C", field.clone(), "fetch", "-q", "origin"))
        ratios.append(_seconds(lambda: program_main(_request(field))) / theirs)
    ratio = statistics.median(ratios)

    show(capsys, f"\nsync with nothing to do / git fetch: {ratio:.2f} (at most 3)")
    assert ratio <= within(3)


@pytest.mark.benchmark
@deeper(30)
def test_memory_and_open_files_stay_flat(field: Field, capsys: pytest.CaptureFixture[str]) -> None:
    """A thousand syncs in one process, every tenth with a change of somebody else to adopt."""
    program_main(_request(field))
    for number in range(30):
        _one_more(field, number)
    before = _used(field)
    count = depth(120, 1000)
    for number in range(count):
        _one_more(field, number)
    after = _used(field)

    show(capsys, *(f"{name}: {before[name]} before, {after[name]} after {count} syncs" for name in before))
    assert after["KiB"] <= before["KiB"] + FLAT
    assert after["open files"] == before["open files"]
    assert after["files in .git/deployer"] <= before["files in .git/deployer"] + 1


def _one_more(field: Field, number: int) -> None:
    if number % 10 == 0:
        ref = field.git("-C", field.bare, "commit-tree", "-p", "main", "-m", f"{number}", "main^{tree}")
        field.git("-C", field.bare, "update-ref", "refs/heads/main", ref)
    answer = program_main(_request(field))
    assert "failure" not in answer


def _used(field: Field) -> Mapping[str, int]:
    own = field.clone() / ".git" / "deployer"
    return {
        "KiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "open files": len(list(Path("/proc/self/fd").iterdir())),
        "files in .git/deployer": len(list(own.rglob("*"))),
    }
