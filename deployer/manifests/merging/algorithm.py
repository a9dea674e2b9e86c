"""The three-way merge of trees: one algorithm for every format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deployer.manifests.merging.gaps import Gaps
from deployer.manifests.merging.identity import Identities, Key, is_within
from deployer.manifests.merging.matching import Matched, match, match_named, ordered
from deployer.manifests.merging.nodes import Item, Node
from deployer.manifests.merging.pieces import (
    BASE,
    OURS,
    THEIRS,
    Piece,
    are_mergeable,
    joined,
    models_of,
    notes,
    spaced,
)
from deployer.manifests.merging.trivia import (
    Clash,
    Segment,
    comments,
    indent,
    line_start,
    merge_lines,
    merge_trivia,
    shifted,
)
from deployer.model.merge import Conflict

Indents = tuple[tuple[str, str], tuple[str, str], tuple[str, str]]
"""For each version the indentation that it has here, and the one that the result has."""
_FLAT: Indents = (("", ""), ("", ""), ("", ""))
_TEXTS = frozenset({"scalar", "text"})
_FEW_LINES = 2
"""Line ends in a text that has so many lines that they can be merged."""
Nodes = tuple[Node, Node, Node]
Items = tuple[Item, Item, Item]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the algorithm must know of how a format is written."""

    step: Callable[[Key | None, str, int], str]
    """A step of a path: identity (None for none), name or label, position from 0 (-1 where it is the only one)."""
    shift: Callable[[str, str, str], str]
    """A piece of text with the indentation of its lines changed."""
    quiet: frozenset[str] = frozenset()
    """Names of items that are no step of a path."""
    empties: Mapping[str, str] = field(default_factory=dict)
    """Kind -> how a list of it without items is written, where that cannot be seen from its items' absence."""


