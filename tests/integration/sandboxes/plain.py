"""Plain Ansible, as somebody runs it who has only the inventory of a sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def ansible(program: str, *arguments: str, home: Path) -> str:
    """What one of its programs prints, which must succeed."""
    folder = Path(sys.executable).parent
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HOME": str(home),
        "ANSIBLE_HOME": str(home / ".ansible"),
        # A connection that is kept would outlive the test.
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=no",
        "LC_ALL": "C.UTF-8",
    }
    argv = [str(folder / program), *arguments]
    done = subprocess.run(argv, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def listed(inventory: Path, home: Path) -> dict[str, Any]:
    """An inventory as it reads it."""
    found: dict[str, Any] = json.loads(ansible("ansible-inventory", "-i", str(inventory), "--list", home=home))
    return found
