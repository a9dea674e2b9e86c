"""What a structural merge came to, and what differs between two versions of a manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

RULES_FILE = ".deployer-merge.yml"
"""In which a repository says what tells the items of its lists apart."""
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Conflict:
    """One thing that both sides did to the same place, each otherwise."""

    path: str
    """In the document: `release/@version`, `containers[name="web"].image`; empty for the document as a whole."""
    kind: str
    """`changed`, `deleted` (against a change), `added` (with other content), `order`, `inserted` (both here, which goes
    first?), `ambiguous` (repeats), `comment`, `lines` (git's line merge), `unsound` (the check of the result), `rules`
    (the repository's own cannot be read)."""
    base: str | None = None
    """What was there: a value, or the text of what holds others; None where nothing was."""
    ours: str | None = None
    theirs: str | None = None
    said: str = ""
    """A sentence in place of the three, where they say little."""

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        if self.said:
            return where + self.said
        return f"{where}was {shown(self.base)}, ours {shown(self.ours)}, theirs {shown(self.theirs)}"


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What the merge of one file gave."""

    content: bytes | None
    """The merged file; None where a person must decide."""
    conflicts: tuple[Conflict, ...] = ()
    """What both sides did to the same place; empty where it merged."""
    partial: bytes = b""
    """Where a person must decide: all that merged, and the rest between conflict markers. Never for a commit."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a version of a manifest says otherwise than another."""

    path: str
    kind: str
    """`changed`, `added`, `removed`, `moved` (its place among the others)."""
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        return "".join(_shown(self))


def _shown(difference: Difference) -> Iterator[str]:
    yield {"changed": "~ ", "added": "+ ", "removed": "- ", "moved": "> "}[difference.kind] + difference.path
    if difference.kind == "changed":
        yield f": {_short(difference.before)} -> {_short(difference.after)}"
    elif told := difference.after if difference.kind == "added" else difference.before:
        yield f": {_short(told)}"


def shown(value: str | None) -> str:
    """A value as a sentence has it, cut where it is long."""
    return "not there" if value is None else f"'{_short(value)}'"


def _short(value: str | None) -> str:
    text = " ".join((value or "").split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
