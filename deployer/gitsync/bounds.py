"""How much a program on a deployer host may look at, and how much of its questions and our answers is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from deployer.model.json import JsonObject, JsonValue
from deployer.model.merge import Conflict
from deployer.settings import SyncSettings

MEBIBYTE = 1 << 20
LONGEST = 4000
"""Characters of a value in a conflict that are told."""
MOST_CONFLICTS = 200
"""Conflicts of a file that are told: nobody would read more."""


def limits(settings: SyncSettings) -> JsonObject:
    """The limits as the program on the host knows them, in bytes."""
    return {
        "most_files": settings.most_files,
        "most_depth": settings.most_depth,
        **{name: getattr(settings, name) * MEBIBYTE for name in ("most_size", "most_manifests")},
    }


def told(conflicts: Sequence[Conflict]) -> list[JsonValue]:
    """Conflicts of a file, as they are reported: hostile values may have megabytes, and there may be very many."""
    found: list[JsonValue] = [
        {name: _short(value) for name, value in asdict(each).items()} for each in conflicts[:MOST_CONFLICTS]
    ]
    if len(conflicts) > MOST_CONFLICTS:
        found.append({"path": "", "said": f"and {len(conflicts) - MOST_CONFLICTS} more places"})
    return found


def _short(value: JsonValue) -> JsonValue:
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}… ({len(value)} characters)"
    return value
