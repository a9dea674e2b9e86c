"""The databases that the store is tried on.

Inputs: values of the model. Outputs: what a store gives back. Real: SQLite, PostgreSQL (a server of our own on a unix
socket, as the user `postgres` when we are root), processes, locks. Faked: nothing.
"""

from __future__ import annotations

import os
import subprocess
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
    # One worker alone starts a PostgreSQL server.
    postgresql = pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))
    if "store" in metafunc.fixturenames:
        metafunc.parametrize("kind", ["memory", "sqlite", postgresql])
    elif "url" in metafunc.fixturenames:
        metafunc.parametrize("kind", ["sqlite", postgresql])


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The folder of the socket of a running server."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not binaries:
        reason = "PostgreSQL is not installed (Debian: apt install postgresql)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("postgresql")
    data, initdb, pg_ctl = folder / "data", binaries[-1], binaries[-1].with_name("pg_ctl")
    prefix = _as_postgres(folder)
    _run([*prefix, initdb, "-D", data, "-U", "deployer", "-A", "trust", "-E", "UTF8", "--no-sync"])
    options = f"-c listen_addresses= -c unix_socket_directories='{folder}' -c fsync=off"
    _run([*prefix, pg_ctl, "-D", data, "-w", "-l", folder / "log", "-o", options, "start"])
    yield str(folder)
    _run([*prefix, pg_ctl, "-D", data, "-w", "-m", "immediate", "stop"])


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
