"""The parts of hosts that need no host."""

from __future__ import annotations

import json
import marshal
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from importlib.util import MAGIC_NUMBER

import pytest

from deployer.errors import HelperFailedError, UnreachableError
from deployer.hosts import doctor, wire
from deployer.hosts.local import LocalSession
from deployer.hosts.remote_locks import files
from deployer.hosts.ssh import command_line
from deployer.model.facts import Verdict
from deployer.model.program import Program
from deployer.model.site import Repository
from deployer.resources import program
from tests.budget.pace import limit


@pytest.mark.parametrize("word", ["a b", "'", '"', "$HOME", "`x`", "\n", "\\", "*", "", "; x", "-x", "A=b", "é"])
def test_every_word_of_a_command_line_is_quoted(word: str) -> None:
    """What a shell makes of it is what was given."""
    line = command_line(["printf", word], home=f"/home/{word}", deadline=2.5)

    assert shlex.split(line) == [
        "env", f"HOME=/home/{word}", "timeout", "-s", "TERM", "-k", "5", "2.5", "printf", word,
    ]  # fmt: skip


def test_without_home_and_deadline_nothing_is_put_before() -> None:
    """A program that holds has no deadline."""
    assert command_line(["a", "b"]) == "a b"


def test_nothing_starts_when_the_bundle_is_cut() -> None:
    """A link that breaks in the middle of a program must not start half of it."""
    data = wire.bundle(Program({"__init__": "", "main": "def main(r): return r"}), {}, home="", deadline=5)
    command = [sys.executable, *wire.interpreter("python3")[1:]]

    whole = subprocess.run(command, input=data, capture_output=True, check=False)
    cut = subprocess.run(command, input=data[:-1], capture_output=True, check=False)

    assert wire.answer(whole.stdout) == {}
    assert (wire.answer(cut.stdout), cut.returncode) == (None, 1)
    assert b"before the program had arrived" in cut.stderr


