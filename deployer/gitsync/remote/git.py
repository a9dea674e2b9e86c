"""Runs git: an environment of its own, a process group of its own, a deadline, and never a question to anybody."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import IO, NamedTuple

from . import http, limits
from .batch import Batch, BatchEndedError, Object
from .failure import Stopped
from .talk import talk

CONFIG = (
    # A program that git would start for a mere look at the work tree.
    "core.fsmonitor=false",
    # A repository within the tree of another is what somebody pushed, and so is its configuration.
    "safe.bareRepository=explicit",
    "fetch.recurseSubmodules=no",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "core.filesRefLockTimeout=3000",
    "core.packedRefsTimeout=5000",
    # Git's default leaves loose objects and refs to the page cache: a power cut then yields empty files.
    "core.fsync=all",
    "core.quotePath=false",
    "advice.detachedHead=false",
    "log.showSignature=false",
    "push.gpgSign=false",
    "push.followTags=false",
    "push.recurseSubmodules=no",
    # With renames a line merge of a moved manifest would pass by the structural one.
    "merge.renames=false",
    "merge.directoryRenames=false",
    # A larger blob is never held in memory as a whole where git can do without, and no delta is looked for.
    "core.bigFileThreshold=16m",
    "pack.windowMemory=64m",
    "pack.threads=2",
)
ENVIRONMENT = {
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_EDITOR": "true",
    "GIT_SEQUENCE_EDITOR": "true",
    "GIT_MERGE_AUTOEDIT": "no",
    "GIT_PAGER": "cat",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    # Commits are read as they are and as the remote has them, not as refs/replace and info/grafts of a clone have them.
    "GIT_NO_REPLACE_OBJECTS": "1",
    # A path that never is: of a file that is there, an empty one too, git says that grafts are deprecated.
    "GIT_GRAFT_FILE": f"{os.devnull}/none",
}
KEPT = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_SSH_COMMAND", "GIT_EXEC_PATH")
"""Variables of git that say where the host's settings are; every other one (GIT_DIR …) leaked from somewhere."""
SSH_OPTIONS = "-oBatchMode=yes -oConnectTimeout=10 -oServerAliveInterval=5 -oServerAliveCountMax=3"
SMALL = 1 << 16
"""Bytes of an object that is remembered for the length of a step."""
REMEMBERED = 64 << 20
"""Bytes of objects that are remembered, all together."""
MOST_WALKED = 50
"""Commits that are looked at one by one before git is started for a question about history."""
GRACE = 5.0
"""Seconds between SIGTERM, on which git removes its locks, and SIGKILL, on which it cannot."""


class Result(NamedTuple):
    """A git command that ended."""

    argv: list[str]
    """As a person would type it: without our -C and -c."""
    code: int
    stdout: bytes
    stderr: str
    timed_out: bool = False
    ssh_exit: int | None = None
    """What ssh itself returned, where it was used: 255 is the network or the login, else it is the other side's."""
    web: http.Answer = http.NONE
    """What a web server answered, where one was asked."""

    def stopped(self, kind: str = "", **more: object) -> Stopped:
        """The end of a step because of this command."""
        evidence: dict[str, object] = {
            "argv": self.argv,
            "exit": self.code,
            "ssh_exit": self.ssh_exit,
            "http_status": self.web.status,
            "retry_after": self.web.retry_after,
            "is_page": self.web.is_page,
            "stderr": self.stderr[-8000:],
            "stdout": self.stdout[-4000:].decode("utf-8", "replace"),
            "timed_out": self.timed_out,
        }
        evidence.update(more)
        return Stopped(kind, **evidence)


