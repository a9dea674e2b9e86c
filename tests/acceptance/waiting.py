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
        dest: "{there}/began-{{{{ instance.name }}}}"
        mode: "0644"
    - name: Wait for the test
      ansible.builtin.wait_for:
        path: "{there}/go-on"
        timeout: 600
        sleep: 1
"""


def make(folder: Path, there: str = "") -> dict[str, str]:
    """Make the operation `wait`; the variables with which `deployer` finds it.

    Args:
        folder: where it is made.
        there: the folder on the targets' hosts where it tells and looks; the same one unless given.
    """
    own = folder / "own" / "instance-wait"
    own.mkdir(parents=True)
    (own / "operation.yml").write_text("command: wait\nsummary: Wait\n")
    (own / "playbook.yml").write_text(PLAYBOOK.format(there=there or folder))
    return {"DEPLOYER_PLAYBOOKS": str(own.parent)}


def until_begun(folder: Path, process: subprocess.Popen[str], instance: str = "viatris") -> None:
    """Return when the playbook is in its second task: the state of files tells, not the time."""
    while not (folder / f"began-{instance}").exists():
        assert process.poll() is None, process.communicate()
        os.sched_yield()


def go_on(folder: Path) -> None:
    """Let it end."""
    (folder / "go-on").write_text("")
