"""Ansible, or the process around it, that ends before anything began: the person reads why."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.model.options import PlaybookOptions
from deployer.model.run import Outcome
from deployer.playbook import driver
from deployer.playbook.errors import PlaybookError
from deployer.ports import PlaybookRun
from tests.integration.playbook.conftest import Project

SECRET = "correct-horse-battery"
PROGRAMS = {
    "no interpreter": (
        "#!/nosuch/python\n",
        "/ansible-playbook: the interpreter that its first line names is not there",
    ),
    "a broken installation": (
        "#!/bin/sh\necho 'Traceback (most recent call last):' >&2\necho \"ImportError: no ansible\" >&2\nexit 1\n",
        "ImportError: no ansible",
    ),
    "no word": ("#!/bin/sh\nexit 3\n", "ansible-playbook ended with exit code 3 and said nothing"),
    "killed": ("#!/bin/sh\necho hello\nkill -KILL $$\n", "ansible-playbook was ended by a signal"),
    "its parent killed": (
        "#!/bin/sh\nkill -KILL $PPID\nwhile :; do :; done\n",
        "the process that runs Ansible was ended by SIGKILL, as the kernel does when memory runs out",
    ),
}
"""What is there in place of ansible-playbook, and what is read then."""
PYTHONS = {
    "no ansible-runner": ('exec {python} -S "$@"', "ModuleNotFoundError: No module named 'ansible_runner'"),
    "a broken Python": (
        "echo 'Fatal Python error: no encodings' >&2\nexit 1",
        "the process that runs Ansible ended with exit code 1: Fatal Python error: no encodings",
    ),
    "a crash": ("kill -SEGV $$", "the process that runs Ansible was ended by SIGSEGV"),
    "no word": ("exit 0", "the process that runs Ansible ended with exit code 0"),
    "no room": ('ulimit -f 0\nexec {python} "$@"', "/r1/fra1: File too large"),
}


@pytest.fixture
def instead(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts something in the place of Python, and of ansible-playbook beside it."""
    real = Path(sys.executable)

    def put(python: str, playbook: str = "") -> None:
        folder = project.top / "bin"
        folder.mkdir()
        (folder / "python").write_text("#!/bin/sh\n" + python.format(python=shlex.quote(str(real))) + "\n")
        if playbook:
            (folder / "ansible-playbook").write_text(playbook)
        else:
            (folder / "ansible-playbook").symlink_to(real.parent / "ansible-playbook")
        for name in ("python", "ansible-playbook"):
            (folder / name).chmod(0o755)
        monkeypatch.setattr("sys.executable", str(folder / "python"))

    return put


def test_the_interpreter_has_gone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or may not be started: which file it is, and what the system says of it."""
    batch = project.batch(project.playbook("- ping:\n"))
    python = project.top / "python"
    monkeypatch.setattr("sys.executable", str(python))
    with pytest.raises(PlaybookError, match=f"^Ansible did not start: {python}: No such file or directory$"):
        project.run(batch)
    python.touch(mode=0o600)
    with pytest.raises(PlaybookError, match=f"^Ansible did not start: {python}: Permission denied$"):
        project.run(batch)


def _error(project: Project, batch: PlaybookRun) -> str:
    """What the person reads; the results say the same, and the log is where the hint says."""
    with pytest.raises(PlaybookError) as caught:
        project.run(batch)
    error = caught.value
    assert {(result.outcome, result.error) for result in error.results} == {
        (Outcome.NOT_STARTED, error.message.partition(": ")[2])
    }
    assert error.hint == f"the full log: {project.top / 'runs/r1/fra1/ansible.log'}"
    assert Path(error.hint.partition(": ")[2]).is_file()
    return error.message


@pytest.mark.parametrize("case", PROGRAMS)
def test_ansible_playbook_ends_at_once(project: Project, instead: Callable[..., None], case: str) -> None:
    """Whatever it is that stands in its place."""
    program, why = PROGRAMS[case]
    instead('exec {python} "$@"', program)
    playbook = project.playbook("- ping:\n")
    message = _error(project, project.batch(playbook))
    assert message.startswith(f"{playbook}: Ansible did not start: ")
    assert message.partition("start: ")[2].startswith((why, str(project.top)))
    assert why in message


@pytest.mark.parametrize("case", PYTHONS)
def test_the_process_around_it_ends(project: Project, instead: Callable[..., None], case: str) -> None:
    """What it said last, or how it ended."""
    python, why = PYTHONS[case]
    instead(python)
    message = _error(project, project.batch(project.playbook("- ping:\n")))
    assert ": Ansible did not start: " in message
    assert message.endswith(why)


def test_a_child_that_does_not_end_when_it_is_asked(
    project: Project,
    instead: Callable[..., None],
    in_thread: Callable[[Callable[[], None]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is killed after a while, and what was stopped says so."""
    monkeypatch.setattr(driver, "_TERM_SECONDS", 0.2)
    fifo = project.top / "begun"
    os.mkfifo(fifo)
    instead(f"trap '' TERM; echo >{fifo}; exec sleep 600")

    def stop() -> None:
        fifo.read_text()
        project.stop.now = True

    in_thread(stop)
    results = project.run(project.batch(project.playbook("- ping:\n")))

    assert {(one.outcome, one.error) for one in results.values()} == {(Outcome.NOT_STARTED, "stopped before it")}


