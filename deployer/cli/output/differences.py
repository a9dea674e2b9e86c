"""Differences between two versions of a manifest, a line each, coloured on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from deployer.cli import console

if TYPE_CHECKING:
    from deployer.model.merge import Difference

_COLOURS = {"changed": "yellow", "added": "green", "removed": "red", "moved": "cyan"}


def print_differences(found: Iterable[Difference], indent: str = "") -> None:
    """Print `~ path: before -> after`, `+ path: what`, `- path: what`, `> path` for each."""
    for difference in found:
        console.line(indent + str(difference), fg=_COLOURS[difference.kind])
