"""The first process of a second world: mounts it, copies the checkout into it, and runs the tests.

Started by .ci/world.py in namespaces of its own, with the names of the checkout's files on standard input. It ends with
the tests, and everything that they left running and mounted ends with it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
NETWORK = ("etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt", "etc/pip.conf")
"""Files of this machine that say how the package index is reached."""
KEPT = ("CI", "TESTS_TIER", "SSL_CERT_FILE", "TERM")
KEPT_LOWER = ("http_proxy", "https_proxy", "no_proxy")
RUN = """
cd "$1"; shift
SECONDS=0
python3 .ci/make_venv.py .venv .ci/lock-test.txt
echo "$(.venv/bin/python --version), $(.venv/bin/ansible --version | head -1), $(git --version), $(ssh -V 2>&1)"
echo "virtual environment: $SECONDS s"
exec .venv/bin/python -m pytest "$@"
"""
DEFAULT = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
PYTEST = ("-p", "tests.world", "-o", "tmp_path_retention_policy=failed")


def main(cache: str, name: str, arguments: list[str]) -> int:
    """Make the world and run the tests; their exit code."""
    os.chdir(cache)
    root = mounted(name)
    # Its own name: that of a clone may have a space in it.
    place = root / "work" / TOP.name
    copy(place)
    argv = ["chroot", str(root), "/bin/bash", "-euo", "pipefail", "-c", RUN, "bash", f"/work/{TOP.name}"]
    # unshare waits with SIGCHLD blocked, and hands that on: a shell that waits for its children would wait for ever. A
    # shell in the background ignores Ctrl-C, and no shell below could catch it again.
    pid = os.posix_spawnp("chroot", [*argv, *PYTEST, *arguments], environment(), setsigmask=(), setsigdef=DEFAULT)
    while True:
        # We are the parent of all whose parent ended.
        ended, status = os.wait()
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def mounted(name: str) -> Path:
    """The root, over which all that is written goes to memory."""
    here = Path("here")
    here.mkdir(exist_ok=True)
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", here)
    os.chdir(here)
    for folder in ("upper", "work", "root"):
        Path(folder).mkdir()
    # By relative paths: the options of mount know no quoting.
    Path("lower").symlink_to(f"../{name}")
    mount("-t", "overlay", "-o", "lowerdir=lower,upperdir=upper,workdir=work", "overlay", "root")
    root = Path("root").resolve()
    mount("-t", "proc", "proc", root / "proc")
    mount("--rbind", "/sys", root / "sys")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", root / "run")
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", root / "tmp")
    devices(root / "dev")
    (root / "root/.cache/pip").mkdir(parents=True)
    mount("--bind", root.parents[1] / "pip", root / "root/.cache/pip")
    for path in filter(os.path.exists, (f"/{name}" for name in NETWORK)):
        shutil.copy(path, f"{root}{path}")
    return root


def devices(folder: Path) -> None:
    """Those that programs need, and terminals of its own."""
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
    for name in DEVICES:
        (folder / name).touch()
        mount("--bind", f"/dev/{name}", folder / name)
    for name, target in LINKS.items():
        (folder / name).symlink_to(target)
    for name in ("pts", "shm"):
        (folder / name).mkdir()
    mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620,gid=5", "devpts", folder / "pts")
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", folder / "shm")


def mount(*arguments: str | Path) -> None:
    """Mount something."""
    subprocess.run(["mount", *arguments], check=True)


def copy(place: Path) -> None:
    """The tracked files of the checkout, as they are now."""
    for name in map(os.fsdecode, filter(None, sys.stdin.buffer.read().split(b"\0"))):
        if (TOP / name).is_symlink() or (TOP / name).exists():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, place / name, follow_symlinks=False)


def environment() -> dict[str, str]:
    """What the tests get of the caller's environment."""
    kept = {key: value for key, value in os.environ.items() if key in KEPT or key.lower() in KEPT_LOWER}
    pip = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "HOME": "/root", "LC_ALL": "C.UTF-8", **pip, **kept, "PIP_CACHE_DIR": "/root/.cache/pip"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
