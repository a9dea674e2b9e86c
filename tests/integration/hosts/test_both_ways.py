"""A host does the same whether it is this machine or behind SSH."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployer.errors import HelperFailedError, UnreachableError, UsageError
from deployer.model.program import Program
from deployer.ports import Completed, Host
from tests.budget.pace import limit

MakeProgram = Callable[..., Program]


def test_runs_a_command(host: Host) -> None:
    """Exit code, stdout and stderr come back."""
    completed = host.run(["sh", "-c", "echo out; echo err >&2; exit 3"])

    assert completed == Completed(3, b"out\n", b"err\n")


def test_a_command_gets_no_setting_of_ours(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting can be a secret; and no search path leads into the current folder."""
    monkeypatch.setenv("DEPLOYER_ON_ATTENTION__WEBHOOK", "https://chat.example.com/s3cret")
    monkeypatch.setenv("PATH", f":{os.environ['PATH']}:.")

    said = host.run(["env"]).stdout.decode()

    path = next(line for line in said.splitlines() if line.startswith("PATH=")).removeprefix("PATH=")
    assert "s3cret" not in said
    assert all(entry.startswith("/") for entry in path.split(":"))


def test_is_binary_safe(host: Host) -> None:
    """Every byte value goes there and comes back, more of them than any buffer holds."""
    data = bytes(range(256)) * 8192

    assert host.run(["cat"], stdin=data) == Completed(0, data, b"")


def test_a_command_that_does_not_read_its_input_still_answers(host: Host) -> None:
    """A broken pipe on our side is no error."""
    assert host.run(["true"], stdin=b"x" * 1_000_000).exit_code == 0


@pytest.mark.parametrize(
    "word",
    [
        "; touch INJECTED",
        "$(touch INJECTED)",
        "`touch INJECTED`",
        "'; touch INJECTED '",
        "a\nb",
        "",
        "*",
        "-n",
        "é \\",
        "A=b",
    ],
)
def test_words_arrive_as_they_are(host: Host, deployer_home: Path, word: str) -> None:
    """No shell reads them."""
    completed = host.run(["printf", "%s|", word, word])

    assert completed.stdout == f"{word}|{word}|".encode()
    assert not list(deployer_home.parent.rglob("INJECTED"))


def test_home_is_the_one_of_the_inventory(host: Host, deployer_home: Path) -> None:
    """`~` means deployer_home, for commands and for programs."""
    assert host.run(["sh", "-c", "printf %s ~"]).stdout.decode() == str(deployer_home)


def test_a_missing_command_is_127(host: Host) -> None:
    """As in a shell."""
    assert host.run(["no-such-command"]).exit_code == 127


def test_refuses_what_no_system_can_run(host: Host) -> None:
    """A NUL byte, or nothing at all."""
    with pytest.raises(UsageError):
        host.run(["echo", "a\0b"])
    with pytest.raises(UsageError):
        host.run([])


def test_a_deadline_ends_the_command_there(host: Host, deployer_home: Path) -> None:
    """Nothing of it is left, not even a child that ignores the polite signal's exit."""
    script = 'echo $$ > "$HOME/pid"; sleep 300 & echo $! > "$HOME/child"; wait'

    seconds = round(limit(2))
    with pytest.raises(UnreachableError, match=rf"sh on fra1-prod-dep01 did not end within {seconds} s"):
        host.run(["sh", "-c", script], deadline=seconds)

    for name in ("pid", "child"):
        assert ends(int((deployer_home / name).read_text()))


def test_calls_a_program(host: Host, make_program: MakeProgram, deployer_home: Path) -> None:
    """Modules import each other, prints do not spoil the answer, and any text goes through."""
    program = make_program(
        "import os, subprocess\nfrom . import other\n"
        "def main(request):\n"
        "    print('noise'); subprocess.run(['echo', 'more noise'])\n"
        "    return {'said': other.twice(request['text']), 'home': os.path.expanduser('~'), 'cwd': os.getcwd()}\n",
        other="def twice(text):\n    return text * 2\n",
    )

    answer = host.call(program, {"text": "ü\udc80\n{{ x }}'"})

    assert answer == {"said": "ü\udc80\n{{ x }}'" * 2, "home": str(deployer_home), "cwd": str(deployer_home)}


