"""systemd as the manager: one unit file for each instance."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from .errors import ServiceError
from .layout import read, remove, write
from .service import Definition

_UNITS = Path("/etc/systemd/system")
_TIMEOUT = 120.0
_TAIL_LINES = "10"
_TARGET = "multi-user.target"
"""What starts the services at boot."""


class Systemd:
    """The systemd of this host.

    Args:
        units: the folder of unit files.
        systemctl: the program.
    """

    def __init__(self, units: Path = _UNITS, systemctl: str = "systemctl") -> None:
        self._units = units
        self._systemctl = systemctl
        self._started = time.time()
        self._is_second = False

    def knows(self, wanted: Definition) -> bool:
        """Whether the unit file says exactly so."""
        return read(self._path(wanted.name)) == unit_file(wanted)

    def start(self, wanted: Definition) -> None:
        """Write the unit, and start the service anew, now and at each boot."""
        unit = f"{wanted.name}.service"
        is_written = not self.knows(wanted)
        if is_written:
            write(self._path(wanted.name), unit_file(wanted))
        # Each of these two makes systemd read every unit of the host again: a tenth of a second of its processor. A
        # second start goes back to what was there before: then nothing is left to what systemd remembers.
        if is_written or self._is_second or not self._has_read(unit):
            self._ask("daemon-reload")
        self._is_second = True
        if not self._is_enabled(unit):
            self._ask("enable", "--quiet", unit)
        # Five starts in ten seconds are systemd's limit, and a rollback's start counts too. A unit that never
        # failed cannot be reset, which is fine.
        self._try("reset-failed", unit)
        self._started = time.time()
        self._ask("restart", unit)

    def remove(self, name: str) -> None:
        """Stop the service and forget it."""
        if read(self._path(name)) is None:
            return
        self._ask("disable", "--quiet", "--now", f"{name}.service")
        remove(self._path(name))
        self._ask("daemon-reload")
        self._try("reset-failed", f"{name}.service")

    def has_given_up(self, name: str) -> bool:
        """Whether systemd does not try to start the service any more."""
        # `is-failed` answers 0 only for that; a unit between two tries is `activating`.
        return self._try("is-failed", "--quiet", f"{name}.service").returncode == 0

    def log(self, wanted: Definition) -> list[str]:
        """The last lines that the service wrote to the journal since it was started."""
        unit, since = f"--unit={wanted.name}.service", f"--since=@{self._started:.0f}"
        argv = ["journalctl", unit, since, f"--lines={_TAIL_LINES}", "--output=cat", "--no-pager", "--quiet"]
        try:
            done = subprocess.run(argv, capture_output=True, check=False, timeout=_TIMEOUT)
        except (OSError, subprocess.TimeoutExpired):
            return []
        return done.stdout.decode("utf-8", "replace").splitlines()

    def _has_read(self, unit: str) -> bool:
        """Whether systemd has the unit as its files say: a run that crashed can have left one that it has not read.

        `NeedDaemonReload` alone does not tell: not of another unit of this name in a place that comes later (systemd
        #4500), nor, before version 257, of the first file in a folder of drop-ins (#31752).
        """
        said = self._try("show", "--property=LoadState,NeedDaemonReload,FragmentPath,DropInPaths", unit)
        lines = dict(line.partition("=")[::2] for line in said.stdout.decode("utf-8", "replace").splitlines())
        read_from = {lines.get("FragmentPath", ""), *lines.get("DropInPaths", "").split()}
        files = {str(path) for path in (self._units / unit, *(self._units / f"{unit}.d").glob("*.conf"))}
        return (lines.get("LoadState"), lines.get("NeedDaemonReload")) == ("loaded", "no") and files <= read_from

    def _is_enabled(self, unit: str) -> bool:
        """By the link that counts at the next boot: systemd remembers what it was at its last look."""
        link = self._units / f"{_TARGET}.wants" / unit
        return link.exists() and link.samefile(self._units / unit)

    def _path(self, name: str) -> Path:
        return self._units / f"{name}.service"

    def _ask(self, *arguments: str) -> None:
        done = self._try(*arguments)
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise ServiceError(f"systemctl {' '.join(arguments)} failed with {done.returncode}: {said}")

    def _try(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run([self._systemctl, *arguments], capture_output=True, check=False, timeout=_TIMEOUT)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ServiceError(f"systemctl {' '.join(arguments)} failed: {error}") from error


def unit_file(wanted: Definition) -> str:
    """The text of a service's unit file."""
    user = f"User={wanted.user}\n" if wanted.user else ""
    command = " ".join(_quoted(word) for word in wanted.argv)
    folder = str(wanted.folder).replace("%", "%%")
    return f"""\
[Unit]
Description={wanted.name.replace("%", "%%")}
After=network-online.target
Wants=network-online.target

[Service]
ExecStart={command}
WorkingDirectory={folder}
{user}Restart=on-failure
RestartSec=1

[Install]
WantedBy={_TARGET}
"""


def _quoted(word: str) -> str:
    """A word of ExecStart that systemd takes as it is."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
