"""XML manifests: expat says where each element stands, lxml judges well-formedness and answers XPath."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import cast

from lxml import etree
from lxml.etree import _Element, _ElementUnicodeResult  # lxml has no public names for these

from deployer.errors import UsageError
from deployer.manifests.base import Place
from deployer.manifests.source import MAX_PROBLEMS, Source, decode, refuse
from deployer.manifests.xml_elements import Element, NotWellFormedError, elements
from deployer.manifests.xml_text import spellings, text_span
from deployer.model.json import JsonValue
from deployer.model.manifest import Problem

_ERROR = 2
"""libxml2's level of an error; 1 is a warning."""


class XmlFormat:
    """The format Protocol for XML."""

    name = "xml"
    fields = "xml"

    def read(self, path: str, data: bytes) -> XmlDocument:
        """Read a file; raises ManifestError with every problem found."""
        source = decode(path, data, is_xml=True)
        try:
            found = elements(source)
        except NotWellFormedError as error:
            listed = tuple(_problems(source, _parser(recover=True)))
            raise refuse(*(listed or (error.problem,))) from error
        parser = _parser(recover=True)
        if problems := tuple(_problems(source, parser)):
            raise refuse(*problems)
        return XmlDocument(source, found)

    def has_paths_like(self, where: str) -> bool:  # noqa: ARG002  any path may be an XPath
        """Whether a mapped path is meant for this format."""
        return True


class XmlDocument:
    """An XML document.

    Args:
        source: its text.
        found: its elements in the order of the document.
    """

    def __init__(self, source: Source, found: list[Element]) -> None:
        self.source = source
        self._elements = found

    @property
    def value(self) -> JsonValue:
        """The root element's content as plain data."""
        value = _data(self._elements[0])
        return value if isinstance(value, dict) else {} if value is None else {"#text": value}

    def find(self, where: str) -> tuple[Place, ...]:
        """Every place that an XPath, seen from the root element, names; a computed value is a place that is fixed."""
        result = self._evaluate(where)
        if isinstance(result, list):
            return tuple(dict.fromkeys(self._place(where, item) for item in result))
        return (Place(where, _computed(result), "string", 0, 0, fixed="is computed, it stands nowhere"),)

    def line_near(self, where: str) -> int:
        """The line of the place, or of the nearest one around it that exists."""
        path = where
        while path := path.rpartition("/")[0]:
            try:
                found = self._evaluate(path)
            except UsageError:  # half a predicate
                continue
            if isinstance(found, list) and found and isinstance(found[0], _Element):
                return self.source.line(self._known(found[0])[0].start)
        return self.source.line(self._elements[0].start)

    def places(self) -> Iterator[Place]:
        """Every place, by position."""
        for element, path in self._paths.values():
            yield self._text_place(element, path)
            for name in element.attributes:
                yield self._attribute_place(element, path, name)

    def spellings(self, place: Place, text: str) -> Iterator[tuple[int, int, str]]:
        """The one way to write a text there."""
        return spellings(self.source, place, text)

    @cached_property
    def _paths(self) -> dict[int, tuple[Element, str]]:
        """Start of an element -> the element and its path."""
        walk = _walk(self._elements[0], "")
        return {element.start: (element, path) for element, path in walk}

    @cached_property
    def _tree(self) -> tuple[_Element, dict[_Element, int]]:
        """The root for XPath, and the position of each element in the document."""
        root = etree.fromstring(self.source.text.encode("utf-8"), _parser())
        order = {element: position for position, element in enumerate(root.iter())}
        for element in order:
            # A default namespace has no prefix to type, so its elements are known by their bare names.
            name = etree.QName(element)
            if name.namespace and name.namespace == element.nsmap.get(None):
                element.tag = name.localname
        return root, order

    def _evaluate(self, where: str) -> object:
        root, _ = self._tree
        prefixes = {prefix: uri for element in root.iter() for prefix, uri in element.nsmap.items() if prefix and uri}
        try:
            return cast("object", root.xpath(where, namespaces=prefixes))
        except (etree.XPathError, ValueError, TypeError) as error:
            hint = "a path looks like release/@version or service/env[@name='X']/@value"
            raise UsageError(f"{where}: not a path: {error}", hint=hint) from error

    def _place(self, where: str, item: object) -> Place:
        if isinstance(item, _Element):
            return self._text_place(*self._known(item))
        parent = item.getparent() if isinstance(item, _ElementUnicodeResult) and not item.is_tail else None
        if parent is None or not isinstance(item, _ElementUnicodeResult):
            raise UsageError(f"{where}: not an attribute or an element")
        element, path = self._known(parent)
        if not item.is_attribute:
            return self._text_place(element, path)
        return self._attribute_place(element, path, self._written_name(parent, element, str(item.attrname)))

    def _known(self, item: _Element) -> tuple[Element, str]:
        _, order = self._tree
        return self._paths[self._elements[order[item]].start]

    @staticmethod
    def _written_name(item: _Element, element: Element, name: str) -> str:
        """The attribute's name with the prefix that the file gives its namespace."""
        qualified = etree.QName(name)
        written = [
            f"{prefix}:{qualified.localname}" for prefix, uri in item.nsmap.items() if uri == qualified.namespace
        ]
        return next((one for one in [*written, f"xml:{qualified.localname}"] if one in element.attributes), name)

    def _text_place(self, element: Element, path: str) -> Place:
        start, end, style, fixed = text_span(self.source.text, element)
        return Place(path or ".", element.text, "string", start, end, style, fixed)

    def _attribute_place(self, element: Element, path: str, name: str) -> Place:
        start, end = element.spans[name]
        quote = self.source.text[end]
        return Place(_join(path, f"@{name}"), element.attributes[name], "string", start, end, quote)


