"""An operation that begins on its targets and then waits until the test lets it go on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PLAYBOOK = """
- name: Wait
  hosts: instances
  gather_facts: false
  tasks:
    - name: Say that it began
      ansible.builtin.copy:
        content: began
        dest: "{folder}/began-{{{{ instance.name }}}}"
    - name: Wait for the test
      ansible.builtin.wait_for:
        path: "{folder}/go-on"
        timeout: 120
        sleep: 1
"""


def make(folder: Path) -> dict[str, str]:
    """Make the operation `wait` in a folder; the variables with which `deployer` finds it."""
    own = folder / "own" / "instance-wait"
    own.mkdir(parents=True)
    (own / "operation.yml").write_text("command: wait\nsummary: Wait\n")
    (own / "playbook.yml").write_text(PLAYBOOK.format(folder=folder))
    return {"DEPLOYER_PLAYBOOKS": str(own.parent)}


def until_begun(folder: Path, process: subprocess.Popen[str], instance: str = "viatris") -> None:
    """Return when the playbook is in its second task: the state of files tells, not the time."""
    while not (folder / f"began-{instance}").exists():
        assert process.poll() is None, process.communicate()
        os.sched_yield()


def go_on(folder: Path) -> None:
    """Let it end."""
    (folder / "go-on").write_text("")
