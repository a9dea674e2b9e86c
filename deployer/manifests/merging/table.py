"""What the versions of one document share: numbers for what they say, and lists that stand in them as they were.

Most lists of a version are character for character lists of the first one that was read. They need not be read again:
they say the same, only at another place.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from deployer.manifests.merging.nodes import Item, ListNode, Node


class Table:
    """Numbers for what nodes say: two nodes have the same one exactly if they say the same, whatever their layout."""

    def __init__(self) -> None:
        self._known: dict[Hashable, int] = {}
        self._first: Reading | None = None
        self.parsed: dict[str, object] = {}
        """Text -> what its format's parser made of it, so that the check need not parse it once more."""

    def number(self, said: Hashable) -> int:
        """The number of what is said."""
        known = self._known
        number = known.get(said)
        if number is None:
            number = known[said] = len(known)
        return number

    def reading(self, text: str) -> Reading:
        """For the reader of a text: what it may take from the first, which is the one that this was first asked for."""
        if self._first is None:
            self._first = Reading(text)
            return self._first
        return Reading(text, self._first)


class _Read(NamedTuple):
    """A list that was read, and the end of the characters that it depends on."""

    node: ListNode
    end: int


@dataclass(slots=True)
class Reading:
    """The lists of a text, while it is read.

    Args:
        text: the text.
        first: of the text that was read first; None for that one, of which the lists are kept.
    """

    text: str
    first: Reading | None = None
    lists: dict[tuple[int, int], _Read] = field(default_factory=dict)
    """Where a list begins, and its mark -> the list."""
    alike: dict[tuple[str, int], _Read] = field(default_factory=dict)
    """How it begins, and its mark -> the first such list."""
    _moved: int = 0
    """By how much the last list that was found stands further behind than in the first text."""

    def keep(self, mark: int, node: ListNode, end: int = -1) -> None:
        """Keep a list of the first text.

        Args:
            mark: what else must be the same for the characters to mean the same: depth, or column.
            node: the list.
            end: of the characters that it depends on, where they are more than its own.
        """
        if self.first is None:
            start, read = node.start, _Read(node, max(end, node.end))
            self.lists[start, mark] = read
            self.alike.setdefault((self.text[start : start + _TOLD_BY], mark), read)

    def find(self, start: int, mark: int) -> tuple[Node, int] | None:
        """A list that begins here, and the end of the characters that it depends on; None where it must be read."""
        first = self.first
        if first is None:
            return None
        for read in (
            first.lists.get((start - self._moved, mark)),
            first.alike.get((self.text[start : start + _TOLD_BY], mark)),
        ):
            if read and self.text.startswith(first.text[read.node.start : read.end], start):
                self._moved = by = start - read.node.start
                return (MovedNode(read.node, by) if by else read.node), read.end + by
        return None


_TOLD_BY = 40
"""Characters by which a list is looked for where lists before it were changed: mostly they hold its name."""


class MovedNode(Node):
    """A list that stands somewhere else than where it was read; its items are moved when somebody asks for them."""

    __slots__ = ("_by", "_items", "_node", "close_start", "is_ordered", "is_separated", "open_end")

    is_list = True

    def __init__(self, node: Node, by: int) -> None:
        super().__init__(node.kind, node.start + by, node.end + by, node.says, node.value)
        self._node = node
        self._by = by
        self._items: Sequence[Item] | None = None
        self.open_end, self.close_start = node.open_end + by, node.close_start + by
        self.is_ordered, self.is_separated = node.is_ordered, node.is_separated

    @property
    def items(self) -> Sequence[Item]:  # type: ignore[override]  # of a node it is an attribute, here it costs something
        """The items at their places here."""
        if self._items is None:
            self._items = [_moved(item, self._by) for item in self._node.items]
        return self._items


def _moved(item: Item, by: int) -> Item:
    node = item.node
    start, end = node.start + by, node.end + by
    there = MovedNode(node, by) if node.is_list else Node(node.kind, start, end, node.says, node.value)
    return Item(item.lead + by, item.start + by, there, item.end + by, item.name, item.label, item.says)