@pytest.mark.parametrize("magic", [MAGIC_NUMBER, b"other"])
def test_a_host_runs_our_code_and_with_another_python_the_texts(magic: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is the same, and so is what a traceback shows of a program that failed."""
    monkeypatch.setattr(wire, "MAGIC_NUMBER", magic)
    wire._packed.cache_clear()
    wire._bootstrap.cache_clear()
    text = "from . import inner\ndef main(r): return {'told': r['told'], 'half': inner.half(r['told'])}"
    modules = {"__init__": "", "main": text, "inner": "def half(x): return 2 / x"}
    compiled = {name: marshal.dumps(compile(text, f"{name}.py", "exec")) for name, text in modules.items()}
    if magic == MAGIC_NUMBER:
        modules["main"] = "the text is not looked at"
    else:
        compiled["main"] = b"this Python could not read it"
    command = [sys.executable, *wire.interpreter("python3")[1:]]

    def run(told: int) -> subprocess.CompletedProcess[bytes]:
        data = wire.bundle(Program(modules, compiled), {"told": told}, home="", deadline=5)
        return subprocess.run(command, input=data, capture_output=True, check=False)

    well, badly = run(4), run(0)
    wire._packed.cache_clear()
    wire._bootstrap.cache_clear()

    assert wire.answer(well.stdout) == {"told": 4, "half": 0.5}
    assert b"def half(x): return 2 / x" in badly.stderr
    assert b"ZeroDivisionError" in badly.stderr


def test_programs_of_ours_bring_their_code() -> None:
    """Of every module, so that hosts with our version of Python compile nothing."""
    ours = program("deployer.hosts.remote_locks")

    assert {*ours.code} == {*ours.modules}
    assert marshal.loads(ours.code["main"]).co_name == "<module>"  # noqa: S302  of our own making


def test_an_answer_is_found_among_other_lines() -> None:
    """A login script may talk first; half a line is no answer."""
    line = json.dumps({"deployer": 1, "answer": {"a": 1}}).encode()

    assert wire.answer(b"Welcome!\n" + line + b"\n") == {"a": 1}
    assert wire.answer(line) is None
    assert wire.answer(b"") is None


@pytest.mark.parametrize(
    ("exit_code", "kind", "text"),
    [
        (127, UnreachableError, "dep01 has no python3"),
        (wire.TOO_OLD, UnreachableError, "python3 on dep01 is older than 3.9"),
        (1, HelperFailedError, "our helper on dep01 ended without an answer: last"),
    ],
)
def test_why_there_is_no_answer(exit_code: int, kind: type[Exception], text: str) -> None:
    """From the exit code, not from what was said."""
    error = wire.failure("dep01", "python3", exit_code, b"first\nlast\n")

    assert (type(error), error.message) == (kind, text)


@pytest.mark.parametrize("name", ["a/b", "..", ".", ".hidden", "a" * 400, "ü\n", "site"])
def test_names_of_lock_files(name: str) -> None:
    """One flat, visible, short name."""
    safe = files.safe_name(name)

    assert "/" not in safe
    assert "." not in safe
    assert safe.isascii()
    assert len(safe) < 200


def test_different_locks_have_different_files() -> None:
    """Also where quoting or cutting could make them equal."""
    names = ["a/b", "a%2Fb", "a" * 400, "a" * 401, "a.b", "a%2Eb", "A"]

    assert len({files.safe_name(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("url", "needed"),
    [
        ("git@git.example.net:ops/x.git", True),
        ("ssh://git@git.example.net/x", True),
        ("https://git.example.net/x", False),
        ("file:///srv/x", False),
        ("/srv/a:b", False),
        ("", False),
    ],
)
def test_which_remotes_need_a_key(url: str, needed: bool) -> None:  # noqa: FBT001  a parameter of a test
    """Those that git reaches by ssh."""
    assert doctor.needs_key(url) is needed
    facts: Mapping[str, object] = {"clone": {"url": None}, "keys": [], "agent": 0}
    finding = doctor.keys(facts, Repository("x", "~/x", url))
    assert finding.verdict is (Verdict.WARNING if needed else Verdict.GOOD)


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ("2.39.5", Verdict.GOOD),
        ("2.39", Verdict.GOOD),
        ("3.0.rc1", Verdict.GOOD),
        ("2.9.1", Verdict.BAD),
        (None, Verdict.BAD),
    ],
)
def test_which_git_will_do(version: str | None, verdict: Verdict) -> None:
    """By numbers: 2.9 is older than 2.39."""
    assert doctor.git({"git": version}).verdict is verdict


@pytest.mark.parametrize(
    ("began", "ended", "verdict", "text"),
    [
        (101.0, 103.0, Verdict.GOOD, "within 1.0 s of ours"),
        (161.0, 163.0, Verdict.WARNING, "its clock is 60 s ahead of ours"),
        (41.0, 43.0, Verdict.WARNING, "its clock is 60 s behind ours"),
    ],
)
def test_the_clock_is_compared_in_the_middle(began: float, ended: float, verdict: Verdict, text: str) -> None:
    """What the way there and back took is not taken for a difference."""
    finding = doctor.clock({"began": began, "ended": ended}, 100.0, 104.0)

    assert (finding.verdict, finding.text) == (verdict, text)


@pytest.mark.parametrize(
    ("free", "inodes", "total_inodes", "verdict"),
    [
        (10 << 30, 10**6, 10**7, Verdict.GOOD),
        (10 << 30, 0, 0, Verdict.GOOD),
        (500 << 20, 10**6, 10**7, Verdict.WARNING),
        (10 << 30, 10_000, 10**7, Verdict.WARNING),
        (100 << 20, 10**6, 10**7, Verdict.BAD),
        (10 << 30, 100, 10**7, Verdict.BAD),
    ],
)
def test_room_on_disk(free: int, inodes: int, total_inodes: int, verdict: Verdict) -> None:
    """Bytes and inodes; some file systems do not count inodes."""
    facts = {"free": free, "free_inodes": inodes, "total_inodes": total_inodes, "path": "/srv", "writable": True}

    assert [finding.verdict for finding in doctor.disk(facts)] == [verdict]


def test_local_hosts_do_not_load_fabric() -> None:
    """Start-up: only a host behind SSH needs it."""
    script = (
        "import sys; from deployer.hosts.factory import HostPool; from deployer.settings import SshSettings\n"
        "from deployer.model.site import Machine\n"
        "print(HostPool(SshSettings()).host(Machine('a', {'ansible_connection': 'local'})).run(['true']).exit_code)\n"
        "print([name for name in ('fabric', 'paramiko', 'invoke') if name in sys.modules])\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "0\n[]\n"


class Pausing:
    """A pipe, of which a call lasts until it is told to end."""

    def __init__(self) -> None:
        self.began, self.goes_on, self.seen = threading.Event(), threading.Event(), list[str]()

    def _call(self) -> None:
        self.began.set()
        self.goes_on.wait()
        self.seen.append("called")

    def write(self, data: bytes) -> int:
        """All of it, after a while."""
        self._call()
        return len(data)

    def read(self, _size: int) -> bytes:
        """The end, after a while."""
        self._call()
        return b""

    def close(self) -> None:
        """From now on its number is that of another file."""
        self.seen.append("closed")


@pytest.mark.parametrize("do", [lambda it: it.write(b"x"), lambda it: it.read(), lambda it: it.read_error()])
def test_no_pipe_is_closed_in_the_middle_of_a_call(do: Callable[[LocalSession], object]) -> None:
    """The rest of what is written would go into whatever file is opened next."""
    session, pipe = LocalSession(["true"], ""), Pausing()
    real = [*session._locks]
    session._stdin = session._stdout = session._stderr = pipe  # type: ignore[assignment]  # as far as it is used
    session._locks = {pipe: threading.Lock()}  # type: ignore[dict-item]  # as above
    caller = threading.Thread(target=do, args=(session,))
    closer = threading.Thread(target=session.close)
    caller.start()
    pipe.began.wait()
    closer.start()
    closer.join(0.2)
    pipe.goes_on.set()
    for thread in (caller, closer):
        thread.join()
    for stream in real:
        stream.close()

    assert session.wait(limit(60)) == 0
    assert pipe.seen == ["called", "closed"]
