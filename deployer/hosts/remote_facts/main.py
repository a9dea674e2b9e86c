"""Gather the facts; what they mean is judged on the controller."""

from __future__ import annotations

import getpass
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

from . import clone

BECOME_SECONDS = 10.0
AGENT_SECONDS = 5.0


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Facts as plain data; a fact that could not be had is None."""
    began = time.time()
    path = Path(request["path"]).expanduser()
    facts = {
        "python": platform.python_version(),
        "user": user(),
        "git": clone.git_version(),
        "identity": clone.identity(path),
        "keys": private_keys(),
        "agent": agent_keys(),
        "disk": disk(path),
        "become": become(),
        "clone": clone.look(path, request["remote"], request["branch"]),
    }
    return {**facts, "began": began, "ended": time.time()}


def user() -> str:
    """Who we are there; the number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def private_keys() -> list[str]:
    """Names of private keys in ~/.ssh: those that have a public half beside them."""
    try:
        names = {entry.name for entry in Path("~/.ssh").expanduser().iterdir()}
    except OSError:
        return []
    return sorted(name for name in names if f"{name}.pub" in names)


def agent_keys() -> int:
    """How many keys an agent offers; 0 without one."""
    if not os.environ.get("SSH_AUTH_SOCK"):
        return 0
    code, text = run(["ssh-add", "-l"], AGENT_SECONDS)
    return len(text.splitlines()) if code == 0 else 0


def disk(path: Path) -> dict[str, Any]:
    """Free space where the clone is or will be."""
    while not path.is_dir() and path.parent != path:
        path = path.parent
    stat = os.statvfs(path)
    return {
        "path": str(path),
        "free": stat.f_bavail * stat.f_frsize,
        "total": stat.f_blocks * stat.f_frsize,
        "free_inodes": stat.f_favail,
        "total_inodes": stat.f_files,
        "writable": os.access(path, os.W_OK),
    }


def become() -> bool:
    """Whether we are root, or sudo makes us root without a password."""
    return os.geteuid() == 0 or run(["sudo", "-n", "true"], BECOME_SECONDS)[0] == 0


def run(argv: list[str], seconds: float) -> tuple[int, str]:
    """Exit code and stdout; 127 when there is no such command, 124 when it took too long."""
    try:
        done = subprocess.run(argv, capture_output=True, timeout=seconds, check=False)
    except FileNotFoundError:
        return 127, ""
    except subprocess.TimeoutExpired:
        return 124, ""
    return done.returncode, done.stdout.decode("utf-8", "replace")
