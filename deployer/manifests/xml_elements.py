"""The elements of an XML text, each with the characters that its attributes and its content stand in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from deployer.errors import ManifestError
from deployer.manifests.source import MAX_DEPTH, MAX_VALUES, Source, refuse
from deployer.model.manifest import Problem

WHITE = " \t\r\n"

_NAME = r"[^\s=<>\"'/]+"
_TAG_START = re.compile(rf"<{_NAME}")
_ATTRIBUTE = re.compile(rf"[{WHITE}]+({_NAME})[{WHITE}]*=[{WHITE}]*(\"[^\"]*\"|'[^']*')")
_TAG_END = re.compile(rf"[{WHITE}]*(/?>)")


class NotWellFormedError(Exception):
    """The text is not XML.

    Args:
        problem: the first thing wrong.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(slots=True)
class Element:
    """One element; filled while the text is read, and not changed after."""

    name: str
    """With its prefix, as written."""
    start: int
    attributes: Mapping[str, str]
    spans: Mapping[str, tuple[int, int]]
    """Attribute -> the characters between its quotes."""
    content_start: int
    """Where the content begins; of `<a/>` the index of `/>`."""
    content_end: int = -1
    is_empty_tag: bool = False
    children: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its own text, without the white space around it."""
        return "".join(self.pieces).strip(WHITE)


def elements(source: Source) -> list[Element]:
    """Every element of the document, in its order; the first is the root.

    Raises:
        NotWellFormedError: at the first thing wrong.
        ManifestError: it is XML of a kind that we refuse.
    """
    reader = _Reader(source)
    parser = reader.parser()
    try:
        # The text is handed over as UTF-8 whatever the file declares, so that an index means the same for every file.
        parser.Parse(source.text.encode("utf-8"), True)  # noqa: FBT003  pyexpat takes no keyword here
    except expat.ExpatError as error:
        raise NotWellFormedError(Problem(source.path, error.lineno, expat.ErrorString(error.code))) from error
    return reader.found


class _Reader:
    """Handlers of expat's events."""

    def __init__(self, source: Source) -> None:
        self.found: list[Element] = []
        self._source = source
        self._open: list[Element] = []
        self._parser = expat.ParserCreate("utf-8")
        self._utf8 = source.text.encode("utf-8")
        self._bytes = 0
        self._characters = 0
        self._values = 0

    def parser(self) -> expat.XMLParserType:
        """The parser, with our handlers."""
        parser = self._parser
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.SkippedEntityHandler = self._entity
        return parser

    def _index(self) -> int:
        """Where the event is, in characters: events only go forward, so each byte is looked at once."""
        here = self._parser.CurrentByteIndex
        self._characters += len(self._utf8[self._bytes : here].decode("utf-8"))
        self._bytes = here
        return self._characters

    def _refuse(self, message: str) -> ManifestError:
        return refuse(Problem(self._source.path, self._parser.CurrentLineNumber, message))

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_declarations: int) -> None:
        # Entities are how a small file becomes gigabytes, or another file's content.
        if has_declarations:
            raise self._refuse("a DOCTYPE with declarations (entities) is refused")

    def _entity(self, name: str, _is_parameter: int) -> None:
        raise self._refuse(f"the entity {name} is not defined")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        element = _element(self._source.text, self._index(), name, attributes)
        if self._open:
            self._open[-1].children.append(element)
        self.found.append(element)
        self._open.append(element)
        if len(self._open) > MAX_DEPTH:
            raise self._refuse(f"nested deeper than {MAX_DEPTH} levels")
        self._values += 1 + len(attributes)
        if self._values > MAX_VALUES:
            raise self._refuse(f"more than {MAX_VALUES} elements and attributes")

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        element.content_end = element.content_start if element.is_empty_tag else self._index()

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].pieces.append(text)


def _element(text: str, start: int, name: str, attributes: dict[str, str]) -> Element:
    """Expat has read the tag already: it is well-formed, and the patterns only find its parts."""
    tag = _TAG_START.match(text, start)
    end = tag.end() if tag else start
    spans = {}
    while found := _ATTRIBUTE.match(text, end):
        spans[found.group(1)] = (found.start(2) + 1, found.end(2) - 1)
        end = found.end()
    closing = _TAG_END.match(text, end)
    is_empty_tag = closing is not None and closing.group(1) == "/>"
    content_start = (closing.start(1) if is_empty_tag else closing.end()) if closing else end
    return Element(name, start, attributes, spans, content_start, is_empty_tag=is_empty_tag)
