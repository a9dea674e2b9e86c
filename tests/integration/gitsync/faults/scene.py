"""A world in which a sync meets a fault: people's commits and edits in the clone, news on the remote, and a record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deployer.gitsync.classes import CLASSES, classify
from deployer.gitsync.engine import SyncEngine
from deployer.gitsync.manual import report
from deployer.model.json import JsonObject
from deployer.model.program import Program
from deployer.model.site import Repository
from deployer.model.sync import Change, ManualWork, SyncResult
from tests.integration.gitsync.conftest import BOOTSTRAP, MANIFEST, LocalHost, TestClock, World, streamed
from tests.integration.gitsync.faults.servers import HttpServer
from tests.sshd import Lan, SshServer

IDENTITY = "prod-deployer <deployer@example.org>"
SECRET = "hunter2"
MARK = "DEPLOYER_FAULTS"
"""In the environment of the program and of all that it starts: what of it still lives is found by this."""
WRAPPER = """#!/bin/sh
printf '%s\\0' "$@" '
' >>"$DEPLOYER_FAULTS/argv"
exec {git} "$@"
"""
KEEP_BOTH = "#!/bin/sh\nsed -i -e '/^<<<<<<< /d' -e '/^=======$/d' -e '/^>>>>>>> /d' \"$@\"\n"
"""An editor whose user keeps what both sides wrote."""
STEP = 600
"""Seconds after which a program that was run is a bug."""


def edited(number: int, text: str) -> str:
    """The manifest with one line changed."""
    return MANIFEST.replace(f"line {number}\n", f"{text}\n")


@dataclass
class RecordingHost(LocalHost):
    """A host that keeps what its program answered."""

    answers: list[JsonObject] = field(default_factory=list)

    def call(self, program: Program, request: JsonObject, *, deadline: float = 120.0) -> JsonObject:
        """Run the program."""
        sent = streamed(program, request)
        self.calls.append(request)
        pipe = subprocess.PIPE
        argv = [*self.prefix, sys.executable, "-S", "-c", BOOTSTRAP]
        with subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, stderr=pipe, env=self.environment, cwd=self.home
        ) as process:
            out, err = process.communicate(sent, timeout=min(deadline, STEP))
        assert process.returncode == 0, err.decode()
        answer: JsonObject = json.loads(out)
        self.answers.append(answer)
        return answer


class ScriptedClock(TestClock):
    """A clock at whose waits something happens.

    Args:
        events: one for each wait.
    """

    def __init__(self, events: list[Callable[[], None]]) -> None:
        super().__init__()
        self._events = events

    def sleep(self, seconds: float) -> None:
        """Wait, and let it happen."""
        if self._events:
            self._events.pop(0)()
        super().sleep(seconds)


@dataclass
class Scene(World):
    """The world, with servers in front of its remote.

    Args:
        lan: makes an sshd, or gives the one that is there.
    """

    url: str = ""
    """Of the remote; empty: its folder."""
    lan: Callable[[], Lan] | None = None
    undo: list[Callable[[], None]] = field(default_factory=list)
    """What ends the servers, and whatever else a situation set up."""
    when_waiting: list[Callable[[], None]] = field(default_factory=list)
    """What happens while the engine waits between two tries, one at each wait."""
    http: HttpServer | None = None
    """The web server, where there is one."""
    identity: str = IDENTITY
    branch: str = "main"

    def __post_init__(self) -> None:
        self.clock = ScriptedClock(self.when_waiting)

    @property
    def repository(self) -> Repository:
        """As the inventory describes it."""
        return Repository(
            "clusterconfig-fra1", "~/deployer/clusterconfig-fra1", self.url or str(self.bare), self.branch
        )

    @property
    def recording(self) -> RecordingHost:
        """The host."""
        assert isinstance(self.host, RecordingHost)
        return self.host

    def beside(self, work: Callable[[], None]) -> None:
        """Do something while the sync runs."""
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.undo.append(thread.join)

    def tip(self) -> str:
        """Of the remote's branch, whatever it is called."""
        return self.git(self.bare, "rev-parse", self.branch)

    def subjects(self) -> list[str]:
        """Of its commits, newest first."""
        return self.git(self.bare, "log", "--format=%s", self.branch).splitlines()

    def made_engine(self) -> SyncEngine:
        """An engine of this scene's identity."""
        return self.engine(identity=self.identity)

    def sync(self, change: Change | None = None) -> SyncResult:
        """A sync; what it answers and runs is recorded anew."""
        (self.root / "argv").write_bytes(b"")
        self.recording.answers.clear()
        return self.made_engine().sync(self.host, self.repository, change)

    def kinds(self) -> list[str]:
        """The class of each try of the last sync; empty for a try that did not stop."""
        return [_kind(answer) for answer in self.recording.answers if "needs" not in answer]

    def argv(self) -> list[list[str]]:
        """Each git that the last sync started."""
        lines = (self.root / "argv").read_bytes().split(b"\0\n\0")
        return [line.decode(errors="surrogateescape").split("\0") for line in lines if line]

    def watched(self) -> None:
        """Record every git of the program, and mark all that it starts."""
        folder = self.root / "bin"
        folder.mkdir()
        (self.root / "argv").touch()
        real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
        (folder / "git").write_text(WRAPPER.replace("{git}", real))
        (folder / "git").chmod(0o755)
        path = f"{folder}:{self.environment['PATH']}"
        self.recording.environment = {**self.environment, "PATH": path, MARK: str(self.root)}

    def living(self) -> list[int]:
        """Processes of the program that still live."""
        mark = f"{MARK}={self.root}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def at(self, url: str) -> None:
        """The remote is reached by another URL."""
        self.url = url
        self.git(self.clone, "remote", "set-url", "origin", url)

    def sshd(self) -> SshServer:
        """The remote is behind a real sshd: its own known_hosts and key, told by the clone's configuration."""
        assert self.lan is not None
        lan = self.lan()
        server = lan.servers[0]
        self.ssh_by(server.port)
        return server

    def ssh_by(self, port: int, host: str = "127.0.0.1", *options: str) -> None:
        """By ssh, through a port."""
        assert self.lan is not None
        home = self.lan().home / ".ssh"
        words = [
            "ssh", "-F", "/dev/null", "-oIdentitiesOnly=yes", *options, f"-oUserKnownHostsFile={home}/known_hosts",
            "-oGlobalKnownHostsFile=/dev/null", "-oHostKeyAlias=remote", "-oStrictHostKeyChecking=yes",
            f"-oIdentityFile={home}/id_ed25519",
        ]  # fmt: skip
        self.git(self.clone, "config", "core.sshCommand", " ".join(words))
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        self.at(f"ssh://{user}@{host}:{port}{self.bare}".replace(" ", "%20"))

    def terminal(self, work: ManualWork, typed: str = "") -> str:
        """Paste what stands under "to mend it" into a shell as it stands; a command that fails stops nothing."""
        _text, _mark, lines = report(work).partition(f"to mend it, on {work.host}:\n")
        editor = self.root / "editor"
        editor.write_text(KEEP_BOTH)
        editor.chmod(0o755)
        path = f"{self.root}:{self.environment['PATH']}"
        environment = self.environment | {"EDITOR": "editor", "GIT_EDITOR": "true", "GIT_PAGER": "cat", "PATH": path}
        ended = subprocess.run(
            ["sh", "-c", f"cd\n{lines}"], capture_output=True, check=False, env=environment, text=True, input=typed
        )
        return f"{lines}\n{ended.stdout}{ended.stderr}"

    def patches(self, where: Path, *revisions: str) -> dict[str, tuple[str, str]]:
        """Commits without merges -> their patch, and their author with date and subject."""
        logged = self._git(where, "log", "-p", "--no-merges", "--full-index", "--no-renames", *revisions)
        patches = self._git(where, "patch-id", "--stable", stdin=logged).decode().split()
        named = self._git(where, "log", "--no-merges", "--format=%H %an <%ae> %aI %s", *revisions).decode()
        authors = {line.partition(" ")[0]: line.partition(" ")[2] for line in named.splitlines()}
        by_oid = dict(zip(patches[1::2], patches[::2], strict=True))
        return {oid: (by_oid.get(oid, oid), author) for oid, author in authors.items()}

    def _git(self, where: Path, *args: str, stdin: bytes = b"") -> bytes:
        argv = ["git", "-C", str(where), *args]
        return subprocess.run(argv, capture_output=True, check=False, env=self.environment, input=stdin).stdout

    def bytes_of(self, *args: str) -> bytes:
        """What git says of the clone, whatever state it is in."""
        return self._git(self.clone, *args)

    def close(self) -> None:
        """End what the situation set up, last first."""
        for end in reversed(self.undo):
            end()


