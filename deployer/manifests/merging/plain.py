"""Documents as plain values, for the check of a merge: read by other means than the trees that were merged.

A value is a text, a mapping, or a list of labelled values. Equal values have equal numbers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

import yaml
from yaml.nodes import MappingNode, ScalarNode

from deployer.manifests.merging.loader import TooDeepError, compose, judge_depth

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
    """Gives equal values the same number, in all documents that are read with it: equal values are one object."""

    known: dict[Hashable, Value] = field(default_factory=dict)
    parsed: Mapping[str, object] = field(default_factory=dict)
    """Text -> what libyaml made of it, where that is known: the parse is all that the check shares with the merge."""

    def text(self, kind: str, text: str) -> Value:
        """A single value."""
        said = (kind, text)
        known = self.known.get(said)
        if known is None:
            known = self.known[said] = Value(len(self.known), text=text)
        return known

    def mapping(self, members: dict[str, Value]) -> Value:
        """A mapping: the order of its keys says nothing."""
        said = frozenset(members.items())
        known = self.known.get(said)
        if known is None:
            known = self.known[said] = Value(len(self.known), members=members)
        return known

    def listing(self, items: list[tuple[str, Value]]) -> Value:
        """A list of labelled values."""
        said = ("list", tuple(items))
        known = self.known.get(said)
        if known is None:
            known = self.known[said] = Value(len(self.known), items=items)
        return known


Reader = Callable[[str, Numbers], tuple[Value, "Counter[str]"]]
"""Text -> the document, and how often each line of a comment is there."""


_XML_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)


def read_xml(text: str, numbers: Numbers) -> tuple[Value, Counter[str]]:
    """An XML document; raises UnreadableError."""
    if "<!ENTITY" in text or "<!ATTLIST" in text:
        raise UnreadableError("a document that declares entities or attributes")
    try:
        root = ET.fromstring(text.encode("utf-8"), ET.XMLParser(encoding="utf-8"))  # noqa: S314  above
        whole = _element(root, numbers)
    except (ET.ParseError, RecursionError) as error:
        raise UnreadableError(str(error)) from error
    lines = (line.strip() for found in _XML_COMMENT.finditer(text) for line in found.group(1).splitlines())
    return numbers.listing([(root.tag, whole)]), Counter(line for line in lines if line)


def _element(element: ET.Element, numbers: Numbers) -> Value:
    attributes, children = element.items(), list(element)
    if not attributes and not children:
        return _leaf(element.text, numbers)
    members = {"@" + name: numbers.text("@", value) for name, value in attributes}
    text = element.text
    if not children:
        if text and (said := text.strip()):
            members["#text"] = numbers.text("#", said)
    elif (text and not text.isspace()) or any(tail and not tail.isspace() for tail in [each.tail for each in children]):
        inner = "".join(ET.tostring(child, encoding="unicode") for child in children)
        members["#mixed"] = numbers.text("mixed", (text or "") + inner)
    else:
        members[CHILDREN] = numbers.listing([(child.tag, _element(child, numbers)) for child in children])
    return numbers.mapping(members)


def _leaf(text: str | None, numbers: Numbers) -> Value:
    """An element that is nothing but its text, as most are."""
    said = ("leaf", text)
    known = numbers.known.get(said)
    if known is None:
        members = {"#text": numbers.text("#", text.strip())} if text and not text.isspace() else {}
        known = numbers.known[said] = numbers.mapping(members)
    return known


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
        root = numbers.parsed.get(text)
        if not isinstance(root, yaml.Node):
            judge_depth(text, MAX_DEPTH)
            root = compose(text)
        value = _Composed(text, numbers).value(root)
    except (yaml.YAMLError, TooDeepError) as error:
        raise UnreadableError(str(error)) from error
    return value, Counter(found.group().strip() for found in _COMMENT.finditer(text)) if "#" in text else Counter()


_TEXT = "tag:yaml.org,2002:str"
_SMALL = 1000
"""Characters of a list whose text is remembered."""


class _Composed:
    """libyaml's nodes -> values; what an alias repeats is one value."""

    def __init__(self, text: str, numbers: Numbers) -> None:
        self._text = text
        self._numbers = numbers
        self._known: dict[int, Value | None] = {}
        self._has_names = "&" in text or "%" in text
        """Whether the same characters may mean something else at another place."""

    def value(self, node: yaml.Node | None) -> Value:
        """The value of a node."""
        if isinstance(node, ScalarNode):
            return self._numbers.text(node.tag, node.value)
        if node is None:
            raise UnreadableError("no document")
        return self._named(node) if self._has_names else self._written(node)

    def _named(self, node: yaml.Node) -> Value:
        """The value of a collection that may be there again by its name."""
        if id(node) not in self._known:
            self._known[id(node)] = None
            self._known[id(node)] = self._collection(node)
        known = self._known[id(node)]
        if known is None:
            raise UnreadableError("a document that holds itself")
        return known

    def _written(self, node: yaml.Node) -> Value:
        """The value of a small collection: the same characters in the same column say the same."""
        start, end = node.start_mark.index, node.end_mark.index
        if end - start > _SMALL:
            return self._collection(node)
        said = ("written", node.start_mark.column, self._text[start:end])
        known = self._numbers.known.get(said)
        if known is None:
            known = self._numbers.known[said] = self._collection(node)
        return known

    def _collection(self, node: yaml.Node) -> Value:
        if not isinstance(node, MappingNode):
            return self._numbers.listing([("", self.value(item)) for item in node.value])
        members = {self._key(key): self.value(value) for key, value in node.value}
        if len(members) < len(node.value):
            raise UnreadableError("a key that is there twice")
        return self._numbers.mapping(members)

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, ScalarNode):
            return f"#{self.value(node).number}"
        return node.value if node.tag == _TEXT else f"{node.tag} {node.value}"


READERS: dict[str, Reader] = {"xml": read_xml, "yaml": read_yaml, "json": read_json}
