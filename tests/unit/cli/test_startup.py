"""Start-up is a feature."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("fabric", "paramiko", "git", "lxml", "ansible_runner", "rich.live", "sqlalchemy", "pydantic", "tenacity")


@pytest.mark.parametrize("arguments", [["--help"], ["redeploy", "--help"], ["--version"], ["completion", "bash"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """`--help` and completion load click and YAML, and none of the libraries that do the work."""
    code = (
        "import sys\nfrom deployer.cli.main import main\n"
        f"code = main({arguments!r})\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not heavy, heavy\nsys.exit(code)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("module", "left"), [("playbook.child", HEAVY), ("integrations.notifiers", ("httpx2",))])
def test_what_every_rollout_starts_imports_nothing_heavy(module: str, left: tuple[str, ...]) -> None:
    """The process around Ansible needs none of the controller's libraries, and few have a webhook to tell."""
    code = f"import sys, deployer.{module}\nprint([name for name in {left!r} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
