"""XML as a tree of spans: expat judges, a pattern finds the tags of what is known to be well-formed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from deployer.manifests.merging.nodes import (
    LIMIT_DEPTH,
    LIMIT_ITEMS,
    ROOT,
    Item,
    ListNode,
    Node,
    OrderedNode,
    UnfitError,
)
from deployer.manifests.merging.table import Table
from deployer.manifests.source import Source

_TOKEN = re.compile(
    r"""<!--.*?-->|<\?.*?\?>|(?P<doctype><!DOCTYPE[^>]*>)|(?P<cdata><!\[CDATA\[.*?\]\]>)|(?P<close></[^>]*>)
    |<(?P<tag>[^\s/>!?]+)(?P<attributes>(?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*)(?P<space>\s*)(?P<end>/?>)""",
    re.DOTALL | re.VERBOSE,
)
_CDATA, _CLOSE, _TAG, _ATTRIBUTES, _SPACE, _END = (
    _TOKEN.groupindex[name] for name in ("cdata", "close", "tag", "attributes", "space", "end")
)
_LEAF = re.compile(r"(\s*[^<\s][^<]*)</[^>]*>")
"""What follows the tag of an element that holds nothing but text."""
_ATTRIBUTE = re.compile(r"""\s+([^\s=]+)\s*=\s*("[^"]*"|'[^']*')""")
_KEEPS_SPACE = re.compile(r"""\sxml:space\s*=\s*["']preserve""")
_TRAIL = re.compile(r"[ \t]*<!--(?:(?!-->)[^\r\n])*-->(?=[ \t]*[\r\n])")
_NONE: frozenset[int] = frozenset()
CONTENT = "#content"
"""The name of the item that holds what stands between an element's tags."""


@dataclass(slots=True)
class _Open:
    """An element that is being read."""

    tag: str
    start: int
    attributes: list[Item]
    space: int
    """Where the space behind the last attribute begins."""
    content: int
    """Where `>` stands."""
    children: list[Item] = field(default_factory=list)
    end: int = 0
    """Of the last child."""
    has_text: bool = False


def tree(source: Source, table: Table) -> Node:
    """The document; raises UnfitError."""
    _judge(source)
    return _Reader(source.text, table).read()


def _judge(source: Source) -> None:
    if _KEEPS_SPACE.search(source.text):
        raise UnfitError("white space counts in it")
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = _doctype
    parser.SkippedEntityHandler = _entity
    try:
        parser.Parse(source.text.encode("utf-8"), True)  # noqa: FBT003  pyexpat takes no keyword here
    except expat.ExpatError as error:
        raise UnfitError(f"{source.path}:{error.lineno}: {expat.ErrorString(error.code)}") from error


def _doctype(_name: str, _system: str | None, _public: str | None, has_declarations: int) -> None:
    if has_declarations:
        raise UnfitError("a DOCTYPE with declarations")


def _entity(name: str, _is_parameter: int) -> None:
    raise UnfitError(f"the entity {name} is not defined")


class _Reader:
    """One pass over the tags."""

    def __init__(self, text: str, table: Table) -> None:
        self._text = text
        self._number = table.number
        self._reading = table.reading(text)
        self._open: list[_Open] = [_Open("", 0, [], 0, 0)]
        self._count = 0

    def read(self) -> Node:
        """The document as a list of one element, between prolog and epilog."""
        text, last = self._text, 0
        search = _TOKEN.search
        while found := search(text, last):
            start, end = found.span()
            if start != last and not text[last:start].isspace():
                self._open[-1].has_text = True
            last = end
            kind = found.lastindex
            if kind == _END:
                last = self._start(found)
            elif kind == _CLOSE:
                self._close(start, end)
            elif kind == _CDATA:
                self._open[-1].has_text = True
        root = self._open[0].children
        if len(self._open) != 1 or len(root) != 1:
            raise UnfitError("the tags do not fit together")
        root[0].name = ROOT
        return ListNode("document", 0, len(text), root[0].says, root, (0, root[0].end))

    def _start(self, found: re.Match[str]) -> int:
        """Take the tag that an element begins with; where to go on."""
        end = found.end()
        leaf = _LEAF.match(self._text, end)
        if leaf is None and (known := self._reading.find(found.start(), len(self._open))):
            self._put(found[_TAG], *known)
            return known[1]
        element = self._opened(found)
        if found[_END] == "/>":
            self._childless(element, end)
        elif leaf is None:
            self._open.append(element)
        else:
            end = leaf.end()
            self._add(element, self._of_text(element, leaf.end(1)), end)
        return end

    def _opened(self, found: re.Match[str]) -> _Open:
        space, first = found.start(_SPACE), found.start(_ATTRIBUTES)
        attributes = self._attributes(first, space) if space != first else []
        self._count += 1 + len(attributes)
        if len(self._open) > LIMIT_DEPTH or self._count > LIMIT_ITEMS:
            raise UnfitError("too deep or too large")
        return _Open(found[_TAG], found.start(), attributes, space, found.start(_END), [], found.end())

    def _childless(self, element: _Open, end: int) -> None:
        """`<a/>`: its content is a list without items, that is opened by the sign and closed by nothing."""
        says = self._number(("children",))
        node = OrderedNode("children", element.content, end, says, (), (end, end))
        self._add(element, node, end)

    def _attributes(self, start: int, end: int) -> list[Item]:
        items = []
        for found in _ATTRIBUTE.finditer(self._text, start, end):
            name, written = found.groups()
            value = written[1:-1]
            says = self._number(("@", value))
            node = Node("attribute", found.start(2), found.end(), says, value)
            named = f"@{name}"
            items.append(Item(found.start(), found.start(1), node, found.end(), named, "", self._number((named, says))))
        return items

    def _close(self, start: int, end: int) -> None:
        element = self._open.pop()
        opened = element.content + 1
        if element.has_text:
            node = self._of_text(element, start)
        else:
            close = self._trail(element, start)
            says = self._number(("children", *(child.says for child in element.children)))
            node = OrderedNode("children", element.content, end, says, element.children, (opened, close))
        self._add(element, node, end)

    def _of_text(self, element: _Open, end: int) -> Node:
        start = element.content + 1
        value = self._text[start:end].strip()
        kind = "mixed" if element.children else "text"
        return Node(kind, start, end, self._number((kind, value)), value)

    def _trail(self, element: _Open, start: int) -> int:
        """Give the last child the comment behind it on its line; where what follows begins."""
        if not element.children:
            return element.content + 1
        last = element.children[-1]
        if start - last.end > len("<!---->") and (found := _TRAIL.match(self._text, last.end, start)):
            last.end = found.end()
        return last.end

    def _add(self, element: _Open, content: Node, end: int) -> None:
        """The element is complete: it becomes an item of the one around it."""
        inner = Item(element.space, element.content, content, end, CONTENT, "", content.says)
        kind = f"<{element.tag}>"
        told = frozenset([each.says for each in element.attributes]) if element.attributes else _NONE
        says = self._number((kind, told, content.says))
        edges = element.start + 1 + len(element.tag), end
        node = ListNode(kind, element.start, end, says, [*element.attributes, inner], edges)
        if element.children:
            self._reading.keep(len(self._open), node)
        self._put(element.tag, node, end)

    def _put(self, tag: str, node: Node, end: int) -> None:
        """Give an element to the one around it."""
        parent = self._open[-1]
        lead = self._trail(parent, node.start) if parent.tag else (parent.children[-1].end if parent.children else 0)
        parent.children.append(Item(lead, node.start, node, end, "", tag, node.says))
        parent.end = end
