"""Real hosts for tests: what they need, and what must not be left of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from deployer.sandboxes.nspawn.cgroups import Group
from deployer.sandboxes.nspawn.command import PACKAGES
from deployer.sandboxes.nspawn.plan import sandbox_id
from tests.support import missing

IMAGES = {"XDG_CACHE_HOME": str(Path(platformdirs.user_cache_dir("deployer")).parent)}
"""Where images are kept: building one takes most of a minute, so tests share the user's."""


def needed() -> None:
    """Skip where hosts cannot be made."""
    if os.geteuid() != 0:
        missing("root: hosts in namespaces")
    absent = [name for name in PACKAGES if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]
    if absent:
        missing(", ".join(absent))


def traces(folder: Path) -> list[str]:
    """All that is left of a sandbox on this machine: processes, groups, mounts, namespaces, interfaces, files."""
    name = sandbox_id(folder)
    return [*_processes(folder, name), *_kernel(folder, name), *([str(folder)] if folder.exists() else [])]


def _processes(folder: Path, name: str) -> Iterator[str]:
    yield from (f"pid {pid}" for pid in Group(name).pids())
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().decode(errors="replace")
            place = str((entry / "cwd").readlink())
        except OSError:
            continue
        if str(folder) in arguments or str(folder) in place or f"{name}-" in arguments:
            yield f"{entry.name}: {arguments}"


def _kernel(folder: Path, name: str) -> Iterator[str]:
    # Not by glob: groups of others end while it looks.
    found = ((folder, each) for folder, folders, _files in os.walk("/sys/fs/cgroup") for each in folders)
    yield from (f"{folder}/{each}" for folder, each in found if each.startswith(f"deployer-{name}"))
    yield from (line for line in Path("/proc/self/mounts").read_text().splitlines() if str(folder) in line)
    yield from (str(path) for path in Path("/run").glob(f"netns/deployer-{name}*"))
    yield from (str(path) for path in Path("/run").glob(f"deployer-sandboxes/{name}*"))
    walked = ((folder, each) for folder, *names in os.walk("/run/systemd/nspawn") for each in [*names[0], *names[1]])
    yield from (f"{folder}/{each}" for folder, each in walked if each.startswith(name))
    links = json.loads(subprocess.run(["ip", "-json", "link"], capture_output=True, check=True, text=True).stdout)
    yield from (link["ifname"] for link in links if name in link["ifname"])
