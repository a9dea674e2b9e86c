"""Documents as trees over their text: every character belongs to exactly one place, so that pieces can be put together.

A node is its opening, its items and its closing. An item is what leads up to it (space and comments), a prefix
(`key: `), a node, and what trails on its line. A format fills these; the merge knows nothing else of a format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ROOT = "#root"
"""The name of the one item that a document is a list of."""
LIMIT_DEPTH = 100
LIMIT_ITEMS = 500_000
"""Values in one document that are merged by structure; ten megabytes of manifest have fewer."""


class UnfitError(Exception):
    """The text has no tree that could be merged: it is merged by lines."""


class Node:
    """A single value and the characters that spell it.

    Args:
        kind: what can be merged item by item has the same kind in all three versions.
        start: where it begins.
        end: behind it.
        says: from the `Table`.
        value: what it says, for people and as identity.
    """

    __slots__ = ("end", "kind", "says", "start", "value")

    is_list = False
    """Whether it has items (there may be none)."""
    is_ordered = False
    is_separated = False
    """Whether commas stand between its items."""
    open_end = 0
    """Where the first item's lead begins."""
    close_start = 0
    """Where what is behind the last item begins."""
    items: Sequence[Item] = ()

    def __init__(self, kind: str, start: int, end: int, says: int, value: str = "") -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.says = says
        self.value = value


class ListNode(Node):
    """A node with items.

    Args:
        kind: as of a `Node`, with start, end and what it says.
        start: where it begins.
        end: behind it.
        says: from the `Table`.
        items: in their order.
        edges: where the first item's lead begins, and where what is behind the last item does.
    """

    __slots__ = ("close_start", "is_separated", "items", "open_end")

    is_list = True

    def __init__(
        self, kind: str, start: int, end: int, says: int, items: Sequence[Item], edges: tuple[int, int]
    ) -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.says = says
        self.value = ""
        self.items = items
        self.open_end, self.close_start = edges
        self.is_separated = False


class OrderedNode(ListNode):
    """A list of which the order of the items counts."""

    __slots__ = ()

    is_ordered = True


@dataclass(slots=True)
class Item:
    """A node in its place in a list."""

    lead: int
    """Where the space and the comments before it begin."""
    start: int
    """Where it begins itself: its key, its dash."""
    node: Node
    end: int
    """Behind it and what trails on its line: where the lead of the next begins, or a comma."""
    name: str = ""
    """The key in a mapping, the `@name` of an attribute; empty for an item of a list."""
    label: str = ""
    """The tag of an element: items of different labels are never the same."""
    says: int = -1
    """From the `Table`: name, label and node."""