def _kind(answer: JsonObject) -> str:
    failure = answer.get("failure")
    return classify(failure).kind if isinstance(failure, dict) else ""


def is_known(kinds: Sequence[str]) -> bool:
    """Whether they are classes."""
    return all(not kind or kind in CLASSES for kind in kinds)


def people(scene: Scene, edits: str) -> None:
    """Ada's commit on the remote, Ben's in the clone, and what he has lying about.

    Args:
        scene: the scene.
        edits: `all`; `untracked`: no edits of what git knows; or `none`.
    """
    scene.commit(scene.ada, {"other.xml": edited(1, "of ada")}, "ada's", push=True)
    scene.commit(scene.clone, {"b.xml": "of ben\n"}, "ben's")
    if edits == "none":
        return
    (scene.clone / "untracked.xml").write_text("untracked\n")
    (scene.clone / ".git/info/exclude").write_text("*.log\n")
    (scene.clone / "ignored.log").write_text("ignored\n")
    if edits == "all":
        (scene.clone / "staged.xml").write_text("staged\n")
        scene.git(scene.clone, "add", "staged.xml")
        (scene.clone / "staged.xml").write_text("and edited on\n")
        (scene.clone / "doc/notes.txt").write_text("notes\nof ben\n")


def once(script: str) -> str:
    """A hook's script that runs the first time only."""
    return f'[ -e "$0.ran" ] && exit 0\ntouch "$0.ran"\n{script}\n'


def is_root() -> bool:
    """Whether file systems can be mounted."""
    return os.geteuid() == 0
