"""Programs of the machine: run to their end, and a failure is told with what they said."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deployer.errors import DeployerError
from deployer.sandboxes import programs
from deployer.sandboxes.apart import Stop
from deployer.surroundings import search_path

PACKAGES: Mapping[str, str] = {
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "setpriv": "util-linux",
    "setsid": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}
"""Program -> the Debian package that brings it."""


def run(
    argv: Sequence[str],
    *,
    stdin: str = "",
    folder: Path | None = None,
    seconds: float = 60.0,
    stop: Stop | None = None,
) -> str:
    """Run a program with a small environment, and return what it printed.

    Args:
        argv: the program and its arguments.
        stdin: what it reads.
        folder: where it runs.
        seconds: deadline.
        stop: ends it; a program that takes a moment needs none.

    Raises:
        StoppedError: it was stopped.
        DeployerError: it failed, is not there, or did not end in time.
    """
    try:
        done = programs.run(
            argv,
            environment=environment(),
            stdin=stdin.encode(errors="surrogateescape"),
            folder=folder,
            seconds=seconds,
            stop=stop or Stop(),
        )
    except FileNotFoundError as error:
        raise DeployerError(f"{argv[0]} is not installed", hint=_hint([argv[0]])) from error
    except subprocess.TimeoutExpired as error:
        raise DeployerError(f"{argv[0]} did not end in {seconds:.0f} s") from error
    out = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        said = (done.stderr.decode(errors="replace") or out).strip()[-2000:]
        raise DeployerError(f"{' '.join(argv[:4])} failed with {done.returncode}: {said}")
    return out


def environment() -> dict[str, str]:
    """What programs of the machine get: settings of the user's shell must not reach them."""
    kept = {name: value for name, value in os.environ.items() if name.lower() in _KEPT}
    return {"PATH": _path(), "HOME": "/root", "LC_ALL": "C.UTF-8", **kept}


_KEPT = frozenset({"http_proxy", "https_proxy", "no_proxy", "tmpdir"})


def _path() -> str:
    # `ip` and `sshd` are in sbin, which the PATH of a cron job or of `su` does not have.
    return os.pathsep.join((search_path(os.environ), "/usr/local/sbin", "/usr/sbin", "/sbin"))


def check_programs() -> None:
    """Refuse where a program is missing.

    Raises:
        DeployerError: all that are missing are named, with their packages.
    """
    missing = [name for name in PACKAGES if shutil.which(name, path=_path()) is None]
    if missing:
        raise DeployerError(f"not installed: {', '.join(missing)}", hint=_hint(missing))


def _hint(names: Sequence[str]) -> str:
    packages = sorted({PACKAGES[name] for name in names if name in PACKAGES})
    return f"apt-get install {' '.join(packages)}" if packages else ""
