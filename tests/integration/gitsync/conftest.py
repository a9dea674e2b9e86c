"""Real git, real bare remotes, and a host that runs our program in a process of its own, with a home in tmp_path.

Nothing here reads the machine's git configuration or writes outside tmp_path.
"""

from __future__ import annotations

import binascii
import functools
import hashlib
import json
import marshal
import os
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.gitsync.engine import Merge, SyncEngine
from deployer.model.json import JsonObject
from deployer.model.program import Program
from deployer.model.site import Repository
from deployer.model.sync import Change, Edit
from deployer.ports import Completed
from deployer.settings import SyncSettings
from tests.budget.pace import limit

BOOTSTRAP = """
import binascii, importlib.util, json, marshal, sys
sent = json.load(sys.stdin)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] != "streamed":
            return None
        stem = name.partition(".")[2] or "__init__"
        return importlib.util.spec_from_loader(name, self, is_package=stem == "__init__")
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        stem = module.__name__.partition(".")[2] or "__init__"
        exec(marshal.loads(binascii.a2b_base64(sent["modules"][stem])), module.__dict__)
sys.meta_path.insert(0, Finder())
MUTATING = ("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "subprocess.Popen")
count = 0
pushed = False
def die(event, args):
    global count, pushed
    if event in MUTATING or event == "open" and isinstance(args[2], int) and args[2] & 1:
        count += 1
        if count == sent["die_at"] or (sent["die_at"] == -1 and pushed):
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)
        pushed = pushed or event == "subprocess.Popen" and "push" in args[1]
from streamed.main import main
if sent["die_at"]:
    sys.addaudithook(die)
json.dump(main(sent["request"]), sys.stdout)
"""
MANIFEST = "".join(f"line {number}\n" for number in range(1, 31))


@functools.cache
def _compiled(stem: str, text: str) -> str:
    """The code of a module: compiled once, and not in each of the thousands of processes that run it."""
    code = compile(text, f"{stem}.py", "exec", dont_inherit=True)
    return binascii.b2a_base64(marshal.dumps(code), newline=False).decode()


def streamed(program: Program, request: JsonObject, *, die_at: int = 0) -> bytes:
    """What BOOTSTRAP reads: the program, its request, and when it is killed."""
    modules = {stem: _compiled(stem, text) for stem, text in program.modules.items()}
    return json.dumps({"modules": modules, "request": request, "die_at": die_at}).encode()


@dataclass
class LocalHost:
    """A host in the sense of ports.Host: this machine, with a home and a PATH of its own."""

    home: Path
    environment: Mapping[str, str]
    name: str = "fra1-prod-dep01"
    calls: list[JsonObject] = field(default_factory=list)
    die_at: int = 0
    """The program is killed before its n-th change of a file or start of a command; 0: never, -1: after a push."""
    started: Callable[[subprocess.Popen[bytes]], None] | None = None
    """Called with the program's process, for tests that end it."""
    prefix: tuple[str, ...] = ()
    """What the program is started by: `prlimit …`."""

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = 60.0) -> Completed:
        """Run a command."""
        ended = subprocess.run(
            argv, input=stdin, capture_output=True, timeout=deadline, check=False, env=self.environment
        )
        return Completed(ended.returncode, ended.stdout, ended.stderr)

    def call(self, program: Program, request: JsonObject, *, deadline: float = 120.0) -> JsonObject:
        """Stream and run the program."""
        self.calls.append(request)
        sent = streamed(program, request, die_at=self.die_at)
        argv = [*self.prefix, sys.executable, "-c", BOOTSTRAP]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, stderr=pipe, env=self.environment, cwd=self.home
        ) as process:
            if self.started:
                self.started(process)
            out, err = process.communicate(sent, timeout=deadline)
        if process.returncode != 0:
            raise RuntimeError(err.decode())
        answer: JsonObject = json.loads(out)
        return answer

    def hold(self, program: Program, request: JsonObject) -> AbstractContextManager[JsonObject]:
        """Not needed by a sync."""
        raise NotImplementedError


class TestClock:
    """The machine's time; waits are taken down and kept short."""

    __test__ = False

    def __init__(self) -> None:
        self.waits: list[float] = []

    def now(self) -> datetime:
        """Now."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Take the wait down."""
        self.waits.append(seconds)
        time.sleep(min(seconds, 0.05))


