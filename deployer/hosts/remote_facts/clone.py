"""What git says of the clone and of its remote."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

SECONDS = 20.0
"""For one git command; the remote must answer within it."""
KEPT = {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_SSH_COMMAND", "GIT_EXEC_PATH"}
"""Variables of git that say where the host's settings are; every other one (GIT_DIR …) leaked from somewhere."""
CONFIG = ("core.fsmonitor=false", "safe.bareRepository=explicit", "protocol.ext.allow=never")
"""Nothing is started for a mere look, nor is a repository within the tree of another believed."""
ENVIRONMENT = {
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_PAGER": "cat",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": f"{os.devnull}/none",
}
IN_PROGRESS = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase or am",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisect",
}


def git(arguments: list[str], *, beside: Path | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and the last line of stderr; SIGTERM to the whole group when it takes too long."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in KEPT}
    environment.update(ENVIRONMENT)
    if beside:
        environment["GIT_CEILING_DIRECTORIES"] = str(beside.parent)
    try:
        process = subprocess.Popen(
            ["git", *(word for setting in CONFIG for word in ("-c", setting)), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError:
        return 127, "", "there is no git"
    return finish(process)


def finish(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """Wait for git, but not for ever: it has no time limit of its own for a remote that went silent."""
    try:
        stdout, stderr = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()
        return 124, "", f"no answer within {SECONDS:.0f} s"
    said = stderr.decode("utf-8", "replace").strip().splitlines()
    return process.returncode, stdout.decode("utf-8", "replace"), said[0] if said else ""


def git_version() -> str | None:
    """`2.39.5`; None where there is no git."""
    code, text, _ = git(["--version"])
    return text.removeprefix("git version ").split()[0] if code == 0 else None


def identity(path: Path) -> str | None:
    """`Name <mail>` of commits made there; None when git would refuse to commit."""
    where = ["-C", str(path)] if path.is_dir() else []
    code, text, _ = git([*where, "var", "GIT_COMMITTER_IDENT"])
    return text.rsplit(">", 1)[0] + ">" if code == 0 and ">" in text else None


def look(path: Path, wanted_remote: str, branch: str) -> dict[str, Any]:
    """The clone, as far as there is one, and whether its remote answers."""
    found: dict[str, Any] = {"exists": os.path.lexists(path), "repository": False, "url": None}
    if path.is_dir():
        code, top, error = git(["-C", str(path), "rev-parse", "--show-toplevel"], beside=path)
        found["repository"] = code == 0 and Path(top.rstrip("\n")).resolve() == path.resolve()
        found["error"] = error
    if found["repository"]:
        found.update(inside(path))
    url = found["url"] or wanted_remote
    found["answers"] = answers(path if found["repository"] else None, url, branch) if url else None
    return found


def inside(path: Path) -> dict[str, Any]:
    """Branch, remote, edits and what is in progress."""
    where = ["-C", str(path)]
    folder = Path(git([*where, "rev-parse", "--absolute-git-dir"])[1].rstrip("\n"))
    code, branch, _ = git([*where, "symbolic-ref", "-q", "--short", "HEAD"])
    url = git([*where, "config", "--get", "remote.origin.url"])
    status = git([*where, "status", "--porcelain=v1", "-z", "--untracked-files=no"])
    return {
        "branch": branch.strip() if code == 0 else None,
        "url": url[1].rstrip("\n") if url[0] == 0 else None,
        "dirty": len([entry for entry in status[1].split("\0") if entry]) if status[0] == 0 else None,
        "in_progress": [what for name, what in IN_PROGRESS.items() if os.path.lexists(folder / name)],
        "index_lock": os.path.lexists(folder / "index.lock"),
        "writable": os.access(folder, os.W_OK),
    }


def answers(path: Path | None, url: str, branch: str) -> dict[str, Any]:
    """Whether the remote answers, and has the branch (exit code 2: it has not)."""
    where = ["-C", str(path)] if path else []
    code, text, error = git([*where, "ls-remote", "--exit-code", "--", url, f"refs/heads/{branch}"])
    return {"exit_code": code, "tip": text.split("\t")[0] if code == 0 else None, "error": error}
