r"""Texts of others as a person may see them: nothing in them moves a cursor, hides, reorders, or begins a line.

Whoever commits, answers from a host, or writes a record decides on names and words that stand between ours. On a
terminal, in a log, in a report or in a chat each of them is shown through one of these functions: `visible` for a value
on a line, `visible_lines` and `quoted` for what has lines of its own, `visible_json` for a document.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator

MARK = "| "
"""Stands before each line of what another program said."""
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of Unicode: controls (C0, DEL, C1), formats (bidi, zero width, tags), lone surrogates, line breaks."""
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing."""
_MOST_MARKS = 8
"""Combining marks on one letter: no script needs as many, and more of them cover the lines above and below."""
_NON_JOINER, _JOINER = "\u200c", "\u200d"
_VIRAMA = 9
_EMOJI_STYLE, _SKINS = "\ufe0f", range(0x1F3FB, 0x1F400)
# What json.dumps leaves as it is though a terminal acts on it: from DEL on, since it escapes C0 itself.
_IN_JSON = re.compile(
    "[\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    r"""The text on one line, and each character that a person could not see as its escape: `\x1b`, `\n`, `\u202e`.

    Letters of every script, their marks, spaces and emoji stay. Cleaning twice is the same as cleaning once.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_characters(text))


def visible_lines(text: str) -> tuple[str, ...]:
    """A text that may have lines of its own, each cleaned; tabs are blanks."""
    return tuple(visible(line.expandtabs()) for line in text.split("\n"))


def quoted(text: str) -> tuple[str, ...]:
    """The lines of what another program said, cleaned, each behind a mark, so that none is taken for ours."""
    return tuple(f"{MARK}{line}".rstrip() for line in visible_lines(text.strip("\n"))) if text.strip() else ()


def visible_json(value: object, indent: int | None = None, *, ascii_only: bool = False) -> str:
    """A document that no terminal acts on, and that parses to the same value.

    Args:
        value: plain JSON data.
        indent: of nested lines; None for one line.
        ascii_only: for where nothing else can be written.
    """
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    return _IN_JSON.sub(_json_escape, text)


def _json_escape(match: re.Match[str]) -> str:
    found = match[0]
    return "\\u007f" if found == "\x7f" else json.dumps(found)[1:-1]


def _characters(text: str) -> Iterator[str]:
    marks = 0
    for at, char in enumerate(text):
        kind = unicodedata.category(char)
        marks = marks + 1 if kind.startswith("M") else 0
        is_hidden = kind in _HIDDEN or char in _BLANK or marks > _MOST_MARKS
        yield _escape(char) if is_hidden and not _joins(text, at) else char


def _escape(char: str) -> str:
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    if code <= 0xFF:  # noqa: PLR2004  the widest that two digits write
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004  the widest that four write


def _joins(text: str, at: int) -> bool:
    """Whether a joiner is ordinary here: between the parts of an emoji, or between letters that it shapes."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if text[at] not in {_NON_JOINER, _JOINER} or not before or not after:
        return False
    if unicodedata.combining(before) == _VIRAMA or unicodedata.bidirectional(before) == "AL":
        return unicodedata.category(after).startswith("L")
    return text[at] == _JOINER and _is_emoji(before) and unicodedata.category(after) == "So"


def _is_emoji(char: str) -> bool:
    return char == _EMOJI_STYLE or ord(char) in _SKINS or unicodedata.category(char) == "So"
