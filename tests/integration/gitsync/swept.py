"""A world that is the same for every point of a sweep, and a host whose program meets a fault at one of its calls.

The server is a git daemon with processes of its own: only the clone's side is hurt.
"""

from __future__ import annotations

import ctypes
import json
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deployer.model.json import JsonObject
from deployer.model.program import Program
from deployer.model.site import Repository
from deployer.settings import SyncSettings
from tests.budget.pace import limit
from tests.integration.gitsync.conftest import BOOTSTRAP, LocalHost, TestClock, World, environment_of, streamed
from tests.support import missing

COUNT, KILL, FULL_ONCE, FULL_FROM = range(4)
MOST = 2048
SOURCE = Path(__file__).with_name("fault.c")


class State(ctypes.Structure):
    """`struct state` of fault.c."""

    _fields_ = (
        ("count", ctypes.c_long),
        ("at", ctypes.c_long),
        ("mode", ctypes.c_long),
        ("processes", ctypes.c_long),
        ("pids", ctypes.c_int * MOST),
    )


@pytest.fixture(scope="session")
def library() -> Iterator[Path]:
    """fault.c, compiled."""
    compiler = shutil.which("gcc") or missing("gcc, for the sweeps over system calls")
    with tempfile.TemporaryDirectory(prefix="deployer-fault-") as folder:
        made = Path(folder, "fault.so")
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", made, SOURCE, "-ldl"], check=True
        )
        yield made


@dataclass
class FaultyHost(LocalHost):
    """A host whose program, with every git that it starts, meets a fault at its n-th change of a file."""

    library: Path = Path()
    mode: int = COUNT
    at: int = 0
    count: int = 0
    """Changes of files of the last call that had a fault, or was counted."""
    is_faulty: bool = False

    def call(self, program: Program, request: JsonObject, *, deadline: float = 120.0) -> JsonObject:
        """Run the program, in a session of its own."""
        sent = streamed(program, request)
        with tempfile.NamedTemporaryFile(prefix="deployer-fault-") as shared:
            shared.write(bytes(State(at=self.at, mode=self.mode)))
            shared.flush()
            code, out, err = self._run(sent, shared.name, deadline)
            self.count = State.from_buffer_copy(Path(shared.name).read_bytes()).count
        if code == -signal.SIGKILL:
            raise ProgramKilledError
        assert code == 0, err.decode()
        answer: JsonObject = json.loads(out)
        return answer

    def _run(self, sent: bytes, shared: str, deadline: float) -> tuple[int, bytes, bytes]:
        fault = {"LD_PRELOAD": str(self.library), "FAULT_FILE": shared} if self.is_faulty else {}
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", BOOTSTRAP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environment, **fault},
            cwd=self.home,
            start_new_session=True,
        )
        with process:
            out, err = process.communicate(sent, timeout=deadline)
        return process.returncode, out, err


class ProgramKilledError(Exception):
    """What the host adapter would say of a program that was killed."""


@dataclass
class Template:
    """A world with everything in it, to be copied for each point."""

    folder: Path
    environment: dict[str, str]
    port: int
    library: Path
    root: Path = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.folder / "now"

    @property
    def url(self) -> str:
        """Of the remote."""
        return f"git://127.0.0.1:{self.port}/now/remote/clusterconfig-fra1.git"

    def fresh(self) -> Swept:
        """The world as it was at first, in the same place."""
        shutil.rmtree(self.root, ignore_errors=True)
        # With times: git knows by them which files it need not read.
        subprocess.run(["cp", "-a", self.folder / "first", self.root], check=True)
        host = FaultyHost(self.root / "home", self.environment, library=self.library)
        settings = SyncSettings(seconds=limit(60), first_wait=0.01, longest_wait=0.05)
        return Swept(self.root, self.environment, host, TestClock(), settings, url=self.url)


@dataclass
class Swept(World):
    """A world whose remote is behind a git daemon."""

    url: str = ""

    @property
    def faulty(self) -> FaultyHost:
        """The host."""
        assert isinstance(self.host, FaultyHost)
        return self.host

    @property
    def repository(self) -> Repository:
        """As the inventory describes it."""
        return Repository("clusterconfig-fra1", "~/deployer/clusterconfig-fra1", self.url)


class _Daemon(socketserver.ThreadingTCPServer):
    """A git daemon: a process for each connection, none of them a child of what is being hurt."""

    daemon_threads = True

    def __init__(self, base: Path, environment: dict[str, str]) -> None:
        self.environment = environment
        self.argv = ["git", "daemon", "--inetd", f"--base-path={base}", "--export-all", "--enable=receive-pack"]
        super().__init__(("127.0.0.1", 0), _Connection)


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Hand the connection over."""
        assert isinstance(self.server, _Daemon)
        subprocess.run(
            self.server.argv,
            stdin=self.request,
            stdout=self.request,
            stderr=subprocess.DEVNULL,
            env=self.server.environment,
            start_new_session=True,
            check=False,
        )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, library: Path) -> Iterator[Template]:
    """The first world, and its git daemon."""
    folder = tmp_path_factory.mktemp("swept")
    environment = environment_of(folder / "now" / "home")
    with _Daemon(folder, environment) as daemon:
        threading.Thread(target=daemon.serve_forever, daemon=True).start()
        made = Template(folder, environment, daemon.server_address[1], library)
        _fill(made)
        yield made
        daemon.shutdown()


def _fill(made: Template) -> None:
    """Ben's commit, Ada's changes on the remote, and every kind of file that a person may have lying about."""
    world = Swept(made.root, made.environment, FaultyHost(made.root / "home", made.environment), url=made.url)
    lines = "".join(f"line {number}\n" for number in range(1, 31))
    (made.root / "home").mkdir(parents=True)
    (made.root / "home" / ".gitconfig").write_text(
        "[user]\nname = Ben\nemail = ben@example.org\n[init]\ndefaultBranch = main\n"
    )
    world.bare.mkdir(parents=True)
    world.git(world.bare, "init", "-q", "--bare")
    world.git(made.root, "clone", "-q", made.url, str(world.ada), check=False)
    world.git(world.ada, "checkout", "-q", "-B", "main")
    first = {"viatris.xml": lines, "other.xml": lines, "staged.xml": lines, "gone.xml": lines, "doc/notes.txt": "n\n"}
    world.commit(world.ada, {**first, ".gitignore": "*.log\n"}, "first", push=True)
    world.clone.parent.mkdir(parents=True)
    world.git(made.root, "clone", "-q", made.url, str(world.clone))
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")
    theirs = {"viatris.xml": lines.replace("line 3\n", "ada\n"), "new/acme.xml": "new\n", "new/b.xml": "b\n"}
    world.commit(world.ada, {**theirs, "gone.xml": None, "doc/notes.txt": None}, "ada's", push=True)
    (world.clone / "other.xml").write_text("unstaged\n")
    (world.clone / "staged.xml").write_text("staged\n")
    world.git(world.clone, "add", "staged.xml")
    (world.clone / "staged.xml").write_text("and edited on\n")
    (world.clone / "untracked.xml").write_text("untracked\n")
    (world.clone / "ignored.log").write_text("ignored\n")
    made.root.rename(made.folder / "first")