class Git:
    """Git in one clone.

    Args:
        top: the top of the work tree, or the folder to start in.
        deadline: the end of the step, of the monotonic clock.
        held: descriptor of the clone's lock; children keep it, so that the lock lives as long as the last of them.
        bounds: how much is looked at.
    """

    def __init__(self, top: str, deadline: float, held: int | None = None, bounds: limits.Limits | None = None) -> None:
        self.top = top
        self.deadline = deadline
        self.held = held
        self.limits = bounds or limits.Limits()
        self.ssh_command = ""
        """`core.sshCommand` of the clone; our options are added to it, not put in its place."""
        self.objects = ""
        """The folder of objects, where we may write loose ones ourselves; empty: git does it."""
        self.sha256 = False
        """Whether object ids are of SHA-256."""
        self._batch: Batch | None = None
        self._known: dict[str, Object] = {}
        self._room = REMEMBERED
        self._committer: Result | None = None
        self._command = ["git", "-C", top]
        for setting in CONFIG:
            self._command += ["-c", setting]

    def close(self) -> None:
        """End the git that answers questions about objects."""
        if self._batch:
            self._batch.close()
            self._batch = None

    def find(self, name: str) -> Object | None:
        """An object without its content, by a name that git understands (`refs/heads/main^{commit}`); None for none."""
        return self._ask(name, contents=False)

    def resolve(self, name: str) -> str:
        """The id of an object by a name that git understands; empty for none."""
        found = self._ask(name, contents=False)
        return found.oid if found else ""

    def contents(self, name: str) -> Object:
        """An object with its content.

        Raises:
            Stopped: it is not there.
        """
        found = self._read(name)
        if found is None:
            raise self.run("cat-file", "-t", name).stopped()
        return found

    def _read(self, name: str) -> Object | None:
        """An object with its content; commits and trees are asked about again and again."""
        if name in self._known:
            return self._known[name]
        found = self._ask(name, contents=True)
        stem = name.partition("^")[0]
        if found and found.size < SMALL and len(stem) == len(found.oid) and "/" not in stem and self._room > 0:
            self._known[name] = found
            self._room -= found.size
        return found

    def _ask(self, name: str, *, contents: bool) -> Object | None:
        argv = ["cat-file", "--batch-command"]
        if "\n" in name:
            return None
        try:
            if self._batch is None:
                self._batch = Batch([*self._command, *argv], self._environment(""), self.deadline)
            found = self._batch.info(name)
            if not contents or found is None:
                return found
            self._check(found)
            return self._batch.contents(found.oid)
        except OSError as error:
            raise _no_git(error) from error
        except BatchEndedError as ended:
            self.close()
            said = Result(["git", *argv], ended.code, b"", ended.stderr, timed_out=ended.timed_out)
            raise said.stopped() from ended

    def _check(self, found: Object) -> None:
        """Only what fits is read at all."""
        most = limits.OBJECT.get(found.kind, self.limits.most_size)
        if found.size > most:
            setting = "" if found.kind in limits.OBJECT else "sync.most_size"
            raise limits.too_large(f"the {found.kind} {found.oid[:12]}", f"{found.size} bytes", most, setting)

    def committer(self) -> Result:
        """What `git var GIT_COMMITTER_IDENT` says: `Name <mail> seconds zone`."""
        if self._committer is None:
            self._committer = self.run("var", "GIT_COMMITTER_IDENT")
        return self._committer

    def parents(self, commit: str) -> list[str] | None:
        """Of a commit; None where it is not here, or so large that git shall look at it."""
        found = self._known.get(commit) or self._ask(commit, contents=False)
        if found is None or found.kind != "commit" or found.size > limits.COMMIT:
            return None
        found = self.contents(commit)
        head = found.data.partition(b"\n\n")[0]
        return [line[7:].decode() for line in head.split(b"\n") if line.startswith(b"parent ")]

    def run(self, *args: str, stdin: bytes = b"", index: str = "", network: bool = False) -> Result:
        """Run a command and wait for its end, at most until the deadline.

        Args:
            args: of git, the subcommand first.
            stdin: what it reads.
            index: an index file of ours to use in place of the clone's.
            network: whether it talks to the remote.
        """
        argv = [*self._command, *args]
        environment = self._environment(index)
        if not network:
            return self._end(_start(argv, environment, self.held), stdin, ["git", *args])
        # A pipe, not a file: there may be no room for one. Nothing waits for its end, which a master of ssh may hold.
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        heard = http.Heard()
        try:
            environment.update(self._ssh(writing), **heard.environment)
            process = _start(argv, environment, self.held, writing, heard.descriptor)
            result = self._end(process, stdin, ["git", *args])
            said = _read_now(reading)
            web = heard.answer()
        finally:
            heard.close()
            os.close(reading)
            os.close(writing)
        ssh_exit = int(said) if said.isdigit() else None
        return result._replace(ssh_exit=ssh_exit, web=web)

    def run_both(self, first: str, *second: str) -> tuple[Result, Result]:
        """Run two commands that only look, side by side; the first has no arguments."""
        environment = self._environment("")
        process = _start([*self._command, first], environment, self.held)
        try:
            other = self.run(*second)
        except BaseException:
            _finish(process)
            raise
        return self._end(process, b"", ["git", first]), other

    def ok(self, *args: str, stdin: bytes = b"", index: str = "") -> bytes:
        """Run a local command that has no reason to fail, and return what it printed.

        Raises:
            Stopped: it failed nevertheless.
        """
        result = self.run(*args, stdin=stdin, index=index)
        if result.code != 0:
            raise result.stopped()
        return result.stdout

    def line(self, *args: str, stdin: bytes = b"", index: str = "") -> str:
        """As `ok`, for a command that prints one line."""
        return self.ok(*args, stdin=stdin, index=index).decode("utf-8", "surrogateescape").rstrip("\n")

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether the one commit is the other or in its history; False when one of them is not here."""
        near = True if older == newer else self._is_near(older, newer)
        return self.run("merge-base", "--is-ancestor", older, newer).code == 0 if near is None else near

    def _is_near(self, older: str, newer: str) -> bool | None:
        """The same for a short history; None where it must be asked of git."""
        near, is_all = self._nearest(newer)
        return True if older in near else False if is_all else None

    def nearest(self, commit: str) -> set[str]:
        """The commit and those of its history that are nearest: all of them, or some."""
        return self._nearest(commit)[0]

    def _nearest(self, commit: str) -> tuple[set[str], bool]:
        """And whether that is all of the history."""
        todo, seen, is_all = [commit], {commit}, True
        while todo and len(seen) <= MOST_WALKED:
            parents = self.parents(todo.pop(0))
            is_all = is_all and parents is not None
            todo += [parent for parent in parents or () if parent not in seen]
            seen.update(parents or ())
        return seen, is_all and not todo

    def _environment(self, index: str) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in KEPT}
        own.update(ENVIRONMENT, GIT_CEILING_DIRECTORIES=os.path.dirname(self.top))
        if index:
            own["GIT_INDEX_FILE"] = index
        return own

    def _ssh(self, note: int) -> dict[str, str]:
        """Never ask, never hang, and note what ssh itself returned (git does not tell) in a pipe."""
        command = os.environ.get("GIT_SSH_COMMAND") or self.ssh_command or "ssh"
        words = _words(command)
        if not words or os.path.basename(words[0]) != "ssh":
            return {"GIT_SSH_COMMAND": command}
        noted = f"r=$?; echo $r >/dev/fd/{note}; return $r"
        wrapped = f'deployer_ssh() {{ {command} {SSH_OPTIONS} "$@"; {noted}; }}; deployer_ssh'
        return {"GIT_SSH_COMMAND": wrapped, "GIT_SSH_VARIANT": "ssh"}

    def _end(self, process: subprocess.Popen[bytes], stdin: bytes, argv: list[str]) -> Result:
        try:
            said = talk(process, stdin, self.deadline, limits.OUTPUT, limits.ERRORS)
        except BaseException:
            _finish(process)
            raise
        if not said.is_whole:
            _finish(process)
        result = Result(argv, process.returncode, bytes(said.out), said.err.decode("utf-8", "replace"))
        if said.is_too_much:
            raise limits.too_large(f"the answer of git {argv[1]}", "more", f"{limits.OUTPUT} bytes", argv=argv)
        return result._replace(timed_out=not said.is_whole)


def _words(command: str) -> list[str]:
    if command == "ssh":
        return [command]
    import shlex

    return shlex.split(command)


def _read_now(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 100).strip()
    except BlockingIOError:
        return b""


def _start(argv: list[str], environment: dict[str, str], *kept: int | None) -> subprocess.Popen[bytes]:
    try:
        # The pipe closes at once: as good as /dev/null, and it carries input where there is some.
        return subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            pass_fds=[descriptor for descriptor in kept if descriptor is not None],
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise _no_git(error) from error


def _no_git(error: OSError) -> Stopped:
    return Stopped("no-git", argv=["git", "--version"], stderr=str(error))


def _finish(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        if talk(process, b"", time.monotonic() + GRACE, 0, 0).is_ended:
            break


def remove(path: str) -> None:
    """Remove a file of ours, if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def sync_to_disk(handle: IO[bytes]) -> None:
    """Flush and fsync: what a later rename makes visible must be there after a power cut."""
    handle.flush()
    os.fsync(handle.fileno())
