"""How the tests of a mutant ended, from what they printed."""

from __future__ import annotations

import re


def is_timeout(output: str) -> bool:
    """Whether a limit ended the tests: cosmic-ray's, which leaves this one word, or pytest-timeout's of one test."""
    return output == "timeout" or re.search(r"^E +Failed: Timeout .*pytest-timeout", output, re.MULTILINE) is not None


def killer(output: str) -> str:
    """The first test that failed, as pytest's summary names it; else the last line."""
    found = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", output, re.MULTILINE)
    lines = output.strip().splitlines()
    return found[1] if found else (lines[-1] if lines else "no output")
