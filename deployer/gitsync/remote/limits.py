"""How much of what committers push is looked at, and how a step ends where there is more."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple

from .failure import Stopped

Json = Dict[str, Any]

MEBIBYTE = 1 << 20
COMMIT = 1 << 20
"""Bytes of a commit that is read here; a larger one is left to git, which tells of it what is asked for."""
MANIFEST = 10 * MEBIBYTE
"""Bytes of a manifest that travels; the controller reads no larger one (deployer.manifests.source)."""
OBJECT = {"commit": 64 << 20, "tag": 1 << 20, "tree": 32 << 20}
"""Bytes of an object that is read at all; a snapshot's commit holds the names of all files that people changed."""
OUTPUT = 256 << 20
"""Bytes of what one git prints."""
IN_MEMORY = 16 << 20
"""Bytes of a file on the disk that is read whole; git reads a larger one piece by piece (its bigFileThreshold)."""
ERRORS = 1 << 16
"""Bytes of what git says beside it that are kept: the last ones."""
WALKS = 4
"""Entries that a comparison or a merge of trees looks at, as a multiple of the files that a revision may have."""
WALKS_OF_COMMIT = 2
"""The same for a commit of which only the files are told."""
WALKS_OF_HISTORY = 20
"""The same for all the commits that are told together."""


class Limits(NamedTuple):
    """What the settings allow, by their names under `sync`."""

    most_files: int = 100_000
    most_depth: int = 64
    most_size: int = 2048 * MEBIBYTE
    most_manifests: int = 64 * MEBIBYTE


def limits_of(request: Json) -> Limits:
    """The limits that a request names."""
    return Limits(**request.get("limits", {}))


def too_large(what: str, found: str, limit: object, setting: str = "", **evidence: object) -> Stopped:
    """The end of a step because of a limit.

    Args:
        what: is too large, with its name: `the folders of revision 1234`.
        found: how much there is.
        limit: how much there may be.
        setting: that raises it; empty for a fixed limit.
        evidence: `argv`, `paths` …
    """
    facts = {"what": what, "found": found, "limit": str(limit), "setting": setting}
    return Stopped("too-large", **{"argv": ["git", "log", "-5"], **evidence, "facts": facts})
