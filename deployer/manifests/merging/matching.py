"""Which items of the three versions of a list are the same one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from deployer.manifests.merging.align import align, rising
from deployer.manifests.merging.identity import Identities, Key, fingerprint, keys, text_of
from deployer.manifests.merging.nodes import Item
from deployer.manifests.merging.trivia import merge_lines

_ALIKE = 0.5
"""Share of what two items hold that must be the same for one to be a change of the other."""
_NEAR = 20
"""Items at one place among which the one that was changed is looked for."""

_MOST_REORDERED = 300
"""Items of a list that both sides reordered, of which every pair is looked at."""


@dataclass(slots=True)
class Matched:
    """The items of three versions of a list by numbers that stand for the same item in each."""

    orders: tuple[list[Hashable], list[Hashable], list[Hashable]]
    """The numbers in the order of base, ours, theirs."""
    items: tuple[dict[Hashable, Item], dict[Hashable, Item], dict[Hashable, Item]]
    known: dict[Hashable, Key | None]
    """What each is known by."""
    ambiguous: list[Item] = field(default_factory=list)
    """Repeats of which nobody can say which one was meant."""
    _new_ones: dict[int, bool] = field(default_factory=dict)
    _places: dict[Hashable, int] = field(default_factory=dict)

    def of(self, number: Hashable) -> tuple[Item | None, Item | None, Item | None]:
        """The item in base, ours, theirs; None where a version does not have it."""
        base, ours, theirs = self.items
        return base.get(number), ours.get(number), theirs.get(number)

    def place(self, number: Hashable) -> int:
        """The position of an item, from 0, among those of its label: in the base, else on the side that has it."""
        if not self._places:
            for order, items in zip(self.orders, self.items, strict=True):
                seen: Counter[str] = Counter()
                for each in order:
                    label = items[each].label
                    self._places.setdefault(each, seen[label])
                    seen[label] += 1
        return self._places[number]

    def is_loose(self, number: Hashable) -> bool:
        """Whether only its place and what it says tell the item from others."""
        key = self.known.get(number)
        return number in self.known and (key is None or key.how == "value")

    def are_told_apart(self, numbers: Iterable[Hashable]) -> bool:
        """Whether a rule tells each of some items from others, or its label, and not its text or its place."""
        return not any(self.is_loose(number) for number in numbers)

    def has_new_ones(self, side: int) -> bool:
        """Whether a side has items that are not in the base, and which nothing tells apart."""
        if side not in self._new_ones:
            base = self.items[0]
            self._new_ones[side] = any(each not in base and self.is_loose(each) for each in self.items[side])
        return self._new_ones[side]


def match_named(lists: Sequence[Sequence[Item]]) -> Matched:
    """Items of a mapping: by their names."""
    items: list[dict[Hashable, Item]] = [{item.name: item for item in each} for each in lists]
    base, ours, theirs = ([*each] for each in items)
    return Matched((base, ours, theirs), (items[0], items[1], items[2]), {})


def match(lists: Sequence[Sequence[Item]], place: tuple[str, ...], identities: Identities) -> Matched:
    """Items of a list: by identity, and by what they say where nothing tells them apart."""
    base, ours, theirs = lists
    known = keys(lists, place, identities)
    tokens = [
        [item.says if key is None else key for item, key in zip(items, told, strict=True)]
        for items, told in zip(lists, known, strict=True)
    ]
    # What both sides have new is new, not a change of what was there.
    new = (frozenset(known[1]) & frozenset(known[2])) - {*known[0], None}
    to_ours = _same(_Side(base, known[0], tokens[0]), _Side(ours, known[1], tokens[1]), new)
    to_theirs = _same(_Side(base, known[0], tokens[0]), _Side(theirs, known[2], tokens[2]), new)
    orders = (
        [*range(len(base))],
        _numbers(known[1], tokens[1], to_ours),
        _numbers(known[2], tokens[2], to_theirs),
    )
    matched = Matched(orders, _by_number(orders, lists), {})
    for order, told in zip(orders, known, strict=True):
        for number, key in zip(order, told, strict=True):
            if matched.known.get(number) is None:
                matched.known[number] = key
    if tokens[1] != tokens[2]:
        matched.ambiguous = [*_ambiguous(lists, known, matched), *_touching(lists, known)]
    return matched


def _by_number(
    orders: tuple[list[Hashable], list[Hashable], list[Hashable]], lists: Sequence[Sequence[Item]]
) -> tuple[dict[Hashable, Item], dict[Hashable, Item], dict[Hashable, Item]]:
    base, ours, theirs = (dict(zip(order, items, strict=True)) for order, items in zip(orders, lists, strict=True))
    return base, ours, theirs


@dataclass(frozen=True, slots=True)
class _Side:
    """One version of a list."""

    items: Sequence[Item]
    known: list[Key | None]
    tokens: Sequence[Hashable]
    """What each is known by, else what it says."""


def _same(base: _Side, side: _Side, new: frozenset[Key | None]) -> dict[int, int]:
    """Position in a side -> position in the base, of the same item."""
    where = {key: at for at, key in enumerate(base.known) if key is not None}
    found = {at: where[key] for at, key in enumerate(side.known) if key is not None and key in where}
    if None in base.known and None in side.known:
        found.update((at, was) for was, at in align(base.tokens, side.tokens) if side.known[at] is None)
    if len(found) < len(side.items) and len(found) < len(base.items):
        found.update(_changed(base, side, found, new))
    return found


def _changed(base: _Side, side: _Side, found: dict[int, int], new: frozenset[Key | None]) -> Iterator[tuple[int, int]]:
    """Items without an identity that stand where others are gone, and are much like them."""
    taken = set(found.values())
    if not any(at not in taken and _is_loose(key) for at, key in enumerate(base.known)):
        return
    ends = (len(base.items), len(side.items))
    low = first = 0
    for was, at in [*rising(sorted((was, at) for at, was in found.items())), ends]:
        gone = [one for one in range(low, was) if one not in taken and _is_loose(base.known[one])]
        fresh = [
            one for one in range(first, at) if one not in found and _is_loose(key := side.known[one]) and key not in new
        ]
        yield from _paired(base, side, gone, fresh)
        low, first = was + 1, at + 1


def _paired(base: _Side, side: _Side, gone: list[int], fresh: list[int]) -> Iterator[tuple[int, int]]:
    """Each with the next that is much like it."""
    is_only = len(gone) == len(fresh) == 1
    start = 0
    for one in gone:
        for at in range(start, min(len(fresh), start + _NEAR)):
            if _are_alike(base.items[one], side.items[fresh[at]], is_only=is_only):
                yield fresh[at], one
                start = at + 1
                break


def _is_loose(key: Key | None) -> bool:
    return key is None or key.how == "value"


def _are_alike(one: Item, other: Item, *, is_only: bool) -> bool:
    """Whether one item may be a change of the other."""
    if one.label != other.label or one.node.kind != other.node.kind:
        return False
    left, right = fingerprint(one), fingerprint(other)
    if left.total() <= 1 and right.total() <= 1:  # single values: one for one is a change of it
        return is_only
    shared, sizes = (left & right).total(), (left.total(), right.total())
    # What only got more, or lost some, is still the same.
    return shared >= _ALIKE * max(sizes) or (shared == min(sizes) and shared > 1)


def may_be(gone: Item, new: Item, key: Key | None) -> bool:
    """Whether something new may be what somebody made of an item that is gone, under another name."""
    if key is None or key.how != "rule":
        return True
    rule = [field for field, _ in key.values]
    left, right = (fingerprint(item, besides=rule) for item in (gone, new))
    return gone.label == new.label and (left & right).total() >= _ALIKE * max(left.total(), right.total(), 1)


def _numbers(known: list[Key | None], tokens: Sequence[Hashable], found: dict[int, int]) -> list[Hashable]:
    """A number for each item of a side: the base's; of new ones what both sides would call the same."""
    numbers: list[Hashable] = []
    gap, seen = -1, Counter[Hashable]()
    for at, token in enumerate(tokens):
        was = found.get(at)
        if was is not None:
            gap = was
            numbers.append(was)
        elif known[at] is not None:
            numbers.append(token)
        else:
            seen[gap, token] += 1
            numbers.append((gap, token, seen[gap, token]))
    return numbers


