"""What somebody meets first: the README, the demo, an installed wheel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.budget.marks import deep

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box, Shell

TOP = Path(__file__).parents[2]


def test_the_demo_tells_its_story_and_cleans_up(shell: Shell) -> None:
    """It rolls out, shows what fails today, lands both sides, and leaves nothing; a proxy of the user is not asked."""
    done = shell("demo", http_proxy="http://127.0.0.1:1")

    assert done.code == 0, done.out + done.err
    assert done.out.count("3 changed") == 1
    assert "3 ok" in done.out
    assert "More workers for the quarter" in done.out
    assert "via automation" in done.out
    assert "version 1.5.0" in done.out
    assert shell("sandbox", "list", "--json").document["data"] == []


def test_the_readme_runs_as_written(tmp_path: Path, shell: Shell) -> None:
    """The Python lines of the README work in a sandbox called demo."""
    code = re.findall(r"```python\n(.*?)```", (TOP / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    assert shell("sandbox", "create", "demo").code == 0

    done = subprocess.run(
        [sys.executable, "-c", code], env=shell.environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    destroyed = shell("sandbox", "destroy", "demo")

    assert done.returncode == 0, done.stderr
    assert done.stdout == "viatris.fra1 changed 1.4.2\n"
    assert destroyed.code == 0


def test_the_readme_opens_with_the_two_commands() -> None:
    """Make demo and make test come before anything else."""
    lines = (TOP / "README.md").read_text(encoding="utf-8").splitlines()

    assert [line.split("#")[0].strip() for line in lines[2:4]] == ["make demo", "make test"]


def test_every_link_of_the_readme_leads_somewhere() -> None:
    """A page that is named is there."""
    links = re.findall(r"\]\(([^)#:]+)\)", (TOP / "README.md").read_text(encoding="utf-8"))

    assert [link for link in links if not (TOP / link).exists()] == []


def _run(*argv: str | Path) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _environment(place: Path, *, is_whole: bool) -> None:
    """An environment with our wheel: what the wheel needs is installed too, or is that of the tests."""
    isolated = () if is_whole else ("--no-isolation",)
    _run(sys.executable, "-m", "build", "--wheel", *isolated, "--outdir", place.parent, TOP)
    venv.create(place, with_pip=False)
    needed = () if is_whole else ("--no-deps",)
    into = ("--python", place / "bin" / "python")
    _run(sys.executable, "-m", "pip", *into, "install", "-q", *needed, *place.parent.glob("*.whl"))
    if not is_whole:
        (library,) = place.glob("lib/python*/site-packages")
        # Of a folder that is named so, no .pth is read: that of our checkout stays unknown.
        (library / "tests.pth").write_text(f"{sysconfig.get_path('purelib')}\n")


@pytest.mark.parametrize("is_whole", [False, pytest.param(True, marks=deep(35))], ids=["quick", "whole"])
def test_an_installed_wheel_works_in_an_empty_folder(tmp_path: Path, is_whole: bool) -> None:  # noqa: FBT001  a case
    """`pip install` of the built wheel carries playbooks and all, without the checkout."""
    place = tmp_path / "environment of mine"
    _environment(place, is_whole=is_whole)
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {
        "PATH": os.environ["PATH"] if is_whole else f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(empty),
        "LC_ALL": "C.UTF-8",
        "DEPLOYER_STATE": str(tmp_path / "state"),
    }
    quick = ("sandbox create x", "redeploy fra1 viatris --sandbox x", "sandbox destroy x")
    said = ""
    for command in ("demo",) if is_whole else quick:
        argv = [str(place / "bin" / "deployer"), *command.split()]
        done = subprocess.run(argv, cwd=empty, env=environment, capture_output=True, text=True, check=False)
        said += done.stdout
        assert done.returncode == 0, done.stdout + done.stderr

    assert "version 1.5.0" in said if is_whole else "1 changed" in said


def test_settings_show_their_origin(box: Box) -> None:
    """Where a value came from is the first question when it is wrong."""
    done = box.deployer("settings", "--origin", DEPLOYER_SYNC__ATTEMPTS="7")

    assert done.code == 0
    assert re.search(r"sync\.attempts +7 +environment", done.out)


def test_completion_is_a_script(shell: Shell) -> None:
    """For each of the three shells."""
    assert all("_DEPLOYER_COMPLETE" in shell("completion", name).out for name in ("bash", "zsh", "fish"))
