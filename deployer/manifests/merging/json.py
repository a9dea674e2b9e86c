"""JSON as a tree of spans: the standard library judges, one pass over the tokens says where everything stands."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

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

_TOKEN = re.compile(r'[ \t\r\n]*(?:("[^"\\]*+(?:\\.[^"\\]*+)*+")|([{}\[\],:])|([^\s{}\[\],:"]+))', re.DOTALL)
_MOST_DIGITS = 1000


@dataclass(slots=True)
class _Open:
    """A mapping or a sequence that is being read."""

    is_mapping: bool
    start: int
    lead: int
    """Where the lead of the next item begins."""
    items: list[Item] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    name: str = ""
    """The key that was read, the value of which comes next."""
    key: int = -1
    """Where it begins."""


def tree(source: Source, table: Table) -> Node:
    """The document; raises UnfitError."""
    found = _Reader(source.text, table).read()
    try:
        json.loads(source.text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except ValueError as error:
        raise UnfitError(f"{source.path}: {error}") from error
    return found


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not a value of JSON")


class _Reader:
    """Reads what the judge will say is JSON; of anything else it reads something, or gives up."""

    def __init__(self, text: str, table: Table) -> None:
        self._text = text
        self._number = table.number
        self._reading = table.reading(text)
        self._open: list[_Open] = []
        self._root: Node | None = None
        self._count = 0

    def read(self) -> Node:
        """The document as a list of one value, between the space around it."""
        text, at = self._text, 0
        match = _TOKEN.match
        while found := match(text, at):
            at = found.end()
            kind = found.lastindex
            if kind == 2:  # noqa: PLR2004  the group of punctuation
                at = self._punctuation(text[at - 1], at)
            else:
                self._scalar(found.start(kind or 0), at, is_string=kind == 1)
        if self._open or self._root is None or text[at:].strip():
            raise UnfitError("not JSON")
        root = self._root
        item = Item(0, root.start, root, root.end, ROOT, "", root.says)
        return ListNode("document", 0, len(text), root.says, [item], (0, root.end))

    def _punctuation(self, sign: str, end: int) -> int:
        """Take a sign that ends here; where to go on."""
        if sign in "{[":
            return self._opened(sign, end)
        if not self._open:
            raise UnfitError("not JSON")
        if sign == ",":
            self._open[-1].lead = end
            if self._open[-1].items:
                self._open[-1].items[-1].end = end - 1
        elif sign in "}]":
            self._close(end)
        return end

    def _opened(self, sign: str, end: int) -> int:
        if known := self._reading.find(end - 1, len(self._open)):
            self._value(known[0])
            return known[1]
        self._open.append(_Open(sign == "{", end - 1, end))
        if len(self._open) > LIMIT_DEPTH:
            raise UnfitError("too deep")
        return end

    def _close(self, end: int) -> None:
        opened = self._open.pop()
        says = [item.says for item in opened.items]
        kind = "mapping" if opened.is_mapping else "sequence"
        number = self._number((kind, frozenset(says) if opened.is_mapping else tuple(says)))
        close = opened.items[-1].end if opened.items else opened.start + 1
        make = ListNode if opened.is_mapping else OrderedNode
        node = make(kind, opened.start, end, number, opened.items, (opened.start + 1, close))
        node.is_separated = True
        self._reading.keep(len(self._open), node)
        self._value(node)

    def _scalar(self, start: int, end: int, *, is_string: bool) -> None:
        written = self._text[start:end]
        if not is_string:
            if len(written) > _MOST_DIGITS:
                raise UnfitError("a number with too many digits")
            self._value(Node("scalar", start, end, self._number(("literal", written)), written))
            return
        value = _decoded(written) if "\\" in written else written[1:-1]
        opened = self._open[-1] if self._open else None
        if opened is not None and opened.is_mapping and opened.key < 0:
            if value in opened.names:
                raise UnfitError(f"the key {value!r} is there twice")
            opened.names.add(value)
            opened.name, opened.key = value, start
            return
        self._value(Node("scalar", start, end, self._number(("string", value)), value))

    def _value(self, node: Node) -> None:
        self._count += 1
        if self._count > LIMIT_ITEMS:
            raise UnfitError("too large")
        if not self._open:
            if self._root is not None:
                raise UnfitError("not JSON")
            self._root = node
            return
        opened = self._open[-1]
        says = self._number((opened.name, node.says)) if opened.is_mapping else node.says
        start = opened.key if opened.is_mapping else node.start
        opened.items.append(Item(opened.lead, start, node, node.end, opened.name, "", says))
        opened.key = -1


def _decoded(written: str) -> str:
    try:
        return str(json.loads(written))
    except ValueError as error:
        raise UnfitError("not JSON") from error
