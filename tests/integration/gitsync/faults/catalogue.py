"""All situations."""

from __future__ import annotations

from tests.integration.gitsync.faults import clones, edits, lines, locks, remotes, state, unfinished

GROUPS = {
    "What people have under way": unfinished.SITUATIONS,
    "What both sides changed, and edits that nobody committed": edits.SITUATIONS,
    "Locks": locks.SITUATIONS,
    "A broken clone, a host that lacks something": state.SITUATIONS,
    "Clones of all sorts": clones.SITUATIONS,
    "The server and its branch": remotes.SITUATIONS,
    "The line to it": lines.SITUATIONS,
}
"""By the titles of the table in doc/sync.md."""
CATALOGUE = tuple(situation for group in GROUPS.values() for situation in group)