@dataclass
class World:
    """A bare remote, the clone on the deployer host, and a person elsewhere with a clone of hers."""

    root: Path
    environment: dict[str, str]
    host: LocalHost
    clock: TestClock = field(default_factory=TestClock)
    settings: SyncSettings = field(
        default_factory=lambda: SyncSettings(seconds=limit(60), first_wait=0.01, longest_wait=0.05)
    )

    @property
    def bare(self) -> Path:
        """The remote."""
        return self.root / "remote" / "clusterconfig-fra1.git"

    @property
    def clone(self) -> Path:
        """The clone on the deployer host."""
        return self.root / "home" / "deployer" / "clusterconfig-fra1"

    @property
    def ada(self) -> Path:
        """A person's clone somewhere else."""
        return self.root / "ada"

    @property
    def repository(self) -> Repository:
        """As the inventory describes it."""
        return Repository("clusterconfig-fra1", "~/deployer/clusterconfig-fra1", str(self.bare))

    def engine(self, merge: Merge | None = None, identity: str = "prod-deployer <deployer@example.org>") -> SyncEngine:
        """An engine."""
        return SyncEngine(self.clock, self.settings, merge, identity)

    def git(self, where: Path, *args: str, check: bool = True) -> str:
        """Run git as a person."""
        ended = subprocess.run(
            ["git", "-C", where, *args], capture_output=True, check=False, env=self.environment, text=True
        )
        if check and ended.returncode != 0:
            raise AssertionError(f"git {' '.join(args)}: {ended.stdout}{ended.stderr}")
        return ended.stdout.rstrip("\n")

    def commit(self, where: Path, files: Mapping[str, str | None], message: str = "edit", *, push: bool = False) -> str:
        """Commit some files (None: delete it) as a person, and perhaps push."""
        for name, content in files.items():
            if content is None:
                self.git(where, "rm", "-q", "--", name)
                continue
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            (where / name).write_text(content, encoding="utf-8")
            self.git(where, "add", "--", name)
        who = "Ada <ada@example.org>" if where == self.ada else "Ben <ben@example.org>"
        self.git(where, "commit", "-q", "-m", message, f"--author={who}")
        if push:
            self.git(where, "push", "-q", "origin", "HEAD")
        return self.git(where, "rev-parse", "HEAD")

    def tip(self) -> str:
        """Of the remote's branch."""
        return self.git(self.bare, "rev-parse", "main")

    def at_tip(self, path: str) -> str:
        """What the remote has at a path."""
        return self.git(self.bare, "show", f"main:{path}")

    def subjects(self) -> list[str]:
        """Of the remote's commits, newest first."""
        return self.git(self.bare, "log", "--format=%s", "main").splitlines()

    def change(self, content: str, path: str = "viatris.xml", message: str = "") -> Change:
        """An edit that automation makes of what the clone has now."""
        base = self.git(self.clone, "rev-parse", f"HEAD:{path}", check=False)
        base = base if len(base) == 40 else ""
        said = message or f"prod-deployer made changes to {path} via automation"
        return Change(said, (Edit(path, content.encode(), base),))

    def state(self) -> dict[str, str]:
        """Everything of the clone that a failed sync must leave as it was, hashed."""
        found = {}
        for folder, folders, names in os.walk(self.clone):
            inside = Path(folder).relative_to(self.clone).as_posix()
            folders[:] = [name for name in folders if f"{inside}/{name}" not in _FREE]
            for name in names:
                path = Path(folder) / name
                data = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
                mode = stat.S_IMODE(path.lstat().st_mode)
                found[path.relative_to(self.clone).as_posix()] = f"{mode:o} {hashlib.sha256(data).hexdigest()}"
        return found

    def hook(self, name: str, script: str) -> None:
        """Put a hook into the remote."""
        path = self.bare / "hooks" / name
        leaked = "GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_DIR"
        path.write_text(f"#!/bin/sh\nunset {leaked}\n{script}\n")
        path.chmod(0o755)

    def paste(self, commands: Sequence[str]) -> str:
        """Run the commands of a report in one shell, as a person would paste them."""
        script = "set -e\n" + "\n".join(commands)
        argv = ["sh", "-c", script]
        ended = subprocess.run(
            argv, capture_output=True, check=False, env=self.environment, text=True, stdin=subprocess.DEVNULL
        )
        assert ended.returncode == 0, f"{script}\n{ended.stdout}{ended.stderr}"
        return ended.stdout


_FREE = frozenset({".git/objects", ".git/deployer", ".git/refs/deployer"})


def environment_of(home: Path) -> dict[str, str]:
    """Of everything that runs in a world: a home of its own, and no settings of this machine."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
    }


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A remote with one manifest that the deployer host and Ada have cloned."""
    root = tmp_path / "a world"
    home = root / "home"
    home.mkdir(parents=True)
    environment = environment_of(home)
    (home / ".gitconfig").write_text("[user]\nname = Ben\nemail = ben@example.org\n[init]\ndefaultBranch = main\n")
    made = World(root, environment, LocalHost(home, environment))
    made.bare.mkdir(parents=True)
    made.git(made.bare, "init", "-q", "--bare")
    made.git(root, "clone", "-q", str(made.bare), str(made.ada), check=False)
    made.git(made.ada, "checkout", "-q", "-B", "main")
    made.commit(
        made.ada, {"viatris.xml": MANIFEST, "other.xml": MANIFEST, "doc/notes.txt": "notes\n"}, "first", push=True
    )
    made.clone.parent.mkdir(parents=True)
    made.git(root, "clone", "-q", str(made.bare), str(made.clone))
    return made


@pytest.fixture
def manifest() -> str:
    """What the manifests hold at first: 30 numbered lines."""
    return MANIFEST


@pytest.fixture
def recorded(world: World) -> Callable[[], list[list[str]]]:
    """Every git command line that the program ran: a wrapper first in PATH takes them down."""
    folder = world.root / "bin"
    folder.mkdir()
    log = world.root / "argv"
    log.touch()
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    record = f"import json,sys;open({str(log)!r},'a').write(json.dumps(sys.argv[1:])+chr(10))"
    (folder / "git").write_text(
        f'#!/bin/sh\n{shlex.quote(sys.executable)} -S -c {shlex.quote(record)} "$@"\nexec {real} "$@"\n'
    )
    (folder / "git").chmod(0o755)
    world.host.environment = {**world.environment, "PATH": f"{folder}:{world.environment['PATH']}"}
    return lambda: [json.loads(line) for line in log.read_text().splitlines()]
