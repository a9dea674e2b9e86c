"""The structural three-way merge: trees with spans, one algorithm over them, an independent check of the result."""

from __future__ import annotations
