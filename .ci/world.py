"""Run the tests in a second world: a Debian of another release than this machine's, made with mmdebstrap.

    python3 .ci/world.py trixie [PYTEST ARGUMENTS]

The root file system and pip's downloads stay in the user's cache folder. All else (the copy of the checkout's tracked
files, the virtual environment, what tests write) is in memory, behind mounts of a namespace that ends with its first
process: nothing is left of it, whatever ends this script.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

TOP = Path(__file__).resolve().parents[1]
MORE = ("ca-certificates", "procps")
"""Packages of the root besides those that .ci/packages lists."""
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
UNSTABLE = ("sid", "unstable")
"""Releases that have no updates of their own."""
NAMESPACED = ("setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child")
"""Ends with us, and its mounts with it, whatever ends us."""
PROGRAMS = ("chroot", "git", "mmdebstrap", "mount", "setpriv", "unshare")
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def main(suite: str, arguments: list[str]) -> int:
    """Make the world and run the tests in it; their exit code."""
    if reason := lacking():
        in_ci = os.environ.get("CI") == "true"
        print(f"the tests in Debian {suite} {'cannot be left out in CI' if in_ci else 'are skipped'}: {reason}")
        return 1 if in_ci else 0
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "deployer" / "worlds"
    (cache / "pip").mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with rooted(suite, cache) as root:
        print(f"root of Debian {suite}: {time.monotonic() - began:.0f} s; TESTS_SEED={seed()}", flush=True)
        inside = [sys.executable, str(TOP / ".ci" / "inside.py"), str(cache), root.name, "--seed", seed(), *arguments]
        files = subprocess.run([*GIT, "ls-files", "-z"], stdout=subprocess.PIPE, check=True).stdout
        environment = {**os.environ, "PATH": PATH}
        code = subprocess.run([*NAMESPACED, *inside], input=files, env=environment, check=False).returncode
    print(f"Debian {suite}: {time.monotonic() - began:.0f} s in all", flush=True)
    return code


# Of a checkout that may be somebody else's: with sudo we are root.
GIT = ("git", "-C", str(TOP), "-c", "safe.directory=*")


def lacking() -> str:
    """Return why the world cannot be made, as one sentence; empty where it can."""
    if os.geteuid() != 0:
        return "only root can make its file system and mount it."
    if shutil.which("apt-get") is None:
        return "this machine is no Debian, nor made from one."
    absent = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if absent:
        return f"{', '.join(absent)} must be installed (make packages)."
    if subprocess.run([*GIT, "rev-parse", "--verify", "HEAD"], capture_output=True, check=False).returncode:
        return "the checkout has no git repository with a commit: the seed and the list of files come from it."
    allowed = subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, check=False)
    return "this root may not make namespaces (in a container without the privilege)." if allowed.returncode else ""


def seed() -> str:
    """The seed of the selection: one further each day and with each commit."""
    commit = subprocess.run([*GIT, "rev-parse", "HEAD"], stdout=subprocess.PIPE, check=True, text=True).stdout
    today = dt.datetime.now(dt.UTC).date().toordinal()
    return os.environ.get("TESTS_SEED") or str(today + int(commit[:7], 16))


@contextlib.contextmanager
def rooted(suite: str, cache: Path) -> Iterator[Path]:
    """The root file system of a release, which stays what it is while it is used; made anew each month."""
    packages = [*subprocess.check_output([TOP / ".ci" / "packages", "--list"], text=True).split(), *MORE]
    recipe = hashlib.sha256(repr((packages, LEFT_OUT, platform.machine())).encode()).hexdigest()[:12]
    root = cache / f"{suite}-{dt.datetime.now(dt.UTC):%Y-%m}-{recipe}"
    with (cache / ".lock").open("w") as lock:
        take(lock, fcntl.LOCK_SH)
        if not root.is_dir():
            take(lock, fcntl.LOCK_EX)
            if not root.is_dir():
                build(suite, root, packages)
            take(lock, fcntl.LOCK_SH)
        yield root


def take(lock: TextIO, kind: int) -> None:
    """Wait for a lock, and say so where it is not free."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        print("waits for another run", flush=True)
        fcntl.flock(lock, kind)


def build(suite: str, root: Path, packages: list[str]) -> None:
    """Make a root beside its place, move it there, then remove older ones. The caller holds the exclusive lock."""
    draft = root.with_name(f"{suite}-new")
    if draft.exists():
        # A crash left it.
        shutil.rmtree(draft)
    options = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    options += [f"--include={','.join(packages)}", '--aptopt=Acquire::Languages "none"']
    mmdebstrap = ("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", "--quiet")
    sources = mirrors(suite)
    argv = [*NAMESPACED, *mmdebstrap, *options, suite, str(draft), *(["-"] if sources else [])]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PATH": PATH}
    if subprocess.run(argv, input=sources.encode(), check=False, env=environment).returncode:
        shutil.rmtree(draft, ignore_errors=True)
        sys.exit(f"Debian {suite} could not be made: mmdebstrap says why.")
    draft.rename(root)
    for old in set(root.parent.glob(f"{suite}-*")) - {root}:
        shutil.rmtree(old)


def mirrors(suite: str) -> str:
    """Where this machine gets its own Debian from, for another release of it; empty leaves it to mmdebstrap."""
    known = platform.freedesktop_os_release()
    own = known.get("VERSION_CODENAME", "")
    if known.get("ID") != "debian" or not own:
        return ""
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    said = subprocess.check_output(["apt-get", "indextargets", "--format", form, "Created-By: Packages"], text=True)
    parts = [line.split() for line in said.splitlines()]
    suffixes = ("",) if suite in UNSTABLE else ("", "-updates", "-security")
    releases = {own + suffix: suite + suffix for suffix in suffixes}
    lines = [f"deb {uri} {releases[name]} {component}\n" for uri, name, component in parts if name in releases]
    return "".join(dict.fromkeys(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