def _ambiguous(lists: Sequence[Sequence[Item]], known: list[list[Key | None]], matched: Matched) -> Iterator[Item]:
    """Repeats that both sides changed in number, and the same new thing of both at different places."""
    loose = [
        Counter(item.says for item, key in zip(items, told, strict=True) if key is None)
        for items, told in zip(lists, known, strict=True)
    ]
    if not any(loose):
        return
    example = {item.says: item for items in lists for item in items}
    base, ours, theirs = loose
    new = [_new_by_content(matched, side) for side in (1, 2)]
    for says in ours | theirs | base:
        if base[says] == ours[says] or base[says] == theirs[says]:
            continue
        is_apart = not base[says] and new[0].get(says) != new[1].get(says)
        if max(base[says], ours[says], theirs[says]) > 1 or is_apart:
            yield example[says]


def _touching(lists: Sequence[Sequence[Item]], known: list[list[Key | None]]) -> Iterator[Item]:
    """Texts, some of them repeated, that both sides changed at one place: which belongs to which cannot be told."""
    loose = [
        [item for item, key in zip(items, told, strict=True) if key is None]
        for items, told in zip(lists, known, strict=True)
    ]
    for label in {item.label: None for items in loose for item in items}:
        texts = [[item for item in items if item.label == label and text_of(item.node) is not None] for items in loose]
        base, ours, theirs = ([str(item.says) for item in items] for items in texts)
        has_repeats = any(len(set(side)) < len(side) for side in (base, ours, theirs))
        if has_repeats and merge_lines(base, ours, theirs) is None:
            yield (texts[1] or texts[2] or texts[0])[0]


