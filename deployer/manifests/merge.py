"""Three-way merge of one file: git's line merge, and for a manifest an independent check that it is sound."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import DeployerError, ManifestError
from deployer.manifests.base import Format

_MARKER_SIZE = 40
"""Longer than what a file could hold by chance: git's own is 7."""
_MOST_CONFLICTS = 127
"""git merge-file's exit code counts conflicts up to here; above are its failures."""
_DEADLINE = 60.0


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What the merge of one file gave."""

    content: bytes | None
    """The merged file; None where a person must decide."""
    conflicts: tuple[str, ...] = ()
    """One sentence for each thing that stands against it."""


def merge(form: Format | None, path: str, base: bytes, ours: bytes, theirs: bytes) -> MergeResult:
    """Merge two changes of a file.

    Args:
        form: the format of the file; None for a file that is no manifest, which gets git's result unchecked.
        path: of the file in its repository, for the sentences.
        base: what both sides began with; empty where both added the file.
        ours: one side.
        theirs: the other side.

    Raises:
        DeployerError: git cannot be run on this machine.
    """
    merged = _merge_lines(path, base, ours, theirs)
    before = _facts(form, path, base) if base.strip() else {}
    our_facts, their_facts = _facts(form, path, ours), _facts(form, path, theirs)
    if form is None or before is None or our_facts is None or their_facts is None:
        return merged
    our_edits, their_edits = _edits(before, our_facts), _edits(before, their_facts)
    if opposed := tuple(_opposed(path, before, our_edits, their_edits)):
        return MergeResult(None, opposed)
    if merged.content is None:
        return merged
    unsound = tuple(_unsound(form, path, merged.content, before, our_edits | their_edits))
    return MergeResult(None, unsound) if unsound else merged


_Edits = dict[str, str | None]
"""Path -> what it was changed to; None where it was taken away."""


def _facts(form: Format | None, path: str, data: bytes) -> Mapping[str, str] | None:
    try:
        return form.read(path, data).facts() if form else None
    except ManifestError:
        return None


def _edits(before: Mapping[str, str], after: Mapping[str, str]) -> _Edits:
    paths = before.keys() | after.keys()
    return {path: after.get(path) for path in paths if before.get(path) != after.get(path)}


def _opposed(path: str, before: Mapping[str, str], ours: _Edits, theirs: _Edits) -> Iterator[str]:
    """What both sides changed, each to something else."""
    for place in sorted(ours.keys() & theirs.keys()):
        if ours[place] != theirs[place]:
            was, our, their = _said(before.get(place)), _said(ours[place]), _said(theirs[place])
            yield f"{path}: {place}: was {was}, one side says {our}, the other {their}"


def _said(fact: str | None) -> str:
    return "not there" if fact is None else repr(fact)


def _unsound(form: Format, path: str, content: bytes, before: Mapping[str, str], wanted: _Edits) -> Iterator[str]:
    """Where the merged file does not say exactly what the two sides said."""
    try:
        after = form.read(path, content).facts()
    except ManifestError as error:
        yield from (f"after a clean line merge, {problem}" for problem in error.problems)
        return
    made = _edits(before, after)
    for place in sorted(made.keys() | wanted.keys()):
        if place not in wanted:
            yield f"{path}: {place}: the line merge made it {_said(made[place])}, which neither side did"
        elif place not in made or made[place] != wanted[place]:
            yield f"{path}: {place}: the line merge lost that it became {_said(wanted[place])}"


def _merge_lines(path: str, base: bytes, ours: bytes, theirs: bytes) -> MergeResult:
    """What git's own line merge makes of it."""
    with tempfile.TemporaryDirectory(prefix="deployer-merge-") as folder:
        for name, data in (("ours", ours), ("base", base), ("theirs", theirs)):
            Path(folder, name).write_bytes(data)
        done = _git_merge_file(folder)
    if done.returncode == 0:
        return MergeResult(done.stdout)
    if done.returncode > _MOST_CONFLICTS:
        return MergeResult(None, (f"{path}: git cannot merge its lines: it is binary",))
    return MergeResult(None, tuple(_conflicts(path, done.stdout)))


def _git_merge_file(folder: str) -> subprocess.CompletedProcess[bytes]:
    # No configuration of the user or of a repository around may change what the markers look like.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": folder}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CEILING_DIRECTORIES": str(Path(folder).parent)}
    command = ["git", "merge-file", "-p", f"--marker-size={_MARKER_SIZE}", "ours", "base", "theirs"]
    try:
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False, timeout=_DEADLINE)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeployerError(f"git merge-file could not be run on this machine: {error}") from error


def _conflicts(path: str, merged: bytes) -> Iterator[str]:
    """A sentence for each stretch of lines that git left to a person, by our side's line numbers."""
    ours, middle, theirs = (letter * _MARKER_SIZE for letter in (b"<", b"=", b">"))
    line, first, is_theirs = 0, 0, False
    for written in merged.split(b"\n"):
        if written.startswith(ours):
            first = line + 1
        elif written.startswith(middle) and first:
            is_theirs = True
        elif written.startswith(theirs) and first:
            yield f"{path}:{first}: both sides changed {_lines(first, line)}"
            first, is_theirs = 0, False
        elif not is_theirs:
            line += 1


def _lines(first: int, last: int) -> str:
    if last < first:
        return f"what stood before line {first}"
    return f"line {first}" if first == last else f"lines {first} to {last}"
