"""What `doctor` finds on a deployer host."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How one check of `doctor` came out."""

    GOOD = "good"
    WARNING = "warning"
    """It works today; it will bite."""
    BAD = "bad"
    """Operations will fail."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    """`ssh`, `python3`, `git`, `identity`, `keys`, `disk`, `clock`, `become`, `clone` …"""
    verdict: Verdict
    text: str
    """What was found, one line."""
    hint: str = ""
    """The command or the sentence that mends it."""
