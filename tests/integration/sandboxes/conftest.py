"""Real sandboxes in a folder with a space, and what is needed to look at them from outside."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployer.model.json import JsonObject, JsonValue
from deployer.sandboxes import Sandbox, Sandboxes
from deployer.sandboxes.layout import SiteLayout
from deployer.sandboxes.supervisor.client import ask
from tests.budget.pace import limit

Wait = Callable[[Callable[[], bool]], None]


@pytest.fixture
def sandboxes(tmp_path: Path) -> Iterator[Sandboxes]:
    """The sandboxes of a state folder with a space in its name; destroyed in the end."""
    found = Sandboxes(tmp_path / "state of a test" / "sandboxes")
    yield found
    for sandbox in found.list():
        found.destroy(sandbox.name)


@pytest.fixture
def demo(sandboxes: Sandboxes) -> Sandbox:
    """A sandbox with one site and two instances."""
    return sandboxes.create("demo", instances=2)


@pytest.fixture
def fra1(demo: Sandbox) -> SiteLayout:
    """The paths of the only site of `demo`."""
    return SiteLayout(demo.folder, "fra1")


@pytest.fixture
def supervisor(fra1: SiteLayout) -> Callable[..., JsonObject]:
    """Asks the supervisor of the only site of `demo`."""

    def call(do: str, name: str = "", **values: JsonValue) -> JsonObject:
        return ask(fra1.socket, {"do": do, "name": name, **values})

    return call


@pytest.fixture
def eventually() -> Wait:
    """Looks again and again until something is so; fails when it never is."""

    def wait(is_so: Callable[[], bool]) -> None:
        until = time.monotonic() + limit(120)
        while not is_so():
            assert time.monotonic() < until, "it never came to be"
            time.sleep(0.02)

    return wait


@pytest.fixture
def processes_of() -> Callable[[Path], list[int]]:
    """The processes that have to do with a folder: by their arguments, their working folder or their open files."""

    def find(folder: Path) -> list[int]:
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _uses(entry, folder)]

    return find


@pytest.fixture
def unpacked(demo: Sandbox, fra1: SiteLayout) -> Callable[[str], JsonObject]:
    """Unpacks a release as a redeploy does, and returns the definition of its service."""

    def unpack(version: str) -> JsonObject:
        home = fra1.instances_home / "viatris"
        release = home / "releases" / version
        release.mkdir(parents=True, exist_ok=True)
        archive = demo.folder / "releases" / "shopfront" / version / f"shopfront-{version}.tar.gz"
        # Not by tarfile: whether it takes a filter, and whether it insists on one, depends on the release of Python.
        subprocess.run(["tar", "-xf", archive, "-C", release], check=True)
        configuration = home / "configuration.json"
        configuration.write_text('{"instance": {"name": "viatris"}}\n', encoding="utf-8")
        port = (fra1.clone / "viatris.xml").read_text(encoding="utf-8").partition('<service port="')[2].split('"')[0]
        return {
            "argv": [str(release / "bin/serve"), "--port", port, "--configuration", str(configuration)],
            "cwd": str(home),
            "environment": {},
            "log": str(home / "service.log"),
        }

    return unpack


def _uses(entry: Path, folder: Path) -> bool:
    try:
        arguments = (entry / "cmdline").read_bytes().decode(errors="replace")
        links = [entry / "cwd", *(entry / "fd").iterdir()]
        return str(folder) in arguments or any(str(folder) in str(link.readlink()) for link in links)
    except OSError:
        # It ended meanwhile, or is somebody else's.
        return False
