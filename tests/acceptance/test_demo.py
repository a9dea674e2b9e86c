"""The demo, where one of its steps fails: it ends there, with one sentence and the exit code of that step."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.acceptance import waiting
from tests.acceptance.conftest import Done, Shell

TASKS = """\
- name: Redeploy
  hosts: instances
  gather_facts: false
  tasks:
    - name: In place of the release
      ansible.builtin.{task}
"""


def _instead(shell: Shell, playbook: str) -> dict[str, str]:
    """Another playbook for the redeploys of the demo; the variables with which it is found."""
    own = shell.folder / "own" / "instance-redeploy"
    own.mkdir(parents=True)
    (own / "operation.yml").write_text("command: redeploy\nsummary: Redeploy\n", encoding="utf-8")
    (own / "playbook.yml").write_text(playbook, encoding="utf-8")
    return {"DEPLOYER_PLAYBOOKS": str(own.parent)}


def _ends(shell: Shell, done: Done, code: int, sentence: str) -> None:
    """It says this last, and nothing is left of its sandbox."""
    assert done.code == code, done.out + done.err
    assert done.err.splitlines()[-1].startswith(f"deployer: {sentence}")
    for word in ("Traceback", "fault of deployer"):
        assert word not in done.out + done.err
    assert list((shell.folder / "state" / "sandboxes").glob("[!.]*")) == []


def test_a_redeploy_that_fails(shell: Shell) -> None:
    """Nobody is asked what runs where nothing was rolled out."""
    done = shell("demo", **_instead(shell, TASKS.format(task="fail:")))
    _ends(shell, done, 3, "the demo ends here: deployer redeploy fra1 ended with 3")
    assert done.out.count("$ deployer") == 1
    assert "GET" not in done.out


def test_an_instance_that_does_not_answer(shell: Shell) -> None:
    """Which one, and what the system says of it."""
    done = shell("demo", **_instead(shell, TASKS.format(task="ping:")))
    _ends(shell, done, 1, "the demo ends here: http://127.0.0.1:")
    assert "Connection refused" in done.err


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("clone", "git could not build clusterconfig-fra1 of the sandbox: "),
        ("commit", "git -c 'user.name=Jonas Okafor'"),
        ("--graph", "the demo ends here: git --no-pager log --graph "),
    ],
)
def test_a_git_that_fails(shell: Shell, word: str, sentence: str) -> None:
    """In the sandbox, for a person, and where the demo shows what it says."""
    programs = shell.folder / "programs"
    programs.mkdir()
    usual = next(Path(path) / "git" for path in shell.environment["PATH"].split(":") if (Path(path) / "git").exists())
    script = f'#!/bin/sh\nfor word in "$@"; do [ "$word" != {word} ] || exit 9; done\nexec {usual} "$@"\n'
    (programs / "git").write_text(script, encoding="utf-8")
    (programs / "git").chmod(0o755)
    done = shell("demo", PATH=f"{programs}:{shell.environment['PATH']}")
    _ends(shell, done, 9 if word == "--graph" else 1, sentence)


def test_the_demo_is_stopped_while_ansible_works(shell: Shell) -> None:
    """What it started has ended before the sandbox is removed, and writes nothing into it any more."""
    late = shell.folder / "state" / "sandboxes" / "guided-tour" / "hosts" / "late"
    script = f"trap '' TERM; touch {shell.folder}/began-{{{{ instance.name }}}}; while :; do mkdir -p {late}; done"
    variables = _instead(shell, TASKS.format(task=f'shell: "{script}"'))
    with shell.start("demo", **variables) as process:
        waiting.until_begun(shell.folder, process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
    _ends(shell, Done(process.returncode, out, err), 128 + signal.SIGTERM, "stopped")
