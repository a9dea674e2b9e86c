"""A project in a temporary folder: a playbook, an inventory and targets that run on this machine."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from deployer.app import SystemClock
from deployer.model.json import JsonObject
from deployer.model.plan import Target
from deployer.model.run import Outcome, TargetResult
from deployer.model.site import Cluster, Machine, Repository, Site
from deployer.playbook.driver import AnsibleDriver
from deployer.ports import PlaybookRun
from deployer.settings import AnsibleSettings, SshSettings
from deployer.testing import RecordingListener
from tests.budget.pace import limit

LOCAL: JsonObject = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}


@dataclass
class Stopper:
    """A stop that a test sets."""

    asked: bool = False
    now: bool = False


@dataclass
class Project:
    """Everything that a run needs, in one folder."""

    top: Path
    machine: Machine
    settings: AnsibleSettings = field(default_factory=AnsibleSettings)
    ssh: SshSettings = field(default_factory=SshSettings)
    environ: dict[str, str] = field(default_factory=dict)
    heard: RecordingListener = field(default_factory=RecordingListener)
    stop: Stopper = field(default_factory=Stopper)

    def playbook(self, tasks: str, *, hosts: str = "instances") -> Path:
        """Write a playbook of these tasks (YAML, indented by nothing)."""
        indented = "".join(f"    {line}\n" for line in tasks.splitlines())
        return self.text(f"- hosts: {hosts}\n  gather_facts: false\n  tasks:\n{indented}")

    def text(self, text: str) -> Path:
        """Write a playbook."""
        path = self.top / "my playbooks" / "instance-try" / "playbook.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def target(self, instance: str, value: JsonObject | None = None) -> Target:
        """A target on the machine."""
        return Target(
            instance, "test", "fra1", "c01", self.machine.name, f"{instance}.xml", "2.10", {"port": "8080"}, value or {}
        )

    def batch(self, playbook: Path, targets: tuple[Target, ...] = ()) -> PlaybookRun:
        """A run of `viatris` and `adler`, or of these targets."""
        machine = self.machine
        repository = Repository("clusterconfig-fra1", "~/deployer/clusterconfig-fra1")
        clusters = (Cluster("c01", (machine.name,)),)
        site = Site("test", "fra1", machine, repository, clusters, {machine.name: machine})
        targets = targets or (self.target("viatris"), self.target("adler"))
        return PlaybookRun("r1", "fra1", str(playbook), str(self.top / "inventory"), site, targets)

    def driver(self) -> AnsibleDriver:
        """The driver under test."""
        return AnsibleDriver(self.top / "runs", self.settings, self.ssh, SystemClock(), environ=self.environ)

    def run(self, batch: PlaybookRun) -> dict[str, TargetResult]:
        """Run it: results by instance."""
        return {result.target.split(".")[0]: result for result in self.driver().run(batch, self.heard, self.stop)}

    def outcomes(self, tasks: str) -> dict[str, Outcome]:
        """Run these tasks on both instances: outcomes by instance."""
        return {name: result.outcome for name, result in self.run(self.batch(self.playbook(tasks))).items()}

    def with_variables(self, **variables: object) -> Project:
        """The same with other variables of the machine."""
        return replace(self, machine=Machine(self.machine.name, {**LOCAL, **variables}))  # type: ignore[dict-item]

    def written(self) -> Iterator[tuple[Path, bytes]]:
        """Every file that a run left, with its content."""
        for path in sorted((self.top / "runs").rglob("*")):
            if path.is_file():
                yield path, path.read_bytes()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose home, temporary files and runs are all in tmp_path."""
    home = tmp_path / "home"
    home.mkdir()
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    (inventory / "hosts.yml").write_text("all: {children: {fra1: {hosts: {fra1-test-dep01: {}}}}}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    environ = {"HOME": str(home), "PATH": os.environ["PATH"]}
    return Project(tmp_path, Machine("fra1-test-dep01", LOCAL), environ=environ)


@pytest.fixture
def all_end() -> Callable[[dict[int, int]], bool]:
    """Waits until processes (pid -> pidfd) have ended; the time limit only bounds a failure."""

    def wait(handles: dict[int, int], most: float = 120.0) -> bool:
        left = set(handles.values())
        until = time.monotonic() + limit(most)
        while left and time.monotonic() < until:
            left -= set(select.select(left, [], [], max(0.0, until - time.monotonic()))[0])
        return not left

    return wait


@pytest.fixture
def started(tmp_path: Path) -> tuple[Path, Callable[[], int]]:
    """A FIFO to which a task writes its process id, and a function that waits for that."""
    fifo = tmp_path / "started"
    os.mkfifo(fifo)

    def wait() -> int:
        # Opened for writing as well: without a writer the other end would already be the end of file.
        with os.fdopen(os.open(fifo, os.O_RDWR), "rb", buffering=0) as reader:
            assert select.select([reader], [], [], limit(300))[0], "the task did not start"
            return int(reader.read(64))

    return fifo, wait


@pytest.fixture
def in_thread() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Runs something beside the test, and waits for it at the end."""
    threads: list[threading.Thread] = []

    def start(work: Callable[[], None]) -> None:
        threads.append(threading.Thread(target=work, daemon=True))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(timeout=limit(120))
