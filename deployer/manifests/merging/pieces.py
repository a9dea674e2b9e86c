"""The items of a merged list before they are put together, and what is asked about them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from deployer.manifests.merging.matching import Matched, may_be
from deployer.manifests.merging.nodes import Item, Node
from deployer.manifests.merging.trivia import Clash, Segment, comments

BASE, OURS, THEIRS = range(3)
"""The versions, by their place in what is given of all three."""
_MOST_COMPARED = 2_000
"""Pairs of what is gone and what is new at one place that are looked at: where there are more, a person must look."""


@dataclass(slots=True)
class Piece:
    """An item of the result."""

    number: Hashable
    segments: list[Segment]
    """Its lead is the first."""
    is_first: bool
    """Whether its lead is that of a first item."""
    is_new: int = 0
    """The side that alone has it; 0 where it is in the base."""


def are_mergeable(nodes: tuple[Node, Node, Node]) -> bool:
    """Whether they can be merged part by part: of the same kind, but for lists that are empty, however written."""
    told = [node for node in nodes if node.items] or [*nodes]
    is_list = all(node.is_list and node.is_ordered == nodes[0].is_ordered for node in nodes)
    return all(node.kind == told[0].kind for node in (told if is_list else nodes))


def models_of(nodes: tuple[Node, Node, Node], *, is_empty: bool) -> list[tuple[int, Node]]:
    """Of which versions the opening and the closing are: an empty list may be written otherwise."""
    models = [*enumerate(nodes)]
    if nodes[0].kind == nodes[1].kind == nodes[2].kind:
        return models
    fit = [model for model in models if bool(model[1].items) != is_empty] or models
    return [model if model in fit else fit[-1] for model in models]


def spaced(prefix: Segment, following: Segment) -> Segment:
    """A key before an empty list has a space behind it, before a list on lines of its own it has none."""
    if not isinstance(prefix, str) or not isinstance(following, str):
        return prefix
    return prefix.rstrip(" ") if following.startswith(("\n", "\r")) else prefix.rstrip(" ") + " "


def is_replaced(matched: Matched, between: Sequence[Hashable], run: Sequence[Piece]) -> bool:
    """Whether what both sides put here may be what each made of an item that both took away."""
    base, ours, theirs = matched.items
    gone = [base[number] for number in between if number not in ours and number not in theirs]
    return len(gone) * len(run) > _MOST_COMPARED or any(
        may_be(item, ours.get(piece.number) or theirs[piece.number], matched.known.get(piece.number))
        for item in gone
        for piece in run
    )


def is_in_place(matched: Matched, between: Sequence[Hashable], run: Sequence[Piece]) -> bool:
    """Whether one side may have changed what the other took away: nothing tells old and new apart from each other."""
    _, ours, theirs = matched.items
    gone = [number for number in between if number not in ours and number not in theirs]
    return any(map(matched.is_loose, gone)) and any(matched.is_loose(each.number) for each in run)


def notes(text: str, item: Item) -> Iterator[str]:
    """The lines of comments before, in and behind an item of a text."""
    yield from comments(text[item.lead : item.start])
    for each in item.node.items:
        yield from notes(text, each)
    yield from comments(text[item.node.end : item.end])


def joined(pieces: Sequence[Piece], separator: str) -> Iterator[Segment]:
    """The pieces one after the other.

    Where one side of a conflict is nothing, its separator is a part of the other side: whichever a person takes, the
    list has one between its items and none at its end.
    """
    missing = {at for at, piece in enumerate(pieces) if separator and _is_missing_on_a_side(piece)}
    last = max((at for at in range(len(pieces)) if at not in missing), default=-1)
    for at, piece in enumerate(pieces):
        *first, end = piece.segments
        if at not in missing:
            yield from (*first, end, separator) if separator and at < last else piece.segments
        elif at < last:
            yield from (*first, _with(end, "", separator))
        elif last >= 0:
            yield from _behind_the_last(first, end, separator)
        else:
            yield from (*first, end, separator) if at < len(pieces) - 1 else piece.segments


def _is_missing_on_a_side(piece: Piece) -> bool:
    """Whether the conflict is about the item as a whole, and one side does not have it."""
    *first, end = piece.segments
    return len(first) <= 1 and isinstance(end, Clash) and not (end.ours and end.theirs)


def _behind_the_last(first: Sequence[Segment], end: Segment, separator: str) -> Iterator[Segment]:
    """The separator stands on the line before: with it, what leads up to the item belongs to the conflict."""
    leads = [each for each in first if isinstance(each, str)]
    yield from (each for each in first if not isinstance(each, str))
    yield _with(end, separator + "".join(leads), "")


def _with(segment: Segment, before: str, after: str) -> Segment:
    """The segment with something around each of its sides that is there."""
    if isinstance(segment, str):
        return before + segment + after
    base, ours, theirs = (
        before + side + after if side else "" for side in (segment.base, segment.ours, segment.theirs)
    )
    return Clash(base, ours, theirs)


def text_of(pieces: Sequence[Piece]) -> str:
    """The text of new pieces."""
    return "".join(
        segment if isinstance(segment, str) else segment.ours for piece in pieces for segment in piece.segments
    )


def behind(text: str, lead: Segment) -> str:
    """The text without its lead."""
    return text.removeprefix(lead) if isinstance(lead, str) else text
