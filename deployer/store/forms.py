"""What a row must look like before it is believed: whoever may write a shared record can write what they like."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from deployer.errors import StoreError

LONGEST = 1 << 24
"""Characters of a text."""
MOST = 1_000_000
"""Items of a list."""
_SHOWN = 40
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_REVISION = re.compile(r"[A-Za-z0-9]{0,64}")
_MOST_FORKS = 10_000
_MOST_VERBOSE = 10


def unusable(what: str, why: str) -> StoreError:
    """The error for a row."""
    return StoreError(
        f"the record holds a {what} that cannot be used: {why}",
        hint="a program of another kind, or a hand, wrote it: whoever looks after the database can remove it",
    )


def shown(value: object) -> str:
    """A value in an error: short, and with nothing in it that a terminal obeys."""
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def check(kind: str, field: str, value: object) -> None:
    """Check the form of what becomes a path, an argument or a number of ours.

    Raises:
        ValueError: it has another.
    """
    wanted = _FORMS.get(f"{kind}.{field}")
    if wanted is not None and not wanted(value):
        raise ValueError(f"{shown(value)} is none that we write")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _are_names(value: object) -> bool:
    return isinstance(value, tuple) and all(_is_name(name) for name in value)


def _is_line(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _are_revisions(value: object) -> bool:
    pairs = value.items() if isinstance(value, Mapping) else ()
    return all(_is_name(site) and all(_REVISION.fullmatch(revision) for revision in pair) for site, pair in pairs)


_FORMS: Mapping[str, Callable[[object], bool]] = {
    "Run.id": _is_name,
    "Run.retry_of": lambda value: value == "" or _is_name(value),
    "Run.operation": _is_name,
    "Run.environment": _is_line,
    "Run.sites": lambda value: value == ("",) or _are_names(value),
    "Run.revisions": _are_revisions,
    "PlaybookOptions.forks": lambda value: isinstance(value, int) and 0 <= value <= _MOST_FORKS,
    "PlaybookOptions.verbosity": lambda value: isinstance(value, int) and 0 <= value <= _MOST_VERBOSE,
}
