r"""Words as hostile people choose them, values of our types full of them, and the look for what got through.

shown = grown(Run)                # every text of it, also of a field that is added tomorrow, is hostile
print_run(shown)
assert not raw(capsys.readouterr().out.encode())
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from deployer.errors import AttentionError, DeployerError
from deployer.model.check import Verification
from deployer.model.merge import Difference
from deployer.model.sync import ManualWork

FORGED = "FORGED"
"""What a word would have begin a line."""
ACTING = {
    "escape": "\x1b[2K\x1b[1A",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "title": "\x1b]0;mine\x1b\\",
    "return": "\r",
    "feeds": "\x0b\x0c",
    "backspaces": "\x08\x08",
    "nul": "\x00",
    "separators": "\x1c\x1d\x1e\x1f",
    "delete": "\x7f",
    "next line": "\x85",
    "csi": "\x9b2J",
    "osc": "\x9d52;c;eA==\x9c",
    "line": "\u2028",
    "paragraph": "\u2029",
    "override": "\u202e",
    "embedding": "\u202a\u202b\u202d\u202c",
    "isolate": "\u2066\u2067\u2068\u2069",
    "marks": "\u200e\u200f\u061c",
    "zero width": "\u200b\u2060\ufeff\u00ad\u180e",
    "joiner": "a\u200db\u200cc",
    "tags": "\U000e0041\U000e007f",
    "filler": "\u3164\u115f\uffa0",
    "undecodable": "\udc9b\udcff",
}
"""What acts on a terminal, or hides, or cannot be written."""
BREAK = f"a\n{FORGED}"
"""A line break is allowed in what we write: only where it stands tells whose it is."""
WORD = f"{BREAK}{''.join(ACTING.values())}<!channel> [red]&"
"""All of it at once."""
ORDINARY = (
    "Grüße, Łódź, naïve, e\u0301, Ελλάδα, Привет, 日本語, 한국어, עִבְרִית, العربيّة, हिन्दी, ไทย, Việt",
    "نمی\u200cکنم, क्\u200dष",
    "👍🏽 ❤️ 👩\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈 👩🏽\u200d💻 🇩🇪 1️⃣",
    "a\u00a0b\u3000c “quotes” — dash … €",
)
"""What people write, and must be able to read."""
SUBJECT = WORD.replace("\0", "").replace("\n", "")
"""What a subject can hold: git takes no NUL, and a line break ends it."""
FILE = WORD.replace("\0", "").replace("/", "")
"""What a file can be called."""
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)

Made = TypeVar("Made")
_COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
_MOVE = re.compile(rb"\x1b\[(?:\?25[lh]|[0-9]*[AK]|2K)|\r")
_RAW = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def raw(data: bytes, *, coloured: bool = False, live: bool = False) -> list[str]:
    """What a person who reads these bytes could be fooled with: characters that act, and lines that somebody planted.

    Args:
        data: as it was written.
        coloured: our colours may be in it.
        live: so may what moves the cursor back to lines that change in place.
    """
    return [*acting(data, coloured=coloured, live=live), *planted(data)]


def acting(data: bytes, *, coloured: bool = False, live: bool = False) -> list[str]:
    """The characters of these bytes that act on a terminal or hide, each with what stands around it."""
    left = _MOVE.sub(b"", data) if live else data
    left = _COLOUR.sub(b"", left) if coloured else left
    text = left.decode()  # what cannot be decoded is a fault as well
    return [f"{at[0]!r} in {text[max(0, at.start() - 40) : at.end() + 20]!r}" for at in _RAW.finditer(text)]


def planted(data: bytes) -> list[str]:
    """The lines that begin as somebody wanted, blanks and our colours apart."""
    text = _COLOUR.sub(b"", data).decode(errors="replace")
    return [line for line in text.split("\n") if line.strip().startswith(FORGED)]


def grown(kind: type[Made], word: str = WORD, /, **given: object) -> Made:
    """A value of a type, with the word in every text of it.

    Args:
        kind: a dataclass.
        word: a hostile one.
        given: fields that need another value.
    """
    values = {name: _value(hint, word) for name, hint in _hints(kind).items()}  # type: ignore[arg-type]  # types are hashable
    return kind(**{**values, **_OURS.get(kind, {}), **given})


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    # JSON data holds more of itself: its name has to mean something here.
    hints = typing.get_type_hints(kind, localns={"JsonValue": str})
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


_OURS: Mapping[type, Mapping[str, object]] = {
    Difference: {"kind": "changed"},
    Verification: {"exit_code": 3},
    ManualWork: {"detail": WORD.replace("\n", "")},
}
"""Fields whose values are ours, whatever others say; and the lines of `detail`, in which every sentence is cleaned."""


def _value(hint: Any, word: str) -> object:  # noqa: ANN401  an annotation is whatever it is
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        return word if str in inner else _value(next(each for each in inner if each is not type(None)), word)
    if origin in {tuple, list, frozenset, Sequence}:
        many = inner if origin is tuple and Ellipsis not in inner else inner[:1]
        return tuple(_value(each, word) for each in many)
    if origin in {dict, Mapping}:
        return {word: _value(inner[1], word)}
    return _plain(hint, word)


def _plain(hint: Any, word: str) -> object:  # noqa: ANN401  an annotation is whatever it is
    if is_dataclass(hint):
        return grown(hint, word)  # type: ignore[arg-type]  # a type, as annotations are
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[-1]
    if isinstance(hint, type) and issubclass(hint, DeployerError):
        return AttentionError(word, hint=(word, word))
    known: Mapping[object, object] = {
        bool: True,
        int: 1,
        float: 1.0,
        bytes: word.encode(errors="replace"),
        datetime: NOW,
        Path: Path(word.replace("\0", "")),
    }
    return known.get(hint, word)
