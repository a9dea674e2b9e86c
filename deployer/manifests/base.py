"""What every format gives, and what is the same for all of them: finding one place, and changing only it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from deployer.errors import ManifestError, UsageError
from deployer.manifests.source import Source, refuse
from deployer.model.json import JsonValue

_SURROGATE = re.compile("[\ud800-\udfff]")
_NEAREST = 3
_LOOKED_AT = 2000


@dataclass(frozen=True, slots=True)
class Place:
    """One value in a document, and the characters of the text that spell it."""

    path: str
    """As a person would type it, with positions where there are several: `service/env[2]/@value`."""
    text: str
    """The value as text; of a number the digits as written."""
    kind: str
    """`string`, `number`, `boolean`, `null`, `date`; `mapping`, `sequence` and `element` hold others."""
    start: int
    end: int
    style: str = ""
    """How it is written, in the format's own words."""
    fixed: str = ""
    """Why it cannot be set; empty where it can."""


class Document(Protocol):
    """A manifest that was read."""

    @property
    def source(self) -> Source:
        """Its text."""

    @property
    def value(self) -> JsonValue:
        """The whole document as plain data."""

    def find(self, where: str) -> tuple[Place, ...]:
        """Every place that a path names; raises UsageError for what is no path."""

    def line_near(self, where: str) -> int:
        """The line of the place, or of the nearest one around it that exists."""

    def places(self) -> Iterator[Place]:
        """Every place, by position."""

    def spellings(self, place: Place, text: str) -> Iterator[tuple[int, int, str]]:
        """Ways to write a text there, the best first: start, end, and what to put between."""


class Format(Protocol):
    """A format that manifests are written in."""

    @property
    def name(self) -> str:
        """`xml`, `yaml` or `json`."""

    @property
    def fields(self) -> str:
        """The key of `DEFAULT_FIELDS` for it."""

    def read(self, path: str, data: bytes) -> Document:
        """Read a file; raises ManifestError with every problem found."""

    def has_paths_like(self, where: str) -> bool:
        """Whether a mapped path is meant for this format, since one mapping serves all files of a site."""


def set_text(form: Format, document: Document, where: str, text: str) -> bytes:
    """The document's bytes with one value changed.

    Raises:
        UsageError: the path names no place, several, or one that holds no single value.
        ManifestError: the text cannot be written there without changing something else.
    """
    place = the_place(document, where)
    if odd := _SURROGATE.search(text):
        raise UsageError(f"{document.source.path}: U+{ord(odd.group()):04X} is half a character, it cannot be written")
    before = {other.path: other for other in document.places()}
    side_effects: set[str] = set()
    for start, end, written in document.spellings(place, text):
        changed = document.source.replace(start, end, written)
        after = _read_again(form, document.source.path, changed)
        differing = _differing(before, after)
        if after and differing <= {place.path} and _is_written(place, after[place.path], text):
            return changed
        side_effects |= differing - {place.path} if after else set()
    also = f" without changing {min(side_effects)} too" if side_effects else ""
    raise refuse(document.source.problem(place.start, f"{place.path} cannot be set to this text{also}"))


def the_place(document: Document, where: str) -> Place:
    """The one place of a path that can be set; raises UsageError."""
    path, found = document.source.path, document.find(where)
    if not found:
        raise UsageError(f"{path}: no {where}", hint=_nearest(document, where))
    if len(found) > 1:
        paths = ", ".join(place.path for place in found[:_NEAREST])
        raise UsageError(f"{path}: {where} is in {len(found)} places ({paths}{'…' if len(found) > _NEAREST else ''})")
    if found[0].fixed:
        raise UsageError(f"{path}: {where} {found[0].fixed}")
    return found[0]


def _nearest(document: Document, where: str) -> str:
    known = [place.path for place in islice(document.places(), _LOOKED_AT) if not place.fixed]
    near = difflib.get_close_matches(where, known, n=_NEAREST, cutoff=0.3) or known[:_NEAREST]
    return f"there are: {', '.join(near)}" if near else "there is nothing that can be set"


def _read_again(form: Format, path: str, data: bytes) -> dict[str, Place]:
    try:
        return {place.path: place for place in form.read(path, data).places()}
    except ManifestError:
        return {}


def _differing(before: Mapping[str, Place], after: Mapping[str, Place]) -> set[str]:
    return {
        path
        for path in before.keys() | after.keys()
        if path not in before
        or path not in after
        or (before[path].kind, before[path].text) != (after[path].kind, after[path].text)
    }


def _is_written(place: Place, now: Place, text: str) -> bool:
    return now.text == text and (place.kind != "string" or now.kind == "string")