def test_a_big_answer_and_a_big_request(host: Host, make_program: MakeProgram) -> None:
    """Bigger than the windows of pipes and channels."""
    program = make_program("def main(request):\n    return {'back': request['text']}\n")
    text = "0123456789" * 500_000

    assert host.call(program, {"text": text}) == {"back": text}


def test_a_program_that_fails_is_named(host: Host, make_program: MakeProgram) -> None:
    """The error shows its last line, and the hint the place in its source."""
    program = make_program("def main(request):\n    raise ValueError('no good')\n")

    with pytest.raises(
        HelperFailedError, match=r"fra1-prod-dep01 ended without an answer: ValueError: no good"
    ) as info:
        host.call(program, {})
    assert "deployer_remote/main.py\", line 2, in main\n|     raise ValueError('no good')" in info.value.hint


def test_a_program_that_takes_too_long_is_ended(host: Host, make_program: MakeProgram, deployer_home: Path) -> None:
    """Its `finally` runs, and so its children and locks go."""
    program = make_program(
        "import os, time\n"
        "def main(request):\n"
        "    try:\n        time.sleep(300)\n"
        "    finally:\n        open(os.path.expanduser('~/cleaned'), 'w').close()\n"
    )

    with pytest.raises(UnreachableError):
        host.call(program, {}, deadline=limit(3))

    assert (deployer_home / "cleaned").exists()


def test_eight_calls_side_by_side(host: Host, make_program: MakeProgram) -> None:
    """One connection, many calls, each with its own answer."""
    program = make_program("import time\ndef main(request):\n    time.sleep(0.05)\n    return {'n': request['n']}\n")

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: host.call(program, {"n": number}), range(24)))

    assert answers == [{"n": number} for number in range(24)]


def test_a_held_program_lives_as_long_as_the_context(host: Host, holder: Program) -> None:
    """What it locked is held inside, and free at once after."""
    with host.hold(holder, {}) as answer:
        pid = int(str(answer["pid"]))
        assert is_running(pid)
        with pytest.raises(HelperFailedError, match="BlockingIOError"), host.hold(holder, {}):
            pass

    assert not is_running(pid)
    with host.hold(holder, {}) as again:
        assert again["pid"] != pid


def test_a_held_program_ends_with_an_exception_too(host: Host, holder: Program) -> None:
    """An error inside the context does not leave the lock."""
    with pytest.raises(KeyError), host.hold(holder, {}):
        raise KeyError
    with host.hold(holder, {}):
        pass


def test_hold_survives_the_death_of_its_program(host: Host, holder: Program) -> None:
    """Leaving the context is no error then."""
    with host.hold(holder, {}) as answer:
        os.kill(int(str(answer["pid"])), signal.SIGKILL)

    with host.hold(holder, {}):
        pass


def test_no_python_is_said(host: Host, deployer_home: Path, pool_with_python: Callable[[Host, str], Host]) -> None:
    """The host is named, and that it lacks python3."""
    nowhere = pool_with_python(host, str(deployer_home / "python3"))
    program = Program({"main": ""})

    with pytest.raises(UnreachableError, match=r"fra1-prod-dep01 has no .*/python3"):
        nowhere.call(program, {})
    with pytest.raises(UnreachableError, match=r"fra1-prod-dep01 has no .*/python3"), nowhere.hold(program, {}):
        pass


def ends(pid: int) -> bool:
    """Whether the process ends soon: over SSH it is ended there, a moment before or after it is told here."""
    until = time.monotonic() + limit(60)
    while is_running(pid) and time.monotonic() < until:
        os.sched_yield()
    return not is_running(pid)


def is_running(pid: int) -> bool:
    """Whether the process is there, and not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
