"""The bytes of a manifest and their text, so that a span of the text can be replaced without touching other bytes."""

from __future__ import annotations

import bisect
import codecs
import re
from dataclasses import dataclass
from functools import cached_property

from deployer.errors import ManifestError, UsageError
from deployer.model.manifest import MAX_BYTES, Oversized, Problem

MAX_DEPTH = 100
"""Levels of nesting that a document may have: below what the parsers themselves can bear."""
MAX_VALUES = 200_000
"""Keys and values (in XML elements and attributes) of a document; megabytes of brackets would fill the memory."""
MAX_DIGITS = 1000
"""Characters of a number: parsers take a time for it that grows with their square."""
MAX_PROBLEMS = 20
"""Problems that are listed of one file: what follows is mostly noise of the first."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Encodings that give the same bytes back when decoded and encoded; UTF-7, ISO-2022 and EBCDIC do not or hide markup.
_ENCODINGS = re.compile(r"utf-8|ascii|iso8859-\d+|cp125\d|koi8-[ru]")
_XML_ENCODING = re.compile(rb"""<\?xml[ \t\r\n][^>]*?[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z0-9._-]+)["']""")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Source:
    """A manifest's bytes as text."""

    path: str
    text: str
    """Without the byte order mark; line ends as they are in the file."""
    encoding: str
    bom: bytes

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Index in the text of the first character of every line."""
        return (0, *(found.end() for found in _LINE_END.finditer(self.text)))

    def line(self, index: int) -> int:
        """The line, from 1, that a character of the text is in."""
        return bisect.bisect_right(self.line_starts, index)

    def problem(self, index: int, message: str) -> Problem:
        """Something wrong at a character of the text."""
        return Problem(self.path, self.line(index), message)

    @property
    def line_end(self) -> str:
        """What the file's first line ends with; LF where there is none."""
        found = _LINE_END.search(self.text)
        return found.group() if found else "\n"

    def can_write(self, character: str) -> bool:
        """Whether the file's encoding has the character."""
        try:
            character.encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True

    def replace(self, start: int, end: int, new: str) -> bytes:
        """The file's bytes with a span of characters replaced.

        Raises:
            UsageError: the new text has a character that the file's encoding does not have.
        """
        try:
            written = new.encode(self.encoding)
        except UnicodeEncodeError as error:
            character = f"U+{ord(new[error.start]):04X}"
            raise UsageError(f"{self.path}: {character} cannot be written in {self.encoding}") from error
        before, after = self.text[:start].encode(self.encoding), self.text[end:].encode(self.encoding)
        return self.bom + before + written + after


def refuse(*problems: Problem) -> ManifestError:
    """The error that says these problems, in the order of their lines."""
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: problem.line)
    said = [str(problem) for problem in ordered[:MAX_PROBLEMS]]
    if len(ordered) > MAX_PROBLEMS:
        said.append(f"{ordered[0].path}: and {len(ordered) - MAX_PROBLEMS} more problems")
    return ManifestError(tuple(said))


def decode(path: str, data: bytes, *, is_xml: bool = False) -> Source:
    """The file as text: UTF-8, UTF-16 where a byte order mark says so, and for XML what it declares.

    Raises:
        ManifestError: too large, empty, with NUL, or not in the encoding that it should be in.
    """
    if len(data) > MAX_BYTES:
        raise refuse(Oversized(len(data)).problem(path))
    if not data.strip():
        raise refuse(Problem(path, 0, "the file is empty"))
    bom, encoding = _encoding(path, data, is_xml=is_xml)
    text = _text(path, data[len(bom) :], encoding)
    if "\0" in text:
        raise refuse(Problem(path, text.count("\n", 0, text.index("\0")) + 1, "a NUL byte"))
    if not text.strip():
        raise refuse(Problem(path, 0, "the file is empty"))
    return Source(path=path, text=text, encoding=encoding, bom=bom)


def _encoding(path: str, data: bytes, *, is_xml: bool) -> tuple[bytes, str]:
    bom, encoding = next(((bom, name) for bom, name in _BOMS if data.startswith(bom)), (b"", ""))
    if not is_xml:
        return bom, encoding or "utf-8"
    if not encoding and data[:2] in {b"<\0", b"\0<"}:
        encoding = "utf-16-le" if data.startswith(b"<") else "utf-16-be"
    declared = _declared(path, data[len(bom) :], encoding)
    if declared and encoding and not encoding.startswith(declared):
        raise refuse(Problem(path, 1, f"declares {declared}, but is written in {encoding}"))
    if declared.startswith("utf-16") and not encoding:
        raise refuse(Problem(path, 1, f"declares {declared}, but is not written in it"))
    return bom, encoding or declared or "utf-8"


def _declared(path: str, data: bytes, encoding: str) -> str:
    """The name that Python has for the encoding in the XML declaration; empty where none is declared."""
    head = data[:1024]
    if encoding.startswith("utf-16"):
        head = head.decode(encoding, errors="ignore").encode("ascii", errors="replace")
    found = _XML_ENCODING.match(head)
    if not found:
        return ""
    name = found.group(1).decode("ascii")
    try:
        known = codecs.lookup(name).name
    except LookupError:
        known = ""
    if not (_ENCODINGS.fullmatch(known) or known.startswith("utf-16")):
        raise refuse(Problem(path, 1, f"declares the encoding {name}, which is not supported"))
    return known


def _text(path: str, body: bytes, encoding: str) -> str:
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise refuse(Problem(path, line, f"not {encoding}: byte 0x{body[error.start]:02x} ({error.reason})")) from error
    if text.encode(encoding) != body:
        raise refuse(Problem(path, 0, f"its {encoding} cannot be written back as it is"))
    return text
