"""A release store, a supervisor of real processes, and the module run as Ansible runs it: all under tmp_path."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import tarfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.budget.pace import limit

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"

ModuleResult = dict[str, Any]

SERVICE = """\
#!/usr/bin/env python3
import argparse, hashlib, http.server, json, pathlib, sys
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int)
parser.add_argument("--configuration", type=pathlib.Path)
options = parser.parse_args()
root = pathlib.Path.cwd()
print("starting", (root / "VERSION").read_text(), flush=True)
if (root / "BROKEN").exists():
    sys.exit("cannot find my database")
body = json.dumps({
    "status": "ok",
    "version": (root / "VERSION").read_text(),
    "configuration": hashlib.sha256(options.configuration.read_bytes()).hexdigest(),
}).encode()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
        self.wfile.write(body if self.path == "/health" else b"")
    def log_message(self, *arguments):
        pass
http.server.HTTPServer.allow_reuse_address = True
http.server.HTTPServer(("127.0.0.1", options.port), Handler).serve_forever()
"""

# Ansible puts module_utils beside the module in an archive; here its search path does the same.
BOOTSTRAP = """\
import runpy, sys
import ansible.module_utils
from ansible.module_utils import basic
ansible.module_utils.__path__.append(sys.argv.pop(1))
basic._ANSIBLE_PROFILE = "legacy"
basic._ANSIBLE_ARGS = open(sys.argv.pop(1), "rb").read()
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def _add(archive: tarfile.TarFile, name: str, text: str, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(text.encode()), mode
    archive.addfile(member, io.BytesIO(text.encode()))


@dataclass
class ReleaseStore:
    """A release store in a folder."""

    folder: Path

    @property
    def address(self) -> str:
        """As `release_store` names it."""
        return f"file://{self.folder}"

    def archive(self, version: str) -> Path:
        """Where a release's archive is."""
        return self.folder / "shopfront" / version / f"shopfront-{version}.tar.gz"

    def release(self, version: str, *, broken: bool = False, says: str = "") -> None:
        """Publish a version of the service; a broken one ends at once, and one can say that it is another."""
        path = self.archive(version)
        path.parent.mkdir(parents=True)
        with tarfile.open(path, "w:gz") as archive:
            _add(archive, "bin/serve", SERVICE, 0o755)
            _add(archive, "VERSION", says or version)
            if broken:
                _add(archive, "BROKEN", "")
        self.seal(version)

    def seal(self, version: str) -> None:
        """Write the checksum of what is there."""
        path = self.archive(version)
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        (path.parent / "SHA256SUMS").write_text(f"{checksum}  {path.name}\n")


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    """A release store with versions 1.0.0, 1.1.0 and the broken 2.0.0."""
    store = ReleaseStore(tmp_path / "releases of ours")
    store.release("1.0.0")
    store.release("1.1.0")
    store.release("2.0.0", broken=True)
    return store


@dataclass
class Supervisor:
    """The supervisor's protocol over real processes; it does not start again what ends."""

    path: Path
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    before_apply: Callable[[], object] = bool
    """What happens just before a service is started anew."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do one request."""
        name = request.pop("name")
        match request.pop("do"):
            case "apply":
                self.before_apply()
                self.definitions[name] = request
                self.start(name)
            case "remove":
                self.stop(name)
                self.definitions.pop(name)
            case "status":
                return self.status(name)
            case other:
                return {"ok": False, "error": f"unknown request {other}"}
        return {"ok": True}

    def status(self, name: str) -> dict[str, Any]:
        """The state of a service."""
        if name not in self.definitions:
            return {"ok": True, "state": "absent"}
        process = self.processes.get(name)
        state = "stopped" if process is None else "running" if process.poll() is None else "failed"
        return {"ok": True, "state": state, "starts": self.starts[name], "definition": self.definitions[name]}

    def start(self, name: str) -> None:
        """Start a service anew."""
        self.stop(name)
        wanted = self.definitions[name]
        with Path(wanted["log"]).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                wanted["argv"], cwd=wanted["cwd"], stdout=log, stderr=log, start_new_session=True
            )
        self.starts[name] = self.starts.get(name, 0) + 1

    def stop(self, name: str) -> None:
        """End a service and wait for it."""
        process = self.processes.pop(name, None)
        if process is not None:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        line = self.rfile.readline()
        assert isinstance(self.server, _Server)
        answer = self.server.supervisor.answer(json.loads(line))
        # A test may have killed who asked.
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(json.dumps(answer).encode() + b"\n")


