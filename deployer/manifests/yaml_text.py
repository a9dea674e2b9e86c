"""Texts as YAML spells them: plain, in single or double quotes, or as a block."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deployer.manifests.source import Source
from deployer.manifests.tree import Node

# YAML 1.1 reads these plain words as tags of their own (merge, default value), which readers refuse as a value.
_MARKS = frozenset({"<<", "="})
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_CODES = (("x", 2), ("u", 4), ("U", 8))
_INVISIBLE = r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_NEEDS_DOUBLE = re.compile(_INVISIBLE)
_ESCAPED = re.compile(rf'{_INVISIBLE}|["\\]')
_HEADER = re.compile(r"[|>](?P<indicators>[0-9+-]*)(?P<rest>[^\r\n]*)(?P<end>\r\n|\r|\n|$)")
_CONTENT_INDENT = re.compile(r"^( +)\S", re.MULTILINE)


def spellings(source: Source, node: Node, text: str) -> Iterator[tuple[int, int, str]]:
    """Ways to write a text in place of a scalar, in its own style first; which of them holds is tried by the caller."""
    start, end = node.start, node.end
    if node.style in {"|", ">"}:
        end = _block_end(source, node)
        for written in _blocks(source.text[start:end], text, source.line_end):
            yield start, end, written
        end = start + len(source.text[start:end].removesuffix("\n").removesuffix("\r"))
    space = " " if start == end and source.text[start - 1 : start] not in {" ", "\t", "\n", ""} else ""
    is_one_line = not _NEEDS_DOUBLE.search(text)
    # A plain text in a flow collection ends at a question mark for PyYAML's own scanner, though not for libyaml.
    if is_one_line and not node.style and text not in _MARKS and "?" not in text:
        yield start, end, space + text
    if is_one_line and node.style in {"", "'"}:
        yield start, end, space + _single(text)
    yield start, end, space + _double(text, source)


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _double(text: str, source: Source) -> str:
    escaped = _ESCAPED.sub(_escape, text)
    return '"' + "".join(letter if source.can_write(letter) else _code(letter) for letter in escaped) + '"'


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found.group()) or _code(found.group())


def _code(letter: str) -> str:
    sign, digits = next((sign, digits) for sign, digits in _CODES if ord(letter) < 16**digits)
    return f"\\{sign}{ord(letter):0{digits}x}"


def _block_end(source: Source, node: Node) -> int:
    """Where the lines of a block end: its mark may lie behind empty lines that are not part of the value."""
    written = source.text[node.start : node.end]
    header = _HEADER.match(written)
    if header and "+" in header["indicators"]:
        return node.end
    kept = written.rstrip(" \t\r\n")
    line_end = re.compile(r"[ \t]*(\r\n|\r|\n|$)").match(written, len(kept))
    return node.start + (line_end.end() if line_end else len(kept))


def _blocks(written: str, text: str, newline: str) -> Iterator[str]:
    """The text as a block of the same kind: with the same header, then with the chomping that its end asks for."""
    header = _HEADER.match(written)
    if not header or not text.strip():
        return
    body = written[header.end() :]
    indent = _CONTENT_INDENT.search(body)
    spaces = indent.group(1) if indent else "  "
    if written.startswith("|"):
        lines = [f"{spaces}{line}" if line else "" for line in text.rstrip("\n").split("\n")]
    else:
        lines = [spaces + text.rstrip("\n")]
    trailing = [""] * max(len(text) - len(text.rstrip("\n")) - 1, 0)
    ends = newline if written.endswith(("\n", "\r")) else ""
    block = newline.join(lines + trailing) + ends
    own = header["indicators"]
    digits = own.strip("+-")
    chomping = "-" if not text.endswith("\n") else "+" if trailing else ""
    for indicators in dict.fromkeys((own, digits + chomping)):
        yield f"{written[0]}{indicators}{header['rest']}{newline}{block}"
