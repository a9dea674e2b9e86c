"""All situations."""

from __future__ import annotations

from tests.integration.gitsync.faults import edits, lines, locks, remotes, state, unfinished

CATALOGUE = (
    *unfinished.SITUATIONS,
    *edits.SITUATIONS,
    *locks.SITUATIONS,
    *state.SITUATIONS,
    *remotes.SITUATIONS,
    *lines.SITUATIONS,
)
