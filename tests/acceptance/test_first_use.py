"""What somebody meets first: the README, the demo, an installed wheel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box, Shell

TOP = Path(__file__).parents[2]


def test_the_demo_tells_its_story_and_cleans_up(shell: Shell) -> None:
    """It rolls out, shows what fails today, lands both sides, and leaves nothing."""
    done = shell("demo")

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


def test_an_installed_wheel_works_in_an_empty_folder(tmp_path: Path) -> None:
    """`pip install` of the built wheel carries playbooks and all, without the checkout."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, TOP], check=True, capture_output=True
    )
    wheel = next(tmp_path.glob("*.whl"))
    place = tmp_path / "environment of mine"
    venv.create(place, with_pip=True)
    subprocess.run([place / "bin" / "pip", "install", "-q", wheel], check=True, capture_output=True)
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(empty),
        "LC_ALL": "C.UTF-8",
        "DEPLOYER_STATE": str(tmp_path / "state"),
    }

    done = subprocess.run(
        [place / "bin" / "deployer", "demo"], cwd=empty, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "version 1.5.0" in done.stdout


def test_settings_show_their_origin(box: Box) -> None:
    """Where a value came from is the first question when it is wrong."""
    done = box.deployer("settings", "--origin", DEPLOYER_SYNC__ATTEMPTS="7")

    assert done.code == 0
    assert re.search(r"sync\.attempts +7 +environment", done.out)


def test_completion_is_a_script(shell: Shell) -> None:
    """For each of the three shells."""
    assert all("_DEPLOYER_COMPLETE" in shell("completion", name).out for name in ("bash", "zsh", "fish"))
