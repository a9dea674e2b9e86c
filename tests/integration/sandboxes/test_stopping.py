"""A create that is stopped at any of its steps: by a service manager, a closed terminal, or keys again and again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.sandboxes.apart import carried_out
from tests.budget.marks import sampled
from tests.budget.pace import limit

PARTS = 10
"""Of the steps at which it is stopped: one is played every day."""

_STOPPED = """\
import os, signal, sys
root, number, first, last = os.path.join(os.environ["DEPLOYER_STATE"], "sandboxes"), *map(int, sys.argv[1:])
signal.signal(signal.SIGINT, signal.default_int_handler)
seen = 0
def hook(event, given):
    global seen
    touches = event.startswith(("os.", "open", "shutil.", "subprocess.")) and root in str(given)
    seen += touches
    if touches and first <= seen <= last:
        os.kill(os.getpid(), number)
sys.addaudithook(hook)
from deployer.cli.main import main
code = main(["sandbox", "create", "demo", "--instances", "1"])
sys.stderr.write(f"\\n{seen}")
sys.exit(code)
"""
"""The signal comes with each step from `first` to `last` that has to do with the folder of the sandboxes."""
_KEPT = """\
import os, signal, sys
root, number, *arguments = os.path.join(os.environ["DEPLOYER_STATE"], "sandboxes", "demo"), *sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)
is_sent = False
def hook(event, given):
    global is_sent
    if event == "os.mkdir" and given[0].startswith(root) or event == "shutil.rmtree" and root in str(given[0]):
        if not is_sent:
            is_sent = True
            os.kill(os.getpid(), int(number))
    if event == "shutil.rmtree" and root in str(given[0]):
        raise PermissionError(13, "Permission denied", str(given[0]))
sys.addaudithook(hook)
from deployer.cli.main import main
sys.exit(main(["sandbox", *arguments]))
"""
"""The signal comes when the sandbox is made or removed, and the removal fails."""
_GIT = """\
#!/bin/sh
case " $* " in *" clone "*)
    exec 9>{told}
    kill -TERM $PPID
    while [ -e {folder} ]; do :; done
    ;;
esac
exec {git} "$@"
"""
"""As on a busy machine: a clone that begins to write when everything else is over."""


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "DEPLOYER_STATE": str(folder / "state")}


def _create(folder: Path, number: int, first: int, last: int) -> tuple[int, str, int]:
    """Exit code, what it said, and how many steps there were."""
    folder.mkdir()
    argv = [sys.executable, "-c", _STOPPED, str(number), str(first), str(last)]
    done = subprocess.run(
        argv, env=_environment(folder), capture_output=True, text=True, check=False, timeout=limit(300)
    )
    said, _, steps = done.stderr.rpartition("\n")
    return done.returncode, said.strip(), int(steps)


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many steps a whole `create` has."""
    folder = tmp_path_factory.mktemp("steps") / "whole"
    _, _, steps = _create(folder, signal.SIGTERM, 0, -1)
    destroy = [sys.executable, "-m", "deployer", "sandbox", "destroy", "demo"]
    subprocess.run(destroy, env=_environment(folder), check=True, capture_output=True)
    assert steps > 40
    return steps


@pytest.mark.parametrize("part", sampled(range(PARTS), 1, 4))
@pytest.mark.parametrize(
    ("number", "most"),
    [(signal.SIGTERM, 1), (signal.SIGHUP, 1), (signal.SIGINT, 1_000_000)],
    ids=["once", "closed-terminal", "again-and-again"],
)
def test_a_create_that_is_stopped_at_any_step(tmp_path: Path, steps: int, number: int, most: int, part: int) -> None:
    """Nothing is left of it: no file, no draft and no process."""
    for step in range(1 + part, steps + 1, PARTS):
        folder = tmp_path / f"stopped-{step}"
        code, said, _ = _create(folder, number, step, step + most - 1)
        assert (code, said) == (128 + number, "deployer: stopped"), step
        assert [path.name for path in (folder / "state" / "sandboxes").glob("*")] in ([], [".lock"]), step
        assert subprocess.run(["pgrep", "-f", str(folder)], check=False, capture_output=True).stdout == b"", step


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_removal_that_fails_after_the_signal(tmp_path: Path, number: int) -> None:
    """The message names the folder that stays; the exit code is that of the signal."""
    environment = _environment(tmp_path)
    for action, what in (("create", "the unfinished sandbox demo"), ("destroy", "sandbox demo")):
        argv = [sys.executable, "-c", _KEPT, str(int(number)), action, "demo"]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=limit(300))

        assert done.stderr.startswith(f"deployer: stopped; {what} could not be removed: [Errno 13]"), done.stderr
        assert str(tmp_path / "state" / "sandboxes" / "demo") in done.stderr
        assert done.returncode == 128 + number


def test_what_is_started_has_the_signals_of_its_caller() -> None:
    """A program inherits them: one that holds SIGTERM back could not be asked to end."""
    mine = signal.pthread_sigmask(signal.SIG_BLOCK, ())

    assert carried_out(lambda _stop: signal.pthread_sigmask(signal.SIG_BLOCK, ())) == mine


def test_a_program_that_has_only_begun_writes_nothing_any_more(tmp_path: Path) -> None:
    """What `create` had started is ended before the folder is removed, however late that program is."""
    programs, told, folder = (tmp_path / name for name in ("programs", "told", "state"))
    environment = _environment(tmp_path)
    usual = next(path for path in os.get_exec_path() if (Path(path) / "git").exists())
    programs.mkdir()
    box = folder / "sandboxes" / "demo"
    (programs / "git").write_text(_GIT.format(told=told, folder=box, git=f"{usual}/git"))
    (programs / "git").chmod(0o755)
    os.mkfifo(told)
    with os.fdopen(os.open(told, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as late:
        done = subprocess.run(
            [sys.executable, "-m", "deployer", "sandbox", "create", "demo"],
            env=environment | {"PATH": f"{programs}:{environment['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=limit(300),
        )
        # The end of what holds it open, be it `git` or what became of it.
        os.set_blocking(late.fileno(), True)
        assert late.read() == b""
    assert (done.returncode, done.stderr.strip()) == (128 + signal.SIGTERM, "deployer: stopped")
    assert not box.exists()
