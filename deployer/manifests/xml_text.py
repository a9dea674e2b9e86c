"""Texts as XML spells them: in an attribute, in an element, in CDATA."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from deployer.errors import UsageError
from deployer.manifests.base import Place
from deployer.manifests.source import Source
from deployer.manifests.xml_elements import WHITE, Element

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PIECE = re.compile(r"<!--.*?-->|<\?.*?\?>|(?P<cdata_start><!\[CDATA\[)(?P<cdata>.*?)\]\]>|(?P<text>[^<]+)", re.DOTALL)


def text_span(text: str, element: Element) -> tuple[int, int, str, str]:
    """Where an element's text stands: start, end, style, and why it cannot be set (empty where it can)."""
    if element.children:
        return element.content_start, element.content_start, "element", "holds other elements, not a single value"
    if element.is_empty_tag:
        return element.content_start, element.content_start + 2, "empty", ""
    spans = list(_pieces(text, element))
    if not spans:
        return element.content_start, element.content_start, "text", ""
    if len(spans) > 1:
        return *spans[0], "is in several pieces, with comments or CDATA between them"
    return *spans[0], ""


def _pieces(text: str, element: Element) -> Iterator[tuple[int, int, str]]:
    """The stretches of text and CDATA that hold more than white space, without the white space around them."""
    for found in _PIECE.finditer(text, element.content_start, element.content_end):
        style = "cdata" if found["cdata"] is not None else "text"
        if found[style] is None or not (found[style].strip(WHITE) or style == "cdata"):
            continue
        start, end = found.span(style)
        piece = found[style]
        start += len(piece) - len(piece.lstrip(WHITE))
        yield start, max(end - (len(piece) - len(piece.rstrip(WHITE))), start), style


def spellings(source: Source, place: Place, text: str) -> Iterator[tuple[int, int, str]]:
    """The one way to write a text at a place; raises UsageError for a character that XML does not have."""
    if odd := _NOT_XML.search(text):
        raise UsageError(f"{source.path}: the character U+{ord(odd.group()):04X} cannot stand in XML")
    if place.style in {'"', "'"}:
        yield place.start, place.end, _attribute(source, text, place.style)
        return
    if text != text.strip(WHITE):
        raise UsageError(f"{source.path}: {place.path} cannot keep white space around its text")
    if place.style == "cdata":
        yield place.start, place.end, _cdata(source, text)
    elif place.style == "empty":
        name = _name_at(source.text, place)
        yield place.start, place.end, f">{_text(source, text)}</{name}>"
    else:
        yield place.start, place.end, _text(source, text)


def _name_at(text: str, place: Place) -> str:
    """The name of the element whose `/>` the place is: its tag is the last that begins before."""
    found = re.compile(r"<([^\s/>]+)").match(text, _tag_start(text, place.start))
    return found.group(1) if found else ""


def _tag_start(text: str, end: int) -> int:
    """`<` cannot stand in an attribute, so that the last one begins the tag."""
    return text.rindex("<", 0, end)


def _escape(source: Source, text: str, special: str, code: Callable[[str], str]) -> str:
    return "".join(code(letter) if letter in special or not source.can_write(letter) else letter for letter in text)


def _reference(letter: str) -> str:
    return {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}.get(letter, f"&#{ord(letter)};")


def _attribute(source: Source, text: str, quote: str) -> str:
    # A line end or tab as it is would be read as a space.
    return _escape(source, text, f"&<{quote}\t\n\r", _reference)


def _text(source: Source, text: str) -> str:
    escaped = _escape(source, text, "&<\r", _reference).replace("]]>", "]]&gt;")
    return escaped.replace("\n", source.line_end if source.line_end != "\r" else "\n")


def _cdata(source: Source, text: str) -> str:
    """What CDATA cannot hold stands between two sections of it."""
    split = text.replace("]]>", "]]]]><![CDATA[>")
    escaped = _escape(source, split, "\r", lambda letter: f"]]>{_reference(letter)}<![CDATA[")
    # After the escape, or the carriage return of a line end of ours would be taken for one of the text's.
    return escaped.replace("\n", source.line_end if source.line_end != "\r" else "\n")
