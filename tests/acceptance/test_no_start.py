"""A run whose Ansible cannot start: the person reads why, and where the log is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.acceptance.conftest import SITE, Box, Done
from tests.budget.pace import limit
from tests.support import missing

_NO_PTY = """\
mount -t devpts -o newinstance,max=1,ptmxmode=0666 devpts /dev/pts
mount --bind /dev/pts/ptmx /dev/ptmx
exec "$@"
"""
_TAKEN = "import pty, subprocess, sys; taken = pty.openpty(); sys.exit(subprocess.call(sys.argv[1:]))"


def _without_pty(box: Box, *arguments: str) -> Done:
    """Run `deployer` on a machine whose only pty is taken."""
    command = [sys.executable, "-c", _TAKEN, sys.executable, "-m", "deployer", *arguments]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", _NO_PTY, "sh", *command],
        cwd=box.shell.folder,
        env=box.shell.environment | {"DEPLOYER_SANDBOX": box.name},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=limit(600),
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_a_machine_without_a_pty_for_ansible(box: Box) -> None:
    """The report, the live lines, --json and the record say it; nothing was changed, and `retry` does it later."""
    if os.geteuid() != 0:
        missing("root: a mount namespace with a devpts of its own")

    done = _without_pty(box, "redeploy", SITE, "viatris")
    told = _without_pty(box, "redeploy", SITE, "viatris", "--json")

    assert (done.code, told.code) == (3, 3), done.err + told.err
    (error,) = told.errors.values()
    assert "playbook.yml: Ansible did not start: out of pty devices (the full log: " in error
    log = Path(error.rpartition("the full log: ")[2].removesuffix(")"))
    assert log.read_text(encoding="utf-8").rstrip().endswith("OSError: out of pty devices")
    for text in (done.out, done.err):
        assert "Ansible did not start: out of pty devices" in text
    run = told.document["data"]["id"]
    assert "out of pty devices" in box.deployer("show", run).out
    assert box.deployer("retry", run).code == 0
    assert box.answer()["version"] == "1.4.2"
