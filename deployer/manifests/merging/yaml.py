"""YAML as a tree of spans: libyaml says where values stand, and what lies between them is space and comments."""

from __future__ import annotations

import re

import yaml
from yaml.nodes import MappingNode, ScalarNode

from deployer.manifests.merging.loader import TooDeepError, compose, judge_depth
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

_TRIVIA = re.compile(r"(?:[ \t\r\n]|(?<![^ \t\r\n,\[{])#[^\r\n]*)*+")
_TRAIL = re.compile(r"[ \t]+#[^\r\n]*")
_COLON = re.compile(r"[ \t]*:")
_LINE = re.compile(r"[^\r\n]*")
_KEEPS = re.compile(r"[|>][0-9]*\+")
_OF_LINES = frozenset("|>")
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def tree(source: Source, table: Table) -> Node:
    """The document; raises UnfitError."""
    text = source.text
    if _UNPRINTABLE.search(text) or "\x85" in text or "\u2028" in text or "\u2029" in text:
        raise UnfitError("a character that YAML does not have, or a line end that we do not know")
    try:
        judge_depth(text, LIMIT_DEPTH)
        root = table.parsed[text] = compose(text)
    except (yaml.YAMLError, TooDeepError) as error:
        raise UnfitError(f"{source.path}: {error}") from error
    if root is None:
        raise UnfitError("no document")
    return _Builder(text, table).document(root)


