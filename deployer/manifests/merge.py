"""Three-way merge of one file: by its structure where it is a manifest, else by its lines; every result is checked."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

from deployer.manifests.base import Format
from deployer.manifests.lines import merge_lines
from deployer.manifests.merging.identity import Identities
from deployer.manifests.merging.nodes import UnfitError
from deployer.manifests.merging.structural import SOFT, merge_structures, passes
from deployer.model.merge import Conflict, MergeResult

MARKER_SIZE = 7
"""Characters in a conflict marker of a partial result: git's own."""


def merge(
    form: Format | None,
    path: str,
    base: bytes,
    ours: bytes,
    theirs: bytes,
    *,
    identities: Identities | None = None,
    marker_size: int = MARKER_SIZE,
) -> MergeResult:
    """Merge two changes of a file.

    Args:
        form: the format of the file; None for a file that is no manifest, which gets git's result unchecked.
        path: of the file in its repository, for the sentences.
        base: what both sides began with; empty where both added the file.
        ours: one side.
        theirs: the other side.
        identities: the repository's own rules of what tells items apart.
        marker_size: of the conflict markers in a partial result.

    Raises:
        DeployerError: git is needed and cannot be run on this machine.
    """
    sides = (base, ours, theirs)
    if form is None:
        return merge_lines(sides, marker_size)
    if ours in (base, theirs):
        return MergeResult(theirs)
    if base == theirs:
        return MergeResult(ours)
    rules = identities or Identities()
    try:
        with _no_collection():
            result = merge_structures(form.name, path, sides, rules, marker_size)
    except UnfitError:
        return _by_lines(form, path, sides, rules, marker_size)
    if all(conflict.kind in SOFT for conflict in result.conflicts) and result.content is None:
        merged = merge_lines(sides, marker_size)
        if merged.content is not None and passes(form.name, path, sides, merged.content, rules):
            return merged
    return result


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Without the collector of cycles: it would look at all nodes of a large tree again and again, and find none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _by_lines(
    form: Format, path: str, sides: tuple[bytes, bytes, bytes], rules: Identities, marker_size: int
) -> MergeResult:
    """What has no structure that could be merged: git's lines, and the check where the versions can be read."""
    merged = merge_lines(sides, marker_size)
    if merged.content is None or passes(form.name, path, sides, merged.content, rules) is not False:
        return merged
    said = "git merges its lines, but the result does not say what the two sides say"
    return MergeResult(None, (Conflict("", "unsound", said=said),), merged.content)
