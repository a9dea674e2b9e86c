"""The databases that the store is tried on.

Inputs: values of the model. Outputs: what a store gives back. Real: SQLite, PostgreSQL (a server of our own on a unix
socket, as the user `postgres` when we are root), processes, locks. Faked: nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest

from deployer.model.run import Run
from deployer.ports import Store
from deployer.store import SqlStore
from deployer.testing import MemoryStore

STARTED = datetime(2026, 11, 20, 21, 46, 55, 123456, tzinfo=UTC)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test of a store runs on each of them; those that need processes not in memory."""
    if any("kind" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")):
        return
    if "store" in metafunc.fixturenames:
        metafunc.parametrize("kind", ["memory", "sqlite", "postgresql"])
    elif {"url", "opened", "start_writer"} & set(metafunc.fixturenames):
        metafunc.parametrize("kind", ["sqlite", "postgresql"])


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The folder of the socket of a running server."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not binaries:
        reason = "PostgreSQL is not installed (Debian: apt install postgresql)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("postgresql")
    data, prefix = folder / "data", _as_postgres(folder)
    _run([*prefix, binaries[-1], "-D", data, "-U", "deployer", "-A", "trust", "-E", "UTF8", "--no-sync"])
    server = _server([*prefix, binaries[-1].with_name("postgres"), "-D", data], folder)
    with server:
        yield str(folder)
        server.send_signal(signal.SIGQUIT)


def _server(argv: list[str | Path], folder: Path) -> subprocess.Popen[str]:
    """A server that takes connections; it says so in its log, in which errors of statements do not stand."""
    options = ("listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "log_min_messages=log")
    settings = [word for option in options for word in ("-c", option)]
    server = subprocess.Popen([*argv, *settings], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    assert any("ready to accept connections" in line for line in server.stderr), "PostgreSQL did not start"
    return server


def _as_postgres(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root; its user gets into our private folder by a capability instead."""
    if os.geteuid() != 0:
        return []
    _run(["chown", "postgres", folder])
    capability = ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", *capability]


def _run(argv: list[str | Path]) -> None:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from deployer.model.run import Event, Outcome, Run, TargetResult
from deployer.store import SqlStore

url, folder, run_id, times = sys.argv[1:]
now = datetime.now(UTC)
store = SqlStore(url, Path(folder))
print("ready", flush=True)
sys.stdin.readline()
with store.begin(Run(run_id, "instance-redeploy", "production", ("fra1",), (), "cron", folder, now)):
    store.record(run_id, [TargetResult("half.fra1", "fra1", Outcome.CHANGED, started=now)])
    for number in range(1, int(times) + 1):
        store.append(run_id, [Event(number, now, "task", f"{run_id} {number}")])
    print("written", flush=True)
    sys.stdin.readline()
    store.append(run_id, [Event(int(times) + 1, now, "task", "last")])
    print("appended", flush=True)
    sys.stdin.readline()
"""


class Writer:
    """A process that executes a run: each `go` lets it take its next step, and waits for that."""

    def __init__(self, url: str, folder: Path, run: str, times: int = 3) -> None:
        argv = [sys.executable, "-c", WRITER, url, str(folder), run, str(times)]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.heard("ready")

    def go(self) -> None:
        """Let it do its next step."""
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def heard(self, word: str) -> None:
        """Wait until it says so."""
        assert self.process.stdout
        assert self.process.stdout.readline().strip() == word

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start_writer(url: str, tmp_path: Path) -> Iterator[Callable[..., Writer]]:
    """Start a process of another controller that executes a run on the database of the test."""
    writers: list[Writer] = []

    def start(controller: str, run: str, times: int = 3) -> Writer:
        writers.append(Writer(url, tmp_path / controller, run, times))
        return writers[-1]

    yield start
    for writer in writers:
        writer.kill()


_NUMBERS = count()


@pytest.fixture
def url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of an empty database; of a folder's own file for SQLite."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / 'shared.db'}"
    socket: str = request.getfixturevalue("postgresql")
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(host=socket, user="deployer", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"postgresql+psycopg://deployer@/{name}?host={socket}"


@pytest.fixture
def opened(url: str, tmp_path: Path) -> Iterator[Callable[[str], SqlStore]]:
    """A store of a controller with a state folder of its own, on the database of the test."""
    stores: list[SqlStore] = []

    def open_store(controller: str) -> SqlStore:
        stores.append(SqlStore(url, tmp_path / controller))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


@pytest.fixture
def store(kind: str, request: pytest.FixtureRequest) -> Store:
    """A store with nothing in it."""
    if kind == "memory":
        return MemoryStore()
    open_store: Callable[[str], Store] = request.getfixturevalue("opened")
    return open_store("here")


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Runs that differ by their number, each a minute after the one before."""

    def make(number: int = 1, **changes: object) -> Run:
        run = Run(
            id=f"20261120-21{number:02}55-k3f{number % 10}",
            operation="instance-redeploy",
            environment="production",
            sites=("fra1",),
            instances=("viatris",),
            who="ops",
            controller="box",
            started=STARTED + timedelta(minutes=number),
        )
        return replace(run, **changes)  # type: ignore[arg-type]  # the fields of Run, by name

    return make
