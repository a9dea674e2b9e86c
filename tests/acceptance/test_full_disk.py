"""A full disk: a clear error, nothing lost, and with room again all is well."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box, Done

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="a small file system is mounted in a namespace: needs root"),
]
SITE = "fra1"


def _on_a_small_disk(box: Box, folder: Path, free: int, *arguments: str) -> Done:
    """Run `deployer` where a folder is a small file system of its own, with this much left (bytes)."""
    from tests.acceptance.conftest import Done  # noqa: PLC0415  a value of the other module, not its fixtures

    copy, quoted = folder.with_name("copy-of-it"), shlex.quote(str(folder))
    script = (
        f"set -e; cp -a {quoted} {shlex.quote(str(copy))}; mount -t tmpfs -o size=64m tmpfs {quoted}; "
        f"cp -a {shlex.quote(str(copy))}/. {quoted}/; "
        f"left=$(df --output=avail -B1 {quoted} | tail -1); "
        f"head -c $((left - {free})) /dev/zero > {quoted}/filler; "
        f'code=0; "$@" || code=$?; rm {quoted}/filler; '
        # What is in the namespace goes with it: the test looks at the folder as the command left it.
        f"rm -rf {shlex.quote(str(copy))}; cp -a {quoted} {shlex.quote(str(copy))}; exit $code"
    )
    deployer = [sys.executable, "-m", "deployer", *arguments]
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", script, "bash", *deployer],
        env=box.shell.environment | {"DEPLOYER_SANDBOX": box.name},
        cwd=box.shell.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_a_full_disk_under_the_clone_is_manual_work_and_the_clone_is_as_it_was(box: Box) -> None:
    """The report names the class; nothing of the clone changed but what is ours; with room the next sync works."""
    (box.erin / "viatris.xml").write_bytes((box.erin / "viatris.xml").read_bytes() + b"<!-- more -->\n" * 20_000)
    tip = box.push()
    before = box.git(box.clone, "rev-parse", "HEAD")

    done = _on_a_small_disk(box, box.clone, 150_000, "sync", SITE)
    left = box.clone.with_name("copy-of-it")

    assert done.code == 5, done.out + done.err
    assert "disk-full" in done.out
    assert box.git(left, "rev-parse", "HEAD") == before
    assert box.git(left, "status", "--porcelain") == ""
    assert box.deployer("sync", SITE).code == 0
    assert box.git(box.clone, "rev-parse", "HEAD") == tip


def test_a_full_disk_under_the_record_is_named_and_nothing_is_rolled_out(deployed: Box) -> None:
    """Exit 1 with one line; with room the same command works."""
    state = deployed.shell.folder / "state"
    runs = state / "runs"
    deployed.edit(deployed.erin, 'version="1.4.2" channel', 'version="1.5.0" channel')
    deployed.push()

    done = _on_a_small_disk(deployed, runs, 0, "redeploy", SITE)

    assert done.code == 3, done.out + done.err
    assert "Traceback" not in done.err
    assert "space" in done.out + done.err
    assert deployed.get(deployed.port())["version"] == "1.4.2"
    assert deployed.deployer("redeploy", SITE).code == 0
