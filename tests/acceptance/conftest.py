"""The command line as a person types it, in a sandbox of its own with real git, Ansible and services.

Inputs: arguments, environment, files that a person edits. Outputs: exit code, stdout, stderr, what answers over HTTP,
what is on the remote. Nothing is faked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.far import Far
from tests.acceptance.forked import run
from tests.acceptance.mould import NAME, Mould
from tests.budget.marks import TIER
from tests.budget.pace import limit
from tests.sshd import made_lan

SITE = "fra1"


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401  a JSON document is looked at key by key
        """What `--json` printed."""
        return json.loads(self.out)

    @property
    def outcomes(self) -> dict[str, str]:
        """Target -> outcome, of a run printed with `--json`."""
        return {result["target"]: result["outcome"] for result in self.document["data"]["results"]}

    @property
    def errors(self) -> dict[str, str]:
        """Target -> error."""
        return {result["target"]: result["error"] for result in self.document["data"]["results"]}


class Shell:
    """Runs `deployer` with a state folder and a home of its own, without a terminal."""

    seconds = 600.0
    """After these a command hangs, on a usual machine."""

    def __init__(self, folder: Path, sandbox: str = "") -> None:
        self.folder = folder
        home = folder / "home"
        home.mkdir(exist_ok=True)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
        self.environment = {**kept, "HOME": str(home), "DEPLOYER_STATE": str(folder / "state")}
        if sandbox:
            self.environment["DEPLOYER_SANDBOX"] = sandbox

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command in a session of its own, as a terminal would."""
        return subprocess.Popen(
            [sys.executable, "-m", "deployer", *arguments],
            cwd=self.folder,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *arguments: str, **variables: str) -> Done:
        """Run a command to its end."""
        if TIER != "all":
            environment = self.environment | variables
            return Done(*run(arguments, folder=self.folder, environment=environment, seconds=limit(self.seconds)))
        with self.start(*arguments, **variables) as process:
            try:
                out, err = process.communicate(timeout=limit(self.seconds))
            except BaseException:
                # Else the end of the context would wait for it, behind the time limit of the test.
                process.kill()
                raise
        return Done(process.returncode, out, err)


class Box:
    """A sandbox, and the people in it."""

    def __init__(self, shell: Shell, name: str) -> None:
        self.shell = shell
        self.name = name
        self.folder = shell.folder / "state" / "sandboxes" / name
        self.clone = self.home / "deployer" / f"clusterconfig-{SITE}"
        self.erin = self.folder / "people" / "erin" / f"clusterconfig-{SITE}"
        self.remote = self.folder / "remotes" / f"clusterconfig-{SITE}.git"

    @property
    def home(self) -> Path:
        """Of the deployer host of the first site."""
        return next((self.folder / "hosts").glob(f"{SITE}-*")) / "home"

    def deployer(self, *arguments: str, **variables: str) -> Done:
        """Run `deployer` in this sandbox."""
        return self.shell(*arguments, DEPLOYER_SANDBOX=self.name, **variables)

    def git(self, folder: Path, *arguments: str, check: bool = True) -> str:
        """Run git as the person whose clone it is."""
        home = {"HOME": str(self.home)} if self.home in folder.parents else {}
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=os.environ | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "true"} | home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.strip()

    def edit(self, clone: Path, before: str, after: str, *, path: str = "viatris.xml") -> None:
        """Change a line as a person does, without committing."""
        file = clone / path
        text = file.read_text(encoding="utf-8")
        assert before in text
        file.write_text(text.replace(before, after, 1), encoding="utf-8")

    def commit(self, clone: Path, subject: str = "A change") -> str:
        """Commit everything; the commit's object id."""
        self.git(clone, "add", "-A")
        self.git(clone, "commit", "-q", "-m", subject)
        return self.git(clone, "rev-parse", "HEAD")

    def push(self, subject: str = "A change") -> str:
        """Erin commits and pushes what she edited."""
        commit = self.commit(self.erin, subject)
        self.git(self.erin, "push", "-q", "origin", "HEAD:main")
        return commit

    def on_remote(self, path: str = "viatris.xml") -> str:
        """A file as a fresh clone would have it."""
        return self.git(self.remote, "show", f"main:{path}")

    def answer(self, instance: str = "viatris") -> dict[str, str]:
        """What the instance's health endpoint says."""
        plan = self.deployer("plan", "redeploy", SITE, instance, "--json").document["data"]
        targets = [*plan["held"], *(t for b in plan["buckets"] for batch in b["batches"] for t in batch["targets"])]
        return self.get(targets[0]["fields"]["port"])

    def get(self, port: str) -> dict[str, str]:
        """GET /health on a port of the sandbox."""
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=limit(60)) as answer:
            said: dict[str, str] = json.load(answer)
        return said

    def port(self, instance: str = "viatris") -> str:
        """The port of an instance, from its manifest on the remote."""
        return self.on_remote(f"{instance}.xml").split('<service port="')[1].split('"')[0]


def _make(folder: Path, name: str, *options: str) -> Iterator[Box]:
    shell = Shell(folder)
    made = shell("sandbox", "create", name, *options)
    assert made.code == 0, made.err
    try:
        yield Box(shell, name)
    finally:
        destroyed = shell("sandbox", "destroy", name)
        assert destroyed.code == 0, destroyed.err


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A command line with nothing done yet."""
    return Shell(tmp_path)


def _moulded(place: Path, *commands: tuple[str, ...]) -> Iterator[Mould]:
    def make(folder: Path) -> None:
        shell = Shell(folder, NAME)
        for command in (("sandbox", "create", NAME), *commands):
            done = shell(*command)
            assert done.code == 0, done.out + done.err

    mould = Mould(place, make)
    yield mould
    mould.end()


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mould]:
    """One site, three instances, nothing deployed; the inventory was asked for."""
    yield from _moulded(tmp_path_factory.mktemp("fresh"), ("plan", "redeploy", SITE))


@pytest.fixture(scope="session")
def rolled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mould]:
    """The same, rolled out."""
    yield from _moulded(tmp_path_factory.mktemp("rolled"), ("redeploy", SITE))


@pytest.fixture
def box(fresh: Mould) -> Iterator[Box]:
    """A fresh sandbox: one site, three instances, nothing deployed."""
    fresh.cast()
    yield Box(Shell(fresh.folder), NAME)
    fresh.end()


@pytest.fixture
def deployed(rolled: Mould) -> Iterator[Box]:
    """The same, rolled out."""
    rolled.cast()
    yield Box(Shell(rolled.folder), NAME)
    rolled.end()


@pytest.fixture
def far(box: Box, tmp_path: Path) -> Iterator[Far]:
    """The deployer host of a fresh sandbox, behind an sshd that takes three new connections at once."""
    lan = made_lan(tmp_path / "controller")
    try:
        yield Far(box, lan, lan.start(startups="3:100:3"))
    finally:
        lan.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A sandbox for a whole module, for tests that leave it as it was."""
    yield from _make(tmp_path_factory.mktemp("shared"), "shared", "--sites", "fra1,ams2")
