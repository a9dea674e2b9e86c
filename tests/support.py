"""What tests of several folders need."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip for want of a package or a privilege, with the reason; in CI nothing may be skipped for that."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"in CI this must be there: {what}")
    pytest.skip(what)
