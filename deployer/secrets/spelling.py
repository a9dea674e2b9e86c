"""How a secret can be spelled: as it is, quoted for a shell, escaped for JSON, XML or a URL, in base64."""

from __future__ import annotations

import base64
import re
import string
from collections.abc import Iterator

from deployer.secrets.names import SHORTEST, is_common

_PLAIN_LENGTH = 8
_WORD_LENGTH = 12
"""A word of letters only that is shorter can be a part of another one."""
_CORE = 4
"""Fewer digits of base64 would be met everywhere; what is found by them is decoded and looked at."""
_GRAM = 4
_HTML = {"&": r"&(?:amp;)+", "<": "&(?:amp;)*lt;", ">": "&(?:amp;)*gt;", '"': "&(?:amp;)*quot;", "'": "&(?:amp;)*apos;"}
_QUOTES = r"[\\'\"]{1,64}"
"""What a quote becomes inside quotes, and inside quotes inside quotes."""
_SHELL = {"'": _QUOTES, '"': _QUOTES, " ": r"\+"}
_CONTROL = {"\n": "n", "\t": "t", "\r": "r"}
# A character that belongs to an escape, and to no word: `\nsecret`, `%3Dsecret`, a colour of the terminal, `-psecret`.
_ESCAPES = (
    r"(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})|(?<=\x1b\[[0-9]m)|(?<=\x1b\[[0-9]{2}m)"
    r"|(?<=\x1b\[[0-9];[0-9]{2}m)|(?<=[\s'\"\[,]-[A-Za-z])|(?<=^-[A-Za-z])"
)
_BEFORE, _BEHIND = rf"(?:(?<!\w)|{_ESCAPES})", r"(?!\w)"
_BEFORE_ALONE = rf"(?:(?<![\w./-])|{_ESCAPES})"
_BEHIND_ALONE = r"(?![\w/-]|\.\w)"
_BASE64 = frozenset(string.ascii_letters + string.digits + "+/-_")
_END = re.compile(r"(?:=|%3[Dd]){1,2}")


def parts(secret: str) -> Iterator[str]:
    """The secret and each of its lines, since logs are read by line; too short ones are left out."""
    for part in dict.fromkeys((secret.strip(), *(line.strip() for line in secret.splitlines()))):
        if len(part) >= SHORTEST:
            yield part


def pattern(part: str, *, is_ordinary: bool) -> str:
    """A regular expression for every spelling of a secret in text, whatever stands around it.

    A short secret counts only as a word of its own: `main` is not found in `maintenance`. One that is an ordinary word
    counts only where nothing is joined to it: `disk` is not found in `/dev/disk` and `disk-full`.

    Args:
        part: the secret.
        is_ordinary: whether messages have it too where it is not meant.
    """
    spelled = "".join(_spelled(character) for character in part)
    if is_ordinary or is_common(part):
        return f"{_BEFORE_ALONE}{spelled}{_BEHIND_ALONE}"
    is_word = part.isalpha() and len(part) < _WORD_LENGTH and part[1:] in {part[1:].lower(), part[1:].upper()}
    return f"{_BEFORE}{spelled}{_BEHIND}" if is_word or len(part) < _PLAIN_LENGTH else spelled


def _spelled(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    code = ord(character)
    octets = character.encode("utf-8", "surrogatepass")
    units = character.encode("utf-16-be", "surrogatepass")
    spellings = [
        _HTML.get(character, ""),
        _SHELL.get(character, ""),
        r"\\{1,8}" + _CONTROL[character] if character in _CONTROL else "",
        "".join(f"%(?:25)*{_hex(octet, 2)}" for octet in octets),
        "".join(rf"\\{{1,8}}u{_hex(units[at] << 8 | units[at + 1], 4)}" for at in range(0, len(units), 2)),
        rf"\\{{1,8}}U{_hex(code, 8)}",
        "".join(rf"\\{{1,8}}x{_hex(octet, 2)}" for octet in octets),
        rf"\\{{1,8}}x{_hex(code, 2)}" if code <= 0xFF else "",  # noqa: PLR2004  the last of one byte
        rf"&(?:amp;)*#(?:0*{code}|[xX]0*{_hex(code, 1)});",
        r"\\{1,8}" if character == "\\" else rf"\\{{0,8}}{re.escape(character)}",
    ]
    return f"(?:{'|'.join(spelling for spelling in spellings if spelling)})"


def _hex(code: int, width: int) -> str:
    return "".join(f"[{digit.lower()}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{code:0{width}x}")


def encoded(part: str) -> Iterator[str]:
    """Digits by which a secret is known inside base64, wherever it begins there."""
    octets = part.encode("utf-8", "surrogatepass")
    for offset in range(3):
        digits = base64.b64encode(b"\0" * offset + octets + b"\0\0").decode()
        # What stands before and behind the secret decides about the digits that both share.
        core = digits[(0, 2, 3)[offset] : (offset + len(octets)) * 8 // 6]
        if len(core) >= _CORE:
            yield core


def base64_pattern(digits: str) -> str:
    """A regular expression for digits that `encoded` gives."""
    return "".join(_digit(digit) for digit in digits)


def run_of_base64(text: str, start: int, end: int) -> tuple[int, int]:
    """From where to where the digits of base64 go that a part of a text belongs to."""
    while start and text[start - 1] in _BASE64:
        start -= 1
    while end < len(text) and text[end] in _BASE64:
        end += 1
    return start, end


def behind_base64(text: str, end: int) -> int:
    """Where the text goes on behind base64, which may have `=` at its end."""
    found = _END.match(text, end)
    return found.end() if found else end


def decoded(run: str) -> Iterator[str]:
    """What a run of base64 can stand for, as text: where it begins is not known for sure, as `/` is a digit too."""
    digits = run.translate(str.maketrans("-_", "+/"))
    for start in range(min(4, len(digits))):
        rest = digits[start:]
        rest = rest[:-1] if len(rest) % 4 == 1 else rest
        yield base64.b64decode(rest + "=" * (-len(rest) % 4)).decode("utf-8", "replace")


def _digit(digit: str) -> str:
    return {"+": r"(?:[+-]|%2[bB])", "/": r"(?:\\?/|_|%2[fF])"}.get(digit, digit)


def gram(text: str) -> str:
    """Four letters or digits of every spelling of a text, the least usual ones; empty where there are none."""
    runs = re.findall(rf"[A-Za-z0-9]{{{_GRAM},}}", text)
    grams = [run[at : at + _GRAM] for run in runs for at in range(len(run) - _GRAM + 1)]
    return max(grams, key=_strangeness, default="")


def _strangeness(text: str) -> int:
    return sum(character.isdigit() * 2 + character.isupper() for character in text)