@pytest.mark.parametrize("line", ['{"event": "text", {"event": "text"}', "7", r"\377"])
def test_a_damaged_line_of_events(project: Project, instead: Callable[..., None], line: str) -> None:
    """It is the end of the child, which is ended though it would go on."""
    script = f"printf '%b\\n' '{line}' >>{project.top}/runs/r1/fra1/events.jsonl; exec sleep 600"
    instead(script.replace("{", "{{").replace("}", "}}"))
    message = _error(project, project.batch(project.playbook("- ping:\n")))
    assert message.endswith(f": Ansible did not start: {project.top}/runs/r1/fra1/events.jsonl is damaged")


@pytest.mark.parametrize(
    ("python", "playbook"),
    [("echo {said} >&2; exit 1", ""), ('exec {python} "$@"', "#!/bin/sh\necho {said}\nexit 1\n")],
    ids=["python", "ansible-playbook"],
)
def test_what_is_told_has_no_secret_and_an_end(
    project: Project, instead: Callable[..., None], python: str, playbook: str
) -> None:
    """Text from outside is shortened, and what a variable says is secret is not in it."""
    said = f"{SECRET} postgres://me:{SECRET}x@db " + 500 * "long "
    instead(python.replace("{said}", shlex.quote(said)), playbook.replace("{said}", shlex.quote(said)))
    project = project.with_variables(db_password=SECRET)
    message = _error(project, project.batch(project.playbook("- ping:\n")))
    assert "[redacted]" in message
    assert "long long" in message
    assert SECRET not in message
    assert len(message.partition("start: ")[2]) <= 600


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (("--nosuch",), "unrecognized arguments: --nosuch"),
        (("-e", "@/nosuch.yml"), "Could not find or access '/nosuch.yml'"),
        (("--limit", "nobody"), "--limit leaves us with no hosts to target"),
    ],
)
def test_arguments_that_ansible_does_not_take(project: Project, raw: tuple[str, ...], why: str) -> None:
    """Its sentence and not a line of its help; where a file is meant, the file."""
    batch = replace(project.batch(project.playbook("- ping:\n")), options=PlaybookOptions(raw=raw))
    assert why in _error(project, batch)


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("strategy = nosuch", "Invalid play strategy specified: nosuch"),
        ("gathering = nonsense", "Invalid value 'nonsense' for config 'DEFAULT_GATHERING'"),
        ("[broken", "Error reading config file"),
    ],
)
def test_a_bad_setting_of_ansible(project: Project, setting: str, why: str) -> None:
    """Of a file that the person wrote."""
    (project.top / "ansible.cfg").write_text(f"[defaults]\n{setting}\n", encoding="utf-8")
    project.environ["ANSIBLE_CONFIG"] = str(project.top / "ansible.cfg")
    with pytest.raises(PlaybookError) as caught:
        project.run(project.batch(project.playbook("- ping:\n")))
    assert why in caught.value.message


def test_a_vault_password_that_is_not_there(project: Project) -> None:
    """Which file it is."""
    options = PlaybookOptions(vault_ids=("x@/nosuch/password",))
    batch = replace(project.batch(project.playbook("- ping:\n")), options=options)
    assert "/nosuch/password was not found" in _error(project, batch)
