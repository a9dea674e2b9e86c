"""Real shells into which lines are pasted, and programs that note what they are called with."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.budget.pace import limit

SHELLS = tuple(name for name in ("bash", "zsh", "ksh", "busybox") if shutil.which(name))
"""Shells here that know every form of our commands."""
_SECONDS = 60
_NOTE = '#!/bin/sh\n{{ printf "%s\\0" "${{0##*/}}" "$@"; printf "\\n\\0"; }} >>"{log}"\nexit {code}\n'
_END = b"\n"


class Noted:
    """A folder to stand in, where a canary would show, and stand-ins of programs.

    Args:
        folder: empty.
        programs: what is called, and notes its arguments.
        failing: those of them that end with 1.
    """

    def __init__(self, folder: Path, programs: Iterable[str], failing: Iterable[str] = ()) -> None:
        self.folder = folder / "here"
        self._bin = folder / "bin"
        self._log = folder / "calls"
        for made in (self.folder, self._bin):
            made.mkdir(parents=True)
        self._log.touch()
        for name in programs:
            program = self._bin / name
            program.write_text(_NOTE.format(log=self._log, code=int(name in failing)))
            program.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """With the stand-ins before the programs of this machine."""
        return environment(self.folder, self._bin)

    def calls(self) -> list[list[str]]:
        """What was called so far: the program's name, and its arguments."""
        found: list[list[str]] = [[]]
        for word in self._log.read_bytes().split(b"\0")[:-1]:
            if word == _END:
                found.append([])
            else:
                found[-1].append(os.fsdecode(word))
        return found[:-1]


def environment(home: Path, *before: Path) -> dict[str, str]:
    """Of a shell: a home of its own, and some folders before the usual ones in PATH."""
    path = os.pathsep.join((*map(str, before), os.environ["PATH"]))
    return {"PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "dumb", "HISTFILE": "/dev/null"}


def run(shell: str, lines: Sequence[str], folder: Path, variables: dict[str, str]) -> str:
    """Run lines as a script; what was written."""
    argv = [shell, "sh", "-s"] if shell == "busybox" else [shell, "-s"]
    script = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    done = subprocess.run(argv, input=script, capture_output=True, check=False, cwd=folder, env=variables)
    return (done.stdout + done.stderr).decode(errors="replace")


class Terminal:
    """An interactive bash on a pseudo-terminal: history expansion, line editing, control keys and all."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self._ready, told = os.pipe()
        self.seen = b""
        self._prompts = 0
        variables = {**variables, "PROMPT_COMMAND": f"printf . >&{told}", "PS1": "$ "}
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", "bash", "--norc", "--noprofile", "-i"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=variables,
            pass_fds=(told,),
        )
        os.close(theirs)
        os.close(told)
        self._wait(1)

    def paste(self, *lines: str, keys: str = "") -> None:
        """Paste lines one after the other, each once the one before it has ended.

        Args:
            lines: what is pasted.
            keys: what is typed while the last of them runs.
        """
        for at, line in enumerate(lines, start=1):
            typed = f"{line}\n" + (keys if at == len(lines) else "")
            os.write(self._ours, typed.encode("utf-8", "surrogateescape"))
            self._wait(self._prompts + 1)

    def _wait(self, prompts: int) -> None:
        until = time.monotonic() + limit(_SECONDS)
        while self._prompts < prompts:
            readable = select.select([self._ours, self._ready], [], [], max(0.0, until - time.monotonic()))[0]
            if not readable:
                raise AssertionError(f"the shell waits for more: {self.seen!r}")
            if self._ours in readable:
                self.seen += os.read(self._ours, 65536)
            if self._ready in readable:
                self._prompts += len(os.read(self._ready, 64))

    def close(self) -> None:
        """End it."""
        os.close(self._ours)
        os.close(self._ready)
        self._process.kill()
        self._process.wait()