def _new_by_content(matched: Matched, side: int) -> dict[int, set[Hashable]]:
    """What the new items of a side say -> which they are."""
    new: dict[int, set[Hashable]] = {}
    for number, item in matched.items[side].items():
        if number not in matched.items[0]:
            new.setdefault(item.says, set()).add(number)
    return new


Order = tuple[list[Hashable], bool]
Picker = Callable[[Hashable], bool]


def ordered(matched: Matched, *, is_ordered: bool, is_alive: Picker) -> Order | None:
    """The numbers of the result in their order; None where both sides changed the order, each otherwise.

    Returns:
        The numbers, and whether theirs gave the order.
    """
    base, ours, theirs = matched.items
    common = [number for number in matched.orders[0] if number in ours and number in theirs]
    held = frozenset(common)
    our = [number for number in matched.orders[1] if number in held]
    their = [number for number in matched.orders[2] if number in held]
    is_theirs = our == common != their
    if is_ordered and common not in (our, their) and our != their:
        within = _within(common, our, their)
        if within is None:
            return None
        is_theirs = within
    skeleton, other = (2, 1) if is_theirs else (1, 2)
    alive = [number for number in matched.orders[skeleton] if is_alive(number)]
    news = frozenset(number for number in alive if number not in base and number not in matched.items[other])
    placed = _woven(alive, [n for n in matched.orders[other] if is_alive(n)], news, is_after=not is_theirs)
    return placed, is_theirs


def _within(common: list[Hashable], our: list[Hashable], their: list[Hashable]) -> bool | None:
    """Whether theirs changed the order of all pairs that ours did, or (False) the other way round; None: neither."""
    if len(common) > _MOST_REORDERED:
        return None
    was = {number: at for at, number in enumerate(common)}
    mine, yours = (
        {(one, other) for at, one in enumerate(order) for other in order[at + 1 :] if was[one] > was[other]}
        for order in (our, their)
    )
    return False if yours <= mine else True if mine <= yours else None


def _woven(
    skeleton: list[Hashable], other: list[Hashable], news: frozenset[Hashable], *, is_after: bool
) -> list[Hashable]:
    """What only the other has goes behind what it stands behind there, and behind what is new there if asked."""
    following: dict[Hashable, Hashable] = {}
    at: Hashable = _START
    for number in skeleton:
        following[at] = number
        at = number
    following[at] = _END
    before: Hashable = _START
    for number in other:
        if number not in following:
            while is_after and following[before] in news:
                before = following[before]
            following[number] = following[before]
            following[before] = number
        before = number
    placed = []
    at = following[_START]
    while at is not _END:
        placed.append(at)
        at = following[at]
    return placed


_START = object()
_END = object()