class _Server(socketserver.UnixStreamServer):
    supervisor: Supervisor


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """A supervisor behind a socket whose path is too long to connect to directly."""
    folder = tmp_path / ("a-long-folder-name-" * 6)
    folder.mkdir()
    monkeypatch.chdir(folder)
    supervisor = Supervisor(folder / "supervisor.sock")
    with _Server("supervisor.sock", _Handler) as server:
        server.supervisor = supervisor
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield supervisor
        server.shutdown()
        thread.join()
    for name in list(supervisor.processes):
        supervisor.stop(name)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    assert isinstance(number, int)
    return number


@pytest.fixture
def free_port() -> Callable[[], int]:
    """How to get free ports."""
    return _free_port


@dataclass
class Instance:
    """The instance `viatris` on this host, and the module to work on it."""

    tmp: Path
    store: ReleaseStore
    supervisor: Supervisor
    port: int
    fence: int = 0

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.tmp / "instances" / "viatris"

    @property
    def arguments(self) -> dict[str, Any]:
        """What the role hands to the module; each time in a newer run."""
        self.fence += 1
        return {
            "name": "viatris",
            "application": "shopfront",
            "version": "1.0.0",
            "store": self.store.address,
            "home": str(self.tmp / "instances"),
            "configuration": '{"greeting": "hello"}\n',
            "port": str(self.port),
            "health": "/health",
            "health_timeout": 20,
            "keep": 3,
            "service_manager": "supervisor",
            "supervisor_socket": str(self.supervisor.path),
            "run": f"run-{self.fence}",
            "fence": self.fence,
        }

    def start(self, *, check: bool = False, diff: bool = False, **changes: object) -> subprocess.Popen[bytes]:
        """Start the module in a process of its own."""
        arguments = {**self.arguments, **changes, "_ansible_check_mode": check, "_ansible_diff": diff}
        path = self.tmp / f"arguments-{self.fence}.json"
        path.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        argv = [sys.executable, "-c", BOOTSTRAP, str(PLAYBOOKS / "module_utils"), str(path)]
        module = str(PLAYBOOKS / "library" / "instance_release.py")
        return subprocess.Popen([*argv, module], stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def module(self, *, check: bool = False, diff: bool = False, **changes: object) -> ModuleResult:
        """Run the module to its end, and its result."""
        process = self.start(check=check, diff=diff, **changes)
        stdout, stderr = process.communicate(timeout=limit(300))
        assert stderr == b""
        result: ModuleResult = json.loads(stdout)
        assert {"version_before", "version_after", "running", "switched", "rolled_back", "steps"} <= set(result)
        assert process.returncode == int(result.get("failed", False))
        return result

    @property
    def starts(self) -> int:
        """How often the service was started."""
        return self.supervisor.starts.get("instance-viatris", 0)

    @property
    def current(self) -> str:
        """What `current` points to."""
        return str((self.folder / "current").readlink())

    @property
    def receipt(self) -> dict[str, Any]:
        """The receipt."""
        value = json.loads((self.folder / "receipt.json").read_text())
        assert isinstance(value, dict)
        return value

    def health(self) -> dict[str, Any]:
        """What the service says now."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=limit(60)) as answer:
            value = json.load(answer)
        assert isinstance(value, dict)
        return value

    def files(self) -> dict[str, str]:
        """Every file and link with its content."""
        return {
            str(path.relative_to(self.tmp)): path.readlink().as_posix() if path.is_symlink() else path.read_text()
            for path in sorted((self.tmp / "instances").rglob("*"))
            if path.is_symlink() or path.is_file()
        }


@pytest.fixture
def instance(tmp_path: Path, store: ReleaseStore, supervisor: Supervisor) -> Instance:
    """The instance, not there yet."""
    return Instance(tmp_path, store, supervisor, _free_port())
