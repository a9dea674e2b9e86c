"""The world that is copied for each case."""

from __future__ import annotations

from tests.integration.gitsync.swept import library, template

__all__ = ["library", "template"]
