"""Three-way merge of one file: git's line merge, and for a manifest an independent check that it is sound."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import DeployerError, ManifestError
from deployer.manifests.base import Document, Format

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
    if form is None:
        return merged
    try:
        read = _Read(*(form.read(path, data) if data.strip() else None for data in (base, ours, theirs)))
    except ManifestError:
        return merged
    # Items without an identity are compared by their place, and where that does not do, by what they say.
    by_place = _objections(form, path, merged, read, by_content=False)
    is_sound = merged.content is not None and not (by_place and _objections(form, path, merged, read, by_content=True))
    return merged if is_sound else MergeResult(None, by_place)


@dataclass(frozen=True, slots=True)
class _Read:
    """The three versions, read; None for an empty one."""

    base: Document | None
    ours: Document | None
    theirs: Document | None

    def edits(self, *, by_content: bool) -> tuple[Mapping[str, str], _Edits, _Edits]:
        """What the base says, and what each side made of it."""
        before, ours, theirs = (
            document.facts(by_content=by_content) if document else {}
            for document in (self.base, self.ours, self.theirs)
        )
        return before, _edits(before, ours), _edits(before, theirs)


def _objections(form: Format, path: str, merged: MergeResult, read: _Read, *, by_content: bool) -> tuple[str, ...]:
    """What stands against a line merge: both sides changed the same, or it does not say what the two said."""
    before, ours, theirs = read.edits(by_content=by_content)
    if opposed := tuple(_opposed(path, before, ours, theirs)):
        return opposed
    if merged.content is None:
        return merged.conflicts
    return tuple(_unsound(form, path, merged.content, before, ours | theirs, by_content=by_content))


_Edits = dict[str, str | None]
"""Path -> what it was changed to; None where it was taken away."""


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


def _unsound(
    form: Format, path: str, content: bytes, before: Mapping[str, str], wanted: _Edits, *, by_content: bool
) -> Iterator[str]:
    """Where the merged file does not say exactly what the two sides said."""
    try:
        after = form.read(path, content).facts(by_content=by_content)
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