def _parser(*, recover: bool = False) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _problems(source: Source, parser: etree.XMLParser) -> Iterator[Problem]:
    """What lxml says against the text; it goes on after an error as far as it can."""
    try:
        etree.fromstring(source.text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        yield Problem(source.path, error.lineno or 0, error.msg or "not XML")
    for entry in parser.error_log[:MAX_PROBLEMS]:
        if entry.level >= _ERROR or entry.type == etree.ErrorTypes.WAR_UNDECLARED_ENTITY:
            yield Problem(source.path, entry.line, entry.message.strip())


def _computed(result: object) -> str:
    if isinstance(result, bool):
        return "true" if result else "false"
    if not isinstance(result, float) or not math.isfinite(result):
        # What is no number (an attribute that is missing or holds text) says nothing.
        return "" if isinstance(result, float) else str(result)
    return f"{result:.0f}" if result.is_integer() else repr(result)


def _data(element: Element) -> JsonValue:
    """Plain data by the conventions of `Manifest.value`."""
    content: dict[str, JsonValue] = {f"@{name}": value for name, value in element.attributes.items()}
    repeated: dict[str, list[JsonValue]] = {}
    for child in element.children:
        repeated.setdefault(child.name, []).append(_data(child))
    content.update({name: values[0] if len(values) == 1 else values for name, values in repeated.items()})
    if not content:
        return element.text or None
    return content | ({"#text": element.text} if element.text else {})


def _join(path: str, step: str) -> str:
    return f"{path}/{step}" if path else step


def _walk(element: Element, path: str) -> Iterator[tuple[Element, str]]:
    yield element, path
    for child, step in _by_position(element):
        yield from _walk(child, _join(path, step))


def _alike(element: Element) -> dict[str, list[Element]]:
    """The children of an element by their name."""
    alike: dict[str, list[Element]] = {}
    for child in element.children:
        alike.setdefault(child.name, []).append(child)
    return alike


def _by_position(element: Element) -> Iterator[tuple[Element, str]]:
    for name, children in _alike(element).items():
        for position, child in enumerate(children, 1):
            yield child, name if len(children) == 1 else f"{name}[{position}]"
