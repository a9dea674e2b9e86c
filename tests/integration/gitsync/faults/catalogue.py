"""All situations."""

from __future__ import annotations

from tests.integration.gitsync.faults import edits, unfinished

CATALOGUE = (*unfinished.SITUATIONS, *edits.SITUATIONS)