class _Builder:
    """libyaml's nodes -> ours."""

    def __init__(self, text: str, table: Table) -> None:
        self._text = text
        self._number = table.number
        self._reading = table.reading(text)
        self._count = 0
        self._has_comments = "#" in text

    def document(self, root: yaml.Node) -> Node:
        """The document as a list of one value."""
        text = self._text
        start = root.start_mark.index
        node = self._node(root, start, start)
        end = self._behind(node)
        item = Item(0, start, node, end, ROOT, "", node.says)
        return ListNode("document", 0, len(text), node.says, [item], (0, end))

    def _node(self, node: yaml.Node, begin: int, limit: int) -> Node:
        """A node; `begin` is where a block collection begins with the lead of its first item."""
        start = node.start_mark.index
        if start < limit:  # it was there before
            raise UnfitError("an alias")
        self._count += 1
        if self._count > LIMIT_ITEMS:
            raise UnfitError("too large")
        if isinstance(node, ScalarNode):
            end = self._end_of_lines(node) if node.style in _OF_LINES else node.end_mark.index
            return Node("scalar", start, end, self._number((node.tag, node.value)), node.value)
        if isinstance(node, yaml.CollectionNode) and node.flow_style:
            return self._flow(node, start)
        return self._block(node, begin)

    def _end_of_lines(self, node: yaml.ScalarNode) -> int:
        start, end = node.start_mark.index, node.end_mark.index
        written = self._text[start:end]
        if _KEEPS.match(written):
            return start + len(written.removesuffix("\n").removesuffix("\r"))
        kept = len(written.rstrip(" \t\r\n"))
        line = _LINE.match(written, kept)
        return start + (line.end() if line else kept)

    def _behind(self, node: Node) -> int:
        """Where a node ends with the comment behind it on its line."""
        if not self._has_comments or (node.is_list and not node.is_separated):
            return node.end
        if self._text[node.start] in "|>" and "\n" in self._text[node.start : node.end]:
            return node.end
        found = _TRAIL.match(self._text, node.end)
        return found.end() if found else node.end

    def _trivia(self, start: int, end: int) -> None:
        """Only space and comments may lie there."""
        if start == end or self._text[start:end].isspace():
            return
        found = _TRIVIA.match(self._text, start, end)
        if found is None or found.end() != end:
            raise UnfitError(f"something else than comments between values: {self._text[start:end][:40]!r}")

    # Block collections

    def _block(self, node: yaml.Node, begin: int) -> Node:
        """A list of lines; the same characters in the same column are the same, where libyaml sees as many of them."""
        ends = node.end_mark.index
        known = self._reading.find(begin, node.start_mark.column)
        if known and known[1] == ends:
            return known[0]
        built = self._built(node, begin)
        self._reading.keep(node.start_mark.column, built, ends)
        return built

    def _built(self, node: yaml.Node, begin: int) -> ListNode:
        is_mapping = isinstance(node, MappingNode)
        items: list[Item] = []
        at = begin
        for each in node.value:
            item = self._entry(each, at) if is_mapping else self._dashed(each, at)
            items.append(item)
            at = item.end
        return self._collection("", node, items, (begin, begin, at, at))

    def _entry(self, pair: tuple[yaml.Node, yaml.Node], lead: int) -> Item:
        key, value = pair
        start, key_end = self._key(key, lead), key.end_mark.index
        sign = key_end + 1 if self._text[key_end : key_end + 1] == ":" else self._colon(key_end)
        built = self._node(value, self._line_rest(sign), sign)
        return self._item(lead, start, built, key.value, sign)

    def _colon(self, at: int) -> int:
        """Behind a colon that does not stand right behind its key."""
        colon = _COLON.match(self._text, at)
        if colon is None:
            raise UnfitError("a key without a colon")
        return colon.end()

    def _key(self, key: yaml.Node, lead: int) -> int:
        start: int = key.start_mark.index
        if not isinstance(key, ScalarNode) or start < lead or key.style in _OF_LINES:
            raise UnfitError("a key that is no plain text")
        self._trivia(lead, start)
        return start

    def _line_rest(self, at: int) -> int:
        """Behind the comment of a line that ends with a colon or a dash."""
        if not self._has_comments:
            return at
        found = _TRAIL.match(self._text, at)
        return found.end() if found else at

    def _dashed(self, value: yaml.Node, lead: int) -> Item:
        found = _TRIVIA.match(self._text, lead)
        start = found.end() if found else lead
        if self._text[start : start + 1] != "-":
            raise UnfitError("an item without a dash")
        built = self._node(value, self._line_rest(start + 1), start + 1)
        return self._item(lead, start, built, "", start + 1)

    def _item(self, lead: int, start: int, node: Node, name: str, sign: int) -> Item:
        """`sign` is behind the colon or the dash: up to the value there are space and comments, and no more."""
        self._trivia(sign, node.start)
        says = self._number((name, node.says)) if name else node.says
        return Item(lead, start, node, self._behind(node), name, "", says)

    def _collection(self, flow: str, node: yaml.Node, items: list[Item], span: tuple[int, int, int, int]) -> ListNode:
        is_mapping = isinstance(node, yaml.MappingNode)
        says = [item.says for item in items]
        if is_mapping and len({item.name for item in items}) < len(items):
            raise UnfitError("a key that is there twice")
        kind = "mapping" if is_mapping else "sequence"
        number = self._number((node.tag, frozenset(says) if is_mapping else tuple(says)))
        start, opening, closing, end = span
        built = (ListNode if is_mapping else OrderedNode)(flow + kind, start, end, number, items, (opening, closing))
        built.is_separated = bool(flow)
        return built

    # Flow collections

    def _flow(self, node: yaml.Node, start: int) -> Node:
        end = node.end_mark.index
        if self._text[start] not in "[{":
            raise UnfitError("a collection without brackets, or with an anchor")
        items: list[Item] = []
        lead = close = start + 1
        for each in node.value:
            item = self._flow_item(each, lead)
            items.append(item)
            close = item.end
            rest = _TRIVIA.match(self._text, item.end)
            comma = rest.end() if rest else item.end
            if self._text[comma] == ",":
                item.end, lead = comma, comma + 1
        if items:
            close = items[-1].end
        return self._collection("flow ", node, items, (start, start + 1, close, end))

    def _flow_item(self, each: yaml.Node | tuple[yaml.Node, yaml.Node], lead: int) -> Item:
        if not isinstance(each, tuple):
            node = self._node(each, lead, lead)
            self._trivia(lead, node.start)
            return Item(lead, node.start, node, node.end, "", "", node.says)
        key, value = each
        start = self._key(key, lead)
        node = self._node(value, key.end_mark.index, key.end_mark.index)
        return Item(lead, start, node, node.end, key.value, "", self._number((key.value, node.says)))
