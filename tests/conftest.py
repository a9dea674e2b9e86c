"""For every test: the tiers, and generated cases that are the same in each everyday run of CI."""

from __future__ import annotations

import os

from hypothesis import settings

from tests.budget.marks import IS_DEEP
from tests.budget.plugin import (
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_report_header,
    pytest_terminal_summary,
    pytest_testnodedown,
    pytest_xdist_make_scheduler,
)

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_report_header",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "pytest_xdist_make_scheduler",
]

settings.register_profile("ci", derandomize=True)
if os.environ.get("CI") == "true" and not IS_DEEP:
    settings.load_profile("ci")
