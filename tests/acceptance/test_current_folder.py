"""The folder that a person stands in decides nothing: it may be a clone of a repository to which others push."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from deployer.cli.commands import load_command, summaries
from tests.acceptance.conftest import SITE, Box, _make
from tests.acceptance.trap import Trap
from tests.budget.marks import deep

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

    from tests.acceptance.conftest import Done

DAILY = frozenset({"doctor", "merge", "plan", "redeploy", "sync", "verify"})
FILES = ("-e", "@own vars.yml", "--vault-id", "dev@own password")
LINES: dict[str, tuple[tuple[str, ...], int]] = {
    "attention": ((), 0),
    "compare": (("base.xml", "ours.xml"), 0),
    "completion": (("bash",), 0),
    "configure": ((SITE, "viatris", "--set", "version=1.5.0", "-C"), 3),
    "demo": ((), 0),
    "doctor": ((SITE,), 0),
    "history": ((), 0),
    "logs": (("20260101-000000-none",), 2),
    "merge": (("base.xml", "ours.xml", "base.xml", "-o", "merged.xml"), 0),
    "plan": (("redeploy", SITE), 0),
    "redeploy": ((SITE, "viatris", "-C", *FILES, "--", "--private-key", "own key"), 8),
    "retry": (("20260101-000000-none",), 2),
    "run": (("instance-redeploy", SITE, "viatris", "-C", *FILES), 8),
    "sandbox create": (("other",), 0),
    "sandbox destroy": (("nothing",), 2),
    "sandbox fault": ((SITE, "heal"), 2),
    "sandbox host": (("start", f"{SITE}-sandbox-dep01"), 0),
    "sandbox list": ((), 0),
    "sandbox prune": ((), 0),
    "sandbox start": (("place",), 0),
    "settings": ((), 0),
    "show": (("20260101-000000-none",), 2),
    "status": ((), 0),
    "sync": ((SITE,), 0),
    "undo": ((SITE, "--list"), 0),
    "verify": ((SITE, "viatris"), 3),
}
"""Command -> its arguments and the exit code that it has in any folder. A command that is added stands here too."""


def _commands() -> Iterator[str]:
    """Every command of the command line, as it says itself."""
    for name in summaries():
        command = load_command(name)
        inner = list(command.commands) if isinstance(command, click.Group) else []
        yield from (f"{name} {one}" for one in inner) if inner else (name,)


def _cases() -> Iterator[ParameterSet]:
    for name in _commands():
        yield pytest.param(name, marks=[] if name in DAILY else [deep(20 if name == "demo" else 3)])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A sandbox with nothing deployed, whose people stand in a folder of their own."""
    yield from _make(tmp_path_factory.mktemp("place"), "place")


@pytest.fixture
def spy(tmp_path: Path) -> Path:
    """A folder of programs that tell whether they got a setting of deployer, and then do what they always do."""
    folder = tmp_path / "spies"
    folder.mkdir()
    for name in ("git", "ssh"):
        real = shutil.which(name)
        look = f"/usr/bin/env | /bin/grep -q '^DEPLOYER_' && : >'{tmp_path}/told {name}'"
        (folder / name).write_text(f'#!/bin/sh\n{look}\nexec {real} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def _standing(place: Box, trap: Trap, spy: Path, *words: str) -> Done:
    """Run a command in the folder, with every variable that could lead there."""
    shell = copy.copy(place.shell)
    shell.folder = trap.folder
    for name in ("base.xml", "ours.xml"):
        (trap.folder / name).write_text(place.on_remote())
    (trap.folder / "own vars.yml").write_text("some: value\n")
    (trap.folder / "own password").write_text("secret\n")
    path = f":{spy}:{os.environ['PATH']}:."
    secret = {"DEPLOYER_ON_ATTENTION__WEBHOOK": "https://chat.example.com/s3cret"}
    return shell(*words, PATH=path, XDG_CONFIG_HOME=".config", DEPLOYER_SANDBOX=place.name, **secret)


@pytest.mark.parametrize("command", [*_cases()])
def test_nothing_of_the_current_folder_is_run(place: Box, tmp_path: Path, spy: Path, command: str) -> None:
    """Each command does there what it does elsewhere; files that are named are found, and no child gets a setting."""
    trap = Trap(tmp_path / "clone of others")
    arguments, code = LINES[command]

    done = _standing(place, trap, spy, *command.split(), *arguments)
    if command == "sandbox create":
        place.shell("sandbox", "destroy", "other")

    assert trap.sprung == []
    assert done.code == code, done.out + done.err
    assert "trap" not in done.out + done.err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("told")] == []


def test_python_imports_nothing_from_the_current_folder(place: Box, tmp_path: Path) -> None:
    """`python -m` puts it first: a process that starts anew, with all its imports, and those that it starts."""
    trap = Trap(tmp_path / "clone")
    shell = copy.copy(place.shell)
    shell.folder = trap.folder

    with shell.start("plan", "redeploy", SITE, DEPLOYER_SANDBOX=place.name) as process:
        out, err = process.communicate()

    assert trap.sprung == []
    assert process.returncode == 0, out + err
