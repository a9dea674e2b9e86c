"""Space and comments between values, merged three ways: comments by their lines, space by who changed it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deployer.manifests.merging.align import align

_LINE_START = re.compile(r"\r?\n[ \t]*\Z")
_BLANK = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Clash:
    """Characters that a person must choose between."""

    base: str
    ours: str
    theirs: str


Segment = str | Clash


def comments(text: str) -> tuple[str, ...]:
    """What comments say: lines without the space around them."""
    if text.isspace() or not text:
        return ()
    return tuple(line for each in text.splitlines() if (line := each.strip(_BLANK)))


def merge_trivia(base: str, ours: str, theirs: str) -> Segment:
    """The space and comments that both sides want; a Clash where both changed a comment differently."""
    if ours in (base, theirs):
        return theirs
    if theirs == base:
        return ours
    was, our, their = comments(base), comments(ours), comments(theirs)
    if our == their:
        return ours
    if our == was:
        return _at_indent_of(theirs, ours)
    if their == was:
        return _at_indent_of(ours, theirs)
    return _by_lines(base, ours, theirs)


def _at_indent_of(text: str, model: str) -> str:
    """The text, its lines indented as the last of another: who changed only space decides about that."""
    if "\n" not in text or "\n" not in model:
        return text
    old, new = indent(text), indent(model)
    if old == new or (old is None) or (new is None):
        return text
    return shifted(text, old, new)


def indent(text: str) -> str | None:
    """The space that its last line begins with; None where it is one line."""
    if "\n" not in text:
        return None
    last = text[text.rindex("\n") + 1 :]
    return last[: len(last) - len(last.lstrip(" \t"))]


def line_start(text: str) -> str:
    """The last line end with the indentation behind it; empty where the text is one line."""
    found = _LINE_START.search(text)
    return found.group() if found else ""


def shifted(text: str, old: str, new: str) -> str:
    """The text with the indentation of its lines, but for the first, changed by as much."""
    first, *lines = text.split("\n")
    return "\n".join([first, *(_moved(line, old, new) for line in lines)])


def _moved(line: str, old: str, new: str) -> str:
    if line.startswith(old):
        return new + line[len(old) :] if line.strip(_BLANK) or line == old else line
    rest = line.lstrip(" \t")
    if not rest.strip(_BLANK):
        return line
    # Further out than where it began: as much further out where it goes, as far as there is room.
    return new[: max(0, len(new) - (len(old) - (len(line) - len(rest))))] + rest


def _by_lines(base: str, ours: str, theirs: str) -> Segment:
    merged = merge_lines(
        base.splitlines(keepends=True), ours.splitlines(keepends=True), theirs.splitlines(keepends=True)
    )
    return Clash(base, ours, theirs) if merged is None else "".join(merged)


def merge_lines(base: list[str], ours: list[str], theirs: list[str]) -> list[str] | None:
    """The lines of both; None where their changes touch each other."""
    told = [[line.strip(_BLANK) for line in lines] for lines in (base, ours, theirs)]
    to_ours, to_theirs = dict(align(told[0], told[1])), dict(align(told[0], told[2]))
    merged: list[str] = []
    at = our = their = 0
    for stable in range(len(base) + 1):
        is_end = stable == len(base)
        if not is_end and not (stable in to_ours and stable in to_theirs):
            continue
        next_our = len(ours) if is_end else to_ours[stable]
        next_their = len(theirs) if is_end else to_theirs[stable]
        if next_our < our or next_their < their:
            continue
        chunk = _chunk((told, (base, ours, theirs)), (at, stable), (our, next_our), (their, next_their))
        if chunk is None:
            return None
        merged += chunk
        if not is_end:
            is_mine = ours[next_our] != base[stable]
            merged.append(ours[next_our] if is_mine else theirs[next_their])
            at, our, their = stable + 1, next_our + 1, next_their + 1
    return merged


def _chunk(
    sides: tuple[list[list[str]], tuple[list[str], list[str], list[str]]],
    was: tuple[int, int],
    our: tuple[int, int],
    their: tuple[int, int],
) -> list[str] | None:
    told, lines = sides
    spans = (slice(*was), slice(*our), slice(*their))
    before, mine, yours = (told[side][span] for side, span in enumerate(spans))
    if mine in (before, yours):
        return lines[2][spans[2]] if mine == before else lines[1][spans[1]]
    return lines[1][spans[1]] if yours == before else None
