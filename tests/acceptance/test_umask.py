"""What deployer makes is private, whatever the umask is."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.budget.marks import deep

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box

COMMANDS = (("plan", "redeploy", "fra1"), ("redeploy", "fra1", "viatris"))


def _open_to_others(folder: Path, bits: int) -> list[str]:
    """Files and folders there that have one of these bits."""
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & bits]


def _run(box: Box, state: Path, *words: str) -> None:
    temporary = state.parents[1] / "temporary"
    temporary.mkdir(exist_ok=True)
    environment = box.shell.environment | {"DEPLOYER_STATE": str(state), "TMPDIR": str(temporary)}
    environment.pop("DEPLOYER_SANDBOX", None)
    done = subprocess.run(
        [sys.executable, "-m", "deployer", *words],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        umask=0,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_state_is_private_under_any_umask(box: Box, tmp_path: Path) -> None:
    """The folder, the record, logs and cache; and on the host nothing of ours can be written by everybody."""
    state = tmp_path / "new" / "state"

    inventory = str(next((box.folder / "inventory").iterdir()))
    for command in COMMANDS:
        _run(box, state, *command, "-i", inventory)

    assert {path.name for path in state.iterdir()} >= {"cache", "deployer.db", "runs"}
    assert _open_to_others(tmp_path / "new", 0o077) == []
    assert _open_to_others(box.home / "deployer" / ".locks", 0o077) == []
    assert _open_to_others(box.clone / ".git" / "deployer", 0o002) == []


@deep(5)
def test_sandboxes_are_private_under_any_umask(box: Box, tmp_path: Path) -> None:
    """They have keys, and what others could write in them would be run."""
    state = tmp_path / "new" / "state"

    _run(box, state, "sandbox", "create", "other")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (state, state / "sandboxes", state / "sandboxes" / "other")]
    _run(box, state, "sandbox", "destroy", "other")

    assert modes == [0o700, 0o700, 0o700]