@dataclass(slots=True)
class Merger:
    """One merge of three texts.

    Args:
        texts: base, ours, theirs.
        dialect: of the format.
        identities: rules of the repository.
    """

    texts: tuple[str, str, str]
    dialect: Dialect
    identities: Identities
    conflicts: list[Conflict] = field(default_factory=list)
    _steps: list[tuple[Hashable, Item, Matched]] = field(default_factory=list)
    """Down to where the merge is."""
    _place: list[str] = field(default_factory=list)
    _indents: Indents = _FLAT

    def added(self, ours: Node, theirs: Node) -> None:
        """Say how two documents without a base differ."""
        for mine, yours in zip(ours.items, theirs.items, strict=True):
            self.conflicts += self._unlike("", mine, yours)

    def node(self, nodes: Nodes) -> list[Segment]:
        """The text of a node that all three have."""
        base, ours, theirs = self._written((BASE, nodes[0]), (OURS, nodes[1]), (THEIRS, nodes[2]))
        if theirs in (base, ours):
            return [self._moved(OURS, ours)]
        if ours == base:
            return [self._moved(THEIRS, theirs)]
        if nodes[0].is_list and are_mergeable(nodes):
            return self._list(nodes)
        return [self._choice((nodes[0].says, nodes[1].says, nodes[2].says), (base, ours, theirs), nodes)]

    def _written(self, *sides: tuple[int, Node]) -> Iterator[str]:
        return (self.texts[side][node.start : node.end] for side, node in sides)

    def _choice(self, says: tuple[int, int, int], written: tuple[str, str, str], nodes: Nodes) -> Segment:
        """One whole of the three: by what they say, then by how it is written."""
        base, ours, theirs = says
        if ours in (base, theirs):
            return self._moved(THEIRS, written[2]) if ours == base and ours != theirs else self._moved(OURS, written[1])
        if theirs == base:
            return self._moved(OURS, written[1])
        if merged := self._by_lines(nodes, written):
            return merged
        told = [self._told(node, text) for node, text in zip(nodes, written, strict=True)]
        self.conflicts.append(Conflict(self._path(), "changed", *told))
        return Clash(*written)

    def _by_lines(self, nodes: Nodes, written: tuple[str, str, str]) -> str:
        """A text of several lines of which each side changed others; empty where their changes touch."""
        if any(node.kind not in _TEXTS for node in nodes) or any(text.count("\n") < _FEW_LINES for text in written):
            return ""
        base, ours, theirs = (self._moved(side, text).splitlines(keepends=True) for side, text in enumerate(written))
        return "".join(merge_lines(base, ours, theirs) or ())

    @staticmethod
    def _told(node: Node, written: str) -> str:
        return written if node.is_list else node.value

    def _moved(self, side: int, text: str) -> str:
        """A piece of one side as it is, but for the indentation."""
        old, new = self._indents[side]
        return text if old == new or "\n" not in text else self.dialect.shift(text, old, new)

    def _path(self) -> str:
        return "".join(self._step(*each) for each in self._steps).lstrip("/.")

    # Lists

    def _list(self, nodes: Nodes) -> list[Segment]:
        lists = [node.items for node in nodes]
        is_ordered = nodes[0].is_ordered
        matched = match(lists, tuple(self._place), self.identities) if is_ordered else match_named(lists)
        if matched.ambiguous:
            return self._give_up(
                nodes, "ambiguous", "is there more than once, and it cannot be told which one was meant"
            )
        order = ordered(matched, is_ordered=is_ordered, is_alive=lambda number: self._is_alive(number, matched))
        if order is None:
            return self._give_up(nodes, "order", "both sides changed the order, each otherwise")
        outer = self._indents
        self._indents = self._inner_indents(nodes)
        pieces = [self._piece(number, matched) for number in order[0]]
        if is_ordered:
            pieces = [*Gaps(matched, self.texts[BASE], self._inserted_by_both).decided(pieces)]
        self._fix_leads(pieces, nodes)
        if not pieces and all(node.items for node in nodes) and nodes[0].kind in self.dialect.empties:
            self._indents = outer
            return [self.dialect.empties[nodes[0].kind]]
        models = models_of(nodes, is_empty=not pieces)
        opening = self._edge([self.texts[side][node.start : node.open_end] for side, node in models])
        self._indents = outer
        closing = self._edge([self.texts[side][node.close_start : node.end] for side, node in models])
        opening, closing = self._wrapped(nodes, opening, closing, is_empty=not pieces)
        return [
            opening,
            *joined(pieces, "," if any(node.is_separated for node in nodes if node.items) else ""),
            closing,
        ]

    def _give_up(self, nodes: Nodes, kind: str, said: str) -> list[Segment]:
        base, ours, theirs = self._written((BASE, nodes[0]), (OURS, nodes[1]), (THEIRS, nodes[2]))
        self.conflicts.append(Conflict(self._path(), kind, base, ours, theirs, said))
        return [Clash(base, ours, theirs)]

    def _inserted_by_both(self, ours: str, theirs: str, said: str) -> None:
        self.conflicts.append(Conflict(self._path(), "inserted", None, ours, theirs, said=said))

    def _is_alive(self, number: Hashable, matched: Matched) -> bool:
        """Whether it is in the result, or a conflict about it."""
        base, ours, theirs = matched.of(number)
        if base is None or (ours is not None and theirs is not None):
            return True
        kept = ours or theirs
        if kept is None:
            return False
        if kept.says == base.says:
            return self._has_new_notes(OURS if ours else THEIRS, kept, base)
        # Who takes away a part of what the other takes away whole, agrees with it; but the other may have changed it.
        may_be_changed = matched.is_loose(number) and matched.has_new_ones(THEIRS if ours else OURS)
        return may_be_changed or not is_within(kept, base)

    def _has_new_notes(self, side: int, kept: Item, base: Item) -> bool:
        """Whether somebody wrote something into the comments of an item: it would go with it unread."""
        return bool(Counter(notes(self.texts[side], kept)) - Counter(notes(self.texts[BASE], base)))

    def _inner_indents(self, nodes: Nodes) -> Indents:
        """By the first item that each version has on a line of its own; who changed the indentation decides."""
        known = [self._indent_of(side, node) for side, node in enumerate(nodes)]
        base, ours, theirs = known
        new = theirs if ours == base and theirs is not None else ours if ours is not None else theirs
        if new is None or (base is None and (ours is None or theirs is None)):
            return self._indents
        inner = [outer if old is None else (old, new) for old, outer in zip(known, self._indents, strict=True)]
        return inner[0], inner[1], inner[2]

    def _indent_of(self, side: int, node: Node) -> str | None:
        text = self.texts[side]
        leads = (text[item.lead : item.start] for item in node.items)
        return next((indent(lead) for lead in leads if "\n" in lead), None)

    def _leads(self, items: Items) -> tuple[str, str, str]:
        base, ours, theirs = (self.texts[side][item.lead : item.start] for side, item in enumerate(items))
        return base, ours, theirs

    def _indents_at(self, leads: tuple[str, str, str], merged: Segment) -> Indents:
        new = indent(merged) if isinstance(merged, str) else None
        if new is None:
            return self._indents
        base, ours, theirs = (
            known if (old := indent(lead)) is None else (old, new)
            for lead, known in zip(leads, self._indents, strict=True)
        )
        return base, ours, theirs

    def _edge(self, written: list[str]) -> Segment:
        """What stands before the first item or behind the last."""
        return self._trivia((written[0], written[1], written[2]))

    def _trivia(self, written: tuple[str, str, str]) -> Segment:
        merged = merge_trivia(*written)
        if isinstance(merged, Clash):
            self.conflicts.append(Conflict(self._path(), "comment", *(each.strip() for each in written)))
        return merged

    def _wrapped(self, nodes: Nodes, opening: Segment, closing: Segment, *, is_empty: bool) -> tuple[Segment, Segment]:
        """An element that gets its first children cannot stay one tag."""
        if is_empty or opening != "/>":
            return opening, closing
        side, node = next((side, node) for side, node in enumerate(nodes) if node.items)
        text = self.texts[side]
        return text[node.start : node.open_end], text[node.close_start : node.end]

    # Items

    def _piece(self, number: Hashable, matched: Matched) -> Piece:
        base, ours, theirs = matched.of(number)
        some = ours or theirs or base
        assert some is not None  # noqa: S101  a number is of some item
        self._enter(number, some, matched)
        try:
            is_new = 0 if base or (ours and theirs) else OURS if ours else THEIRS
            segments = self._item(base, ours, theirs)
        finally:
            self._leave(some)
        first = (OURS, ours) if ours else (THEIRS, theirs)
        is_first = first[1] is not None and first[1].lead == self._first_lead(first[0], matched)
        return Piece(number, segments, is_first, is_new)

    @staticmethod
    def _first_lead(side: int, matched: Matched) -> int:
        return matched.items[side][matched.orders[side][0]].lead

    def _enter(self, number: Hashable, item: Item, matched: Matched) -> None:
        self._steps.append((number, item, matched))
        if item.label or item.name not in self.dialect.quiet:
            self._place.append(item.label or item.name)

    def _step(self, number: Hashable, item: Item, matched: Matched) -> str:
        key = Key("name", item.name) if item.name else matched.known.get(number)
        if item.name in self.dialect.quiet:
            return ""
        return self.dialect.step(key, item.label, 0 if key else matched.place(number))

    def _leave(self, item: Item) -> None:
        self._steps.pop()
        if item.label or item.name not in self.dialect.quiet:
            self._place.pop()

    def _item(self, base: Item | None, ours: Item | None, theirs: Item | None) -> list[Segment]:
        if base and ours and theirs:
            return self._kept((base, ours, theirs))
        if base and (ours or theirs):
            return self._deleted(base, ours, theirs)
        if ours and theirs:
            return self._added(ours, theirs)
        return self._inserted(OURS, ours) if ours else self._inserted(THEIRS, theirs)

    def _parts(self, side: int, item: Item) -> tuple[str, str]:
        text = self.texts[side]
        return text[item.lead : item.start], text[item.start : item.end]

    def _inserted(self, side: int, item: Item | None) -> list[Segment]:
        if item is None:
            return [""]
        old, new = self._indents[side]
        lead, body = self._parts(side, item)
        return [shifted(lead, old, new) if old != new else lead, self._moved(side, body)]

    def _deleted(self, base: Item, ours: Item | None, theirs: Item | None) -> list[Segment]:
        """One side changed what the other took away."""
        kept = ours or theirs
        if kept and kept.says == base.says:
            return self._deleted_with_notes(base, ours, theirs)
        lead, was = self._parts(BASE, base)
        our = self._parts(OURS, ours)[1] if ours else None
        their = self._parts(THEIRS, theirs)[1] if theirs else None
        self.conflicts.append(Conflict(self._path(), "deleted", was, our, their))
        return [lead, Clash(was, our or "", their or "")]

    def _deleted_with_notes(self, base: Item, ours: Item | None, theirs: Item | None) -> list[Segment]:
        sides = ((BASE, base), (OURS, ours), (THEIRS, theirs))
        was, our, their = ("\n".join(notes(self.texts[side], item)) if item else None for side, item in sides)
        self.conflicts.append(Conflict(self._path(), "comment", was, our, their))
        written = ["".join(self._parts(side, item)) if item else "" for side, item in sides]
        return [Clash(written[0], written[1], written[2])]

    def _added(self, ours: Item, theirs: Item) -> list[Segment]:
        """Both have it new."""
        leads = self._parts(OURS, ours)[0], self._parts(THEIRS, theirs)[0]
        written = self._parts(OURS, ours)[1], self._parts(THEIRS, theirs)[1]
        lead: Segment = self._inserted(OURS, ours)[0]
        if comments(leads[0]) != comments(leads[1]):
            lead = self._trivia(("", *leads))
        unlike = [] if ours.says == theirs.says else [*self._unlike(self._path(), ours, theirs)]
        if not unlike:  # but perhaps the order of what is in them
            return [lead, self._moved(OURS, written[0])]
        self.conflicts += unlike
        return [lead, Clash("", *written)]

    def _unlike(self, path: str, ours: Item, theirs: Item) -> Iterator[Conflict]:
        """What is other in two things that both sides added."""
        one, other = ours.node, theirs.node
        if one.kind != other.kind or not one.is_list:
            yield self._added_otherwise(path, ours, theirs)
            return
        lists: tuple[Sequence[Item], ...] = ((), one.items, other.items)
        matched = match(lists, tuple(self._place), self.identities) if one.is_ordered else match_named(lists)
        _, mine, yours = matched.items
        for number in {**mine, **yours}:
            our, their = mine.get(number), yours.get(number)
            step = self._step(number, our or yours[number], matched)
            if our is None or their is None:
                yield self._added_otherwise(path + step, our, their)
            elif our.says != their.says:
                yield from self._unlike(path + step, our, their)

    def _added_otherwise(self, path: str, ours: Item | None, theirs: Item | None) -> Conflict:
        our = self._told(ours.node, self._parts(OURS, ours)[1]) if ours else None
        their = self._told(theirs.node, self._parts(THEIRS, theirs)[1]) if theirs else None
        return Conflict(path.lstrip("/."), "added", None, our, their)

    def _kept(self, items: Items) -> list[Segment]:
        texts = [self.texts[side][item.lead : item.end] for side, item in enumerate(items)]
        if texts[2] == texts[0] or texts[1] == texts[2]:
            return self._inserted(OURS, items[1])
        if texts[1] == texts[0]:
            return self._inserted(THEIRS, items[2])
        leads = self._leads(items)
        lead = self._trivia(leads)
        outer = self._indents
        self._indents = self._indents_at(leads, lead)
        try:
            return [lead, *self._body(items)]
        finally:
            self._indents = outer

    def _body(self, items: Items) -> list[Segment]:
        bodies = tuple(self.texts[side][item.start : item.end] for side, item in enumerate(items))
        nodes = (items[0].node, items[1].node, items[2].node)
        if not are_mergeable(nodes):
            return [
                self._choice((items[0].says, items[1].says, items[2].says), (bodies[0], bodies[1], bodies[2]), nodes)
            ]
        prefixes = [self.texts[side][item.start : item.node.start] for side, item in enumerate(items)]
        suffixes = [self.texts[side][item.node.end : item.end] for side, item in enumerate(items)]
        prefix, inner = self._edge(prefixes), self.node(nodes)
        if not nodes[0].kind == nodes[1].kind == nodes[2].kind:
            prefix = spaced(prefix, next((each for each in inner if each), ""))
        return [prefix, *inner, self._edge(suffixes)]

    # Leads

    def _fix_leads(self, pieces: list[Piece], nodes: Nodes) -> None:
        """The first item may stand on the line of what is around it: another one has another lead there."""
        for at, piece in enumerate(pieces):
            lead = piece.segments[0]
            # Behind what only a conflict kept, one may have the lead of the side on which it is the first.
            is_behind = at > 0 and isinstance(pieces[at - 1].segments[-1], Clash)
            fits = (at == 0) == piece.is_first and not is_behind
            if fits or not isinstance(lead, str) or lead.strip():
                continue
            model = self._lead_of_first(nodes) if at == 0 else self._lead_of_others(nodes)
            if model is not None and not ("\n" in model and "\n" in lead):
                piece.segments[0] = model

    def _lead_of_first(self, nodes: Nodes) -> str | None:
        for side in (OURS, THEIRS, BASE):
            if nodes[side].items:
                lead = self._parts(side, nodes[side].items[0])[0]
                return None if lead.strip() else self._moved(side, lead)
        return None

    def _lead_of_others(self, nodes: Nodes) -> str | None:
        leads = [(side, self._parts(side, item)[0]) for side in (OURS, THEIRS, BASE) for item in nodes[side].items[1:]]
        # A comment in it belongs to its own item: of such a lead only the last line end is a model.
        models = [*(each for each in leads if not each[1].strip()), *((side, line_start(lead)) for side, lead in leads)]
        return next((self._moved(side, lead) for side, lead in models), None)
