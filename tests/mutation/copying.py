"""A copy of the checkout with an environment of its own, where files may be changed at will.

Child processes, programs streamed to hosts and Ansible's modules are all read from files, so a mutant must be one; and
`python -m deployer` must find it wherever it is started, so the copy's environment has an editable install of the copy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ENVIRONMENT = ".venv"


def copy_checkout(source: Path, target: Path) -> None:
    """All files that git tracks or would add, as they are now, and the environment."""
    target.mkdir()
    for name in _files(source):
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, place, follow_symlinks=False)
    shutil.copytree(source / ENVIRONMENT, target / ENVIRONMENT, symlinks=True)
    for path in _naming(source / ENVIRONMENT):
        _rename(target / path.relative_to(source), str(source), str(target))
    _compile(target)


def _compile(target: Path) -> None:
    """Write the bytecode now: later none is written, and each of the tests' many processes would compile all."""
    python = str(target / ENVIRONMENT / "bin" / "python")
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    for argv in (["compileall", "-q", "deployer"], ["pytest", "-q", "--collect-only", "tests"]):
        command = [python, "-m", *argv]
        subprocess.run(command, cwd=target, env=environment, check=True, stdout=subprocess.DEVNULL)


def _files(source: Path) -> list[str]:
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, cwd=source, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (source / name).exists()]


def _naming(environment: Path) -> list[Path]:
    """The files of an environment that hold its own path: programs, and what an editable install leaves."""
    packages = next((environment / "lib").glob("python*/site-packages"))
    installed = [*packages.glob("*.pth"), *packages.glob("*.dist-info/direct_url.json")]
    programs = [path for path in (environment / "bin").iterdir() if not path.is_symlink()]
    return [*programs, *installed, environment / "pyvenv.cfg"]


def _rename(path: Path, old: str, new: str) -> None:
    content = path.read_bytes()
    if old.encode() in content:
        path.write_bytes(content.replace(old.encode(), new.encode()))
