"""Start-up, against `python -c "import click"` in the same run; and our CPU before Ansible begins."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.bounds import within

ROUNDS = 7
TICKS = os.sysconf("SC_CLK_TCK")
BARE = 0.4
"""Processor seconds of `ansible-playbook --version` where a second is the bound; a slower machine has more of both."""


def _cpu(*command: str) -> float:
    """Seconds of processor time of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.benchmark
def test_help_costs_at_most_three_times_the_import_of_click(capsys: pytest.CaptureFixture[str]) -> None:
    """Medians of interleaved runs, processor time of whole processes."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(_cpu(sys.executable, "-c", "import click"))
        ours.append(_cpu(sys.executable, "-m", "deployer", "--help"))
    ratio = statistics.median(ours) / statistics.median(theirs)

    with capsys.disabled():
        print(f"\ndeployer --help / import click: {ratio:.2f} (at most 3)")  # noqa: T201  a benchmark prints its table
    assert ratio <= within(3)


def _ours_before_ansible(process: subprocess.Popen[bytes]) -> float:
    """Processor seconds of deployer and its children when the first ansible-playbook appears below it."""
    spent = 0.0
    while process.poll() is None:
        family = _family(process.pid)
        if any(b"ansible-playbook" in command for command, _ in family.values()):
            return spent
        spent = max(spent, sum(cpu for _, cpu in family.values()))
    raise AssertionError("ansible-playbook was not seen")


def _family(pid: int) -> dict[int, tuple[bytes, float]]:
    """The process and its descendants: command line and processor seconds, ended children's included."""
    found, todo = {}, [pid]
    while todo:
        one = todo.pop()
        try:
            fields = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
            command = Path(f"/proc/{one}/cmdline").read_bytes()
            todo += [int(n) for t in Path(f"/proc/{one}/task").iterdir() for n in (t / "children").read_text().split()]
        except OSError:
            continue
        found[one] = (command, sum(int(value) for value in fields[11:15]) / TICKS)
    return found


@pytest.mark.benchmark
def test_less_than_a_second_of_our_cpu_before_ansible_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From Enter to the first ansible-playbook, on the sandbox, its inventory known from the run before."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DEPLOYER_STATE": str(tmp_path / "state")}
    environment |= {"DEPLOYER_SANDBOX": "bench", "LC_ALL": "C.UTF-8"}
    deployer = [sys.executable, "-m", "deployer"]

    def run(*arguments: str) -> None:
        subprocess.run([*deployer, *arguments], env=environment, check=True, capture_output=True)

    run("sandbox", "create", "bench")
    try:
        run("redeploy", "fra1")
        spent = []
        for _ in range(3):
            with subprocess.Popen(
                [*deployer, "redeploy", "fra1"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as process:
                spent.append(_ours_before_ansible(process))
    finally:
        run("sandbox", "destroy", "bench")
    ours, bare = statistics.median(spent), _bare()
    with capsys.disabled():
        said = f"our CPU before ansible-playbook: {ours:.2f} s; of ansible-playbook --version: {bare:.2f} s"
        print(f"\n{said} (at most 1 s, or {1 / BARE} times that)")  # noqa: T201  as above
    assert ours < within(max(1, bare / BARE))


def _bare() -> float:
    """Processor seconds of Ansible's own start: what a person's command costs before it does a thing."""
    command = str(Path(sys.executable).with_name("ansible-playbook"))
    return statistics.median(_cpu(command, "--version") for _ in range(ROUNDS))
