"""Documents as plain values, for the check of a merge: read by other means than the trees that were merged.

A value is a text, a mapping, or a list of labelled values. Equal values have equal numbers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field

import yaml
from lxml import etree

MAX_DEPTH = 120
CHILDREN = "#children"
"""What an XML element has under this key is the list of its children."""


class UnreadableError(Exception):
    """The text is no document of the format, or one with a key twice."""


@dataclass(slots=True, eq=False)
class Value:
    """A text, a mapping, or a list."""

    number: int
    text: str | None = None
    members: dict[str, Value] | None = None
    items: list[tuple[str, Value]] | None = None


@dataclass(slots=True)
class Numbers:
    """Gives equal values the same number, in all documents that are read with it."""

    known: dict[Hashable, int] = field(default_factory=dict)

    def text(self, kind: str, text: str) -> Value:
        """A single value."""
        return Value(self._of((kind, text)), text=text)

    def mapping(self, members: dict[str, Value]) -> Value:
        """A mapping: the order of its keys says nothing."""
        said = ("mapping", frozenset([(key, value.number) for key, value in members.items()]))
        return Value(self._of(said), members=members)

    def listing(self, items: list[tuple[str, Value]]) -> Value:
        """A list of labelled values."""
        return Value(self._of(("list", *[(label, value.number) for label, value in items])), items=items)

    def _of(self, said: Hashable) -> int:
        return self.known.setdefault(said, len(self.known))


Reader = Callable[[str, Numbers], tuple[Value, "Counter[str]"]]
"""Text -> the document, and how often each line of a comment is there."""


def read_xml(text: str, numbers: Numbers) -> tuple[Value, Counter[str]]:
    """An XML document; raises UnreadableError."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_pis=True, encoding="utf-8")
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableError(str(error)) from error
    comments: Counter[str] = Counter()
    for comment in root.getroottree().iter(etree.Comment):
        comments.update(line.strip() for line in (comment.text or "").splitlines() if line.strip())
    return numbers.listing([(str(root.tag), _element(root, numbers))]), comments


def _element(element: etree._Element, numbers: Numbers) -> Value:
    members = {f"@{name!s}": numbers.text("@", str(value)) for name, value in element.attrib.items()}
    children = list(element.iterchildren("*"))
    pieces = [element.text or "", *(child.tail or "" for child in element)]
    if children and any(not piece.isspace() for piece in pieces if piece):
        whole = etree.tostring(element, method="c14n", with_comments=False).decode("utf-8")
        return numbers.text("mixed", whole)
    if children:
        members[CHILDREN] = numbers.listing([(str(child.tag), _element(child, numbers)) for child in children])
    elif said := "".join(pieces).strip():
        members["#text"] = numbers.text("#", said)
    return numbers.mapping(members)


def read_json(text: str, numbers: Numbers) -> tuple[Value, Counter[str]]:
    """A JSON document; raises UnreadableError."""

    def mapping(pairs: list[tuple[str, object]]) -> Value:
        members = {key: value_of(value) for key, value in pairs}
        if len(members) < len(pairs):
            raise UnreadableError("a key that is there twice")
        return numbers.mapping(members)

    def literal(written: str) -> Value:
        return numbers.text("literal", written)

    def value_of(value: object) -> Value:
        if isinstance(value, Value):
            return value
        if isinstance(value, list):
            return numbers.listing([("", value_of(item)) for item in value])
        return numbers.text("string", value) if isinstance(value, str) else literal(str(value))

    try:
        whole = json.loads(
            text, object_pairs_hook=mapping, parse_int=literal, parse_float=literal, parse_constant=literal
        )
    except (ValueError, RecursionError) as error:
        raise UnreadableError(str(error)) from error
    return value_of(whole), Counter()


_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*", re.MULTILINE)


def read_yaml(text: str, numbers: Numbers) -> tuple[Value, Counter[str]]:
    """A YAML document; raises UnreadableError."""
    try:
        value = _Events(yaml.parse(text, Loader=yaml.CSafeLoader), numbers).document()
    except yaml.YAMLError as error:
        raise UnreadableError(str(error)) from error
    return value, Counter(found.group().strip() for found in _COMMENT.finditer(text))


@dataclass(slots=True)
class _Level:
    """A collection that is being read."""

    is_mapping: bool
    anchor: str | None
    values: list[Value] = field(default_factory=list)


class _Events:
    """Puts a document together from libyaml's events, without recursion."""

    def __init__(self, events: Iterator[yaml.Event], numbers: Numbers) -> None:
        self._events = events
        self._numbers = numbers
        self._anchors: dict[str, Value] = {}
        self._levels: list[_Level] = [_Level(is_mapping=False, anchor=None)]
        self._resolver = yaml.resolver.Resolver()

    def document(self) -> Value:
        """The one document."""
        for event in self._events:
            self._take(event)
        roots = self._levels[0].values
        if len(roots) != 1:
            raise UnreadableError(f"{len(roots)} documents")
        return roots[0]

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._add(self._numbers.text(self._tag(event), event.value), event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._levels.append(_Level(isinstance(event, yaml.MappingStartEvent), event.anchor))
            if len(self._levels) > MAX_DEPTH:
                raise UnreadableError("too deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            level = self._levels.pop()
            self._add(self._collected(level), level.anchor)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise UnreadableError(f"an alias of nothing: {event.anchor}")
            self._add(self._anchors[event.anchor], None)

    def _tag(self, event: yaml.ScalarEvent) -> str:
        return str(event.tag or self._resolver.resolve(yaml.ScalarNode, event.value, event.implicit))  # type: ignore[no-untyped-call]

    def _add(self, value: Value, anchor: str | None) -> None:
        self._levels[-1].values.append(value)
        if anchor is not None:
            self._anchors[anchor] = value

    def _collected(self, level: _Level) -> Value:
        if not level.is_mapping:
            return self._numbers.listing([("", value) for value in level.values])
        keys: Sequence[Value] = level.values[::2]
        members = {key.text if key.text is not None else f"#{key.number}": value for key, value in _pairs(level.values)}
        if len(members) < len(keys):
            raise UnreadableError("a key that is there twice")
        return self._numbers.mapping(members)


def _pairs(values: list[Value]) -> Iterator[tuple[Value, Value]]:
    return zip(values[::2], values[1::2], strict=True)


READERS: dict[str, Reader] = {"xml": read_xml, "yaml": read_yaml, "json": read_json}
