"""git's own line merge of three versions of a file."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deployer import surroundings
from deployer.errors import DeployerError
from deployer.model.merge import Conflict, MergeResult

_SAFE_SIZE = 40
"""Longer than what a file could hold by chance."""
_MOST_CONFLICTS = 127
"""git merge-file's exit code counts conflicts up to here; above are its failures."""
_DEADLINE = 60.0


def merge_lines(sides: tuple[bytes, bytes, bytes], marker_size: int) -> MergeResult:
    """What git's line merge makes of base, ours and theirs.

    Raises:
        DeployerError: git cannot be run on this machine.
    """
    with tempfile.TemporaryDirectory(prefix="deployer-merge-") as folder:
        for name, data in zip(("base", "ours", "theirs"), sides, strict=True):
            Path(folder, name).write_bytes(data)
        done = _git_merge_file(folder, _SAFE_SIZE)
        if done.returncode == 0:
            return MergeResult(done.stdout)
        if done.returncode > _MOST_CONFLICTS:
            return MergeResult(
                None, (Conflict("", "lines", said="git cannot merge its lines: it is binary"),), sides[1]
            )
        partial = _git_merge_file(folder, marker_size).stdout
    return MergeResult(None, tuple(_conflicts(done.stdout)), partial)


def _git_merge_file(folder: str, marker_size: int) -> subprocess.CompletedProcess[bytes]:
    # No configuration of the user or of a repository around may change what the markers look like.
    environment = surroundings.chosen(os.environ, ()) | {"LC_ALL": "C.UTF-8", "HOME": folder}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CEILING_DIRECTORIES": str(Path(folder).parent)}
    command = ["git", "merge-file", "-p", f"--marker-size={marker_size}", "ours", "base", "theirs"]
    try:
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False, timeout=_DEADLINE)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeployerError(f"git merge-file could not be run on this machine: {error}") from error


def _conflicts(merged: bytes) -> Iterator[Conflict]:
    """A sentence for each stretch of lines that git left to a person, by our side's line numbers."""
    ours, middle, theirs = (letter * _SAFE_SIZE for letter in (b"<", b"=", b">"))
    line, first, is_theirs = 0, 0, False
    for written in merged.split(b"\n"):
        if written.startswith(ours):
            first = line + 1
        elif written.startswith(middle) and first:
            is_theirs = True
        elif written.startswith(theirs) and first:
            yield Conflict("", "lines", said=f"both sides changed {_lines(first, line)}")
            first, is_theirs = 0, False
        elif not is_theirs:
            line += 1


def _lines(first: int, last: int) -> str:
    if last < first:
        return f"what stood before line {first}"
    return f"line {first}" if first == last else f"lines {first} to {last}"
