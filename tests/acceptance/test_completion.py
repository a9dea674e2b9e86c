"""The Tab key in a real bash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box

SCRIPT = """
eval "$(deployer completion bash)"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_deployer_completion deployer
printf '%s\\n' "${COMPREPLY[@]}"
"""


def pressed(box: Box, *words: str, sandbox: str = "") -> tuple[set[str], str]:
    """What is offered for the last word, and what was said besides."""
    environment = box.shell.environment | {"DEPLOYER_SANDBOX": sandbox or box.name}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", SCRIPT, "bash", "deployer", *words],
        env=environment,
        cwd=box.shell.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return {word for word in done.stdout.splitlines() if word}, done.stderr


def test_tab_offers_what_can_be_meant(deployed: Box) -> None:
    """Commands, sites, behind a site its instances, runs, sandboxes and operations."""
    run = deployed.deployer("history", "--json").document["data"][0]["id"]

    assert {"redeploy", "retry"} <= pressed(deployed, "re")[0]
    assert pressed(deployed, "redeploy", "")[0] == {"fra1"}
    assert pressed(deployed, "redeploy", "fra1", "v")[0] == {"viatris"}
    assert pressed(deployed, "show", "")[0] == {"last", run}
    assert pressed(deployed, "--sandbox", "")[0] == {deployed.name}
    assert {"redeploy", "instance-configure"} <= pressed(deployed, "plan", "")[0]
    assert "--limit" in pressed(deployed, "redeploy", "--li")[0]


def test_tab_says_nothing_where_there_is_nothing_to_offer(box: Box) -> None:
    """A sandbox that is not there, a command that is none: no words, no error in the middle of the line."""
    for words in (("redeploy", ""), ("sync", "f"), ("show", ""), ("nonsense", "")):
        offered, said = pressed(box, *words, sandbox="gone")

        assert "fra1" not in offered
        assert said == ""
