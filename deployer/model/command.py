"""Commands that a person pastes into a shell: built from words, and quoted at this one place.

Every form works in bash, also at its prompt, where `!` has a meaning; all but `$'…'` in every POSIX shell. Words with
control characters, or with others that cannot be seen, are written as `$'…'`, so that a terminal never reads such a
character from a paste.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

_PLAIN = re.compile(r"[A-Za-z0-9_./@:,+%-][A-Za-z0-9_./@:,+%=-]*")
_HOME = re.compile(r"(?P<home>~(?:[A-Za-z_][A-Za-z0-9._-]*)?)(?:/(?P<rest>.*))?", re.DOTALL)
_ORDINARY = re.compile(r"[A-Za-z0-9_./]")
_SPECIAL = frozenset("*?[\\")
_ESCAPED = frozenset("'\\!")


class Sign(Enum):
    """What stands between commands, and means something to the shell."""

    AND = "&&"
    OR = "||"
    INTO = ">"
    AFTER = ">>"


class Open(Enum):
    """A word that the shell of the person fills in."""

    EDITOR = "${EDITOR:-vi}"


@dataclass(frozen=True, slots=True)
class File:
    """A path: to no program an option, a command of an editor or a URL, whatever it begins with."""

    path: str


@dataclass(frozen=True, slots=True)
class Place:
    """A path as a person types it: a leading `~` or `~name` stays a home."""

    path: str


@dataclass(frozen=True, slots=True)
class Pathspec:
    """A path of a repository behind git's `--`, from its top: exactly this file, also where its name is a pattern."""

    path: str


@dataclass(frozen=True, slots=True)
class Operand:
    """A name that is never taken for an option: one that begins with a dash becomes a path, which does not exist."""

    name: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """A variable of the shell or, in front of a command, of its environment.

    Attributes:
        value: a text, or the words of a command whose output it is.
    """

    name: str
    value: str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """The value of a variable that an earlier line assigned."""

    name: str


Word: TypeAlias = str | Sign | Open | File | Place | Pathspec | Operand | Assigned | Variable
Command: TypeAlias = tuple[Word, ...]
Clean: TypeAlias = Callable[[str], str]


def typed(*words: Word, clean: Clean = str) -> str:
    """The line that a person pastes.

    Args:
        words: of the command, the program first.
        clean: takes secrets out of a text. It is asked before a word is quoted, since it would tear quotes.
    """
    return " ".join(_written(word, clean) for word in words)


def _written(word: Word, clean: Clean) -> str:
    match word:
        case Sign() | Open():
            return str(word.value)
        case Variable():
            return f'"${word.name}"'
        case Assigned():
            value = quoted(word.value) if isinstance(word.value, str) else f"$({typed(*word.value, clean=clean)})"
            return f"{word.name}={value}"
        case Place():
            return _place(clean(word.path))
        case str():
            return quoted(clean(word))
    return quoted(_named(word, clean))


def _named(word: File | Pathspec | Operand, clean: Clean) -> str:
    match word:
        case File():
            return _file(clean(word.path))
        case Pathspec():
            path = clean(word.path)
            return f":(literal){path}" if path.startswith(":") or _SPECIAL & set(path) else path
    name = clean(word.name)
    return f"./{name}" if name.startswith("-") else name


def _file(path: str) -> str:
    return path if not path or _ORDINARY.match(path) else f"./{path}"


def _place(path: str) -> str:
    found = _HOME.fullmatch(path)
    if found is None:
        return quoted(_file(path))
    return found["home"] + ("/" + quoted(found["rest"]) if found["rest"] else "")


def quoted(text: str) -> str:
    """A text as one word of a shell; one that ends up empty or plain is left as short as it can be."""
    if _PLAIN.fullmatch(text):
        return text
    # No argument of a program can hold a NUL.
    text = text.replace("\0", "\ufffd")
    if text.isprintable():
        return "'" + text.replace("'", "'\\''") + "'"
    return "$'" + "".join(_escaped(character) for character in text) + "'"


def _escaped(character: str) -> str:
    """Octal bytes mean the same whatever the locale is, and end where the next character begins."""
    if character.isprintable() and character not in _ESCAPED:
        return character
    return "".join(f"\\{byte:03o}" for byte in _bytes(character))


def _bytes(character: str) -> bytes:
    """Of a file name that is no UTF-8, its own bytes."""
    try:
        return character.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return character.encode("utf-8", "surrogatepass")
