"""What tells the items of a list apart: declared by the repository, else the usual fields, where they are unique."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from deployer.manifests.merging.nodes import Item, Node

Rule = tuple[str, ...]
"""Fields that together tell an item apart; `field?` may be missing."""

ELEMENT_RULES: tuple[Rule, ...] = (
    ("@name",),
    ("@id",),
    ("@key",),
    ("groupId?", "artifactId", "type?", "classifier?"),
    ("id",),
    ("name",),
    ("key",),
)
"""For XML elements, the first that most have."""
ITEM_RULES: tuple[Rule, ...] = (("name",), ("id",), ("key",))
"""For the items of YAML and JSON lists."""

_MOST_HELD = 1000
"""Values that are looked at to see how alike two items are."""
_COVERED = 0.5
"""Share of the items of each version that a rule must tell apart to be used."""


class Key(NamedTuple):
    """What an item is known by in its list."""

    how: str
    """`rule`, `label` (the only one with its tag), `value` (a text that is there once), `name` (in a mapping)."""
    label: str
    values: tuple[tuple[str, str], ...] = ()
    """Field and value of each part of a rule."""


@dataclass(frozen=True, slots=True)
class Identities:
    """Rules of a repository."""

    rules: Mapping[str, Rule] = field(default_factory=dict)
    """Name of a list, or of an element, or the end of a path to it (`plugins/plugin`) -> fields."""
    positional: frozenset[str] = frozenset()
    """The same for lists whose items only their place tells apart."""

    def fields(self) -> Iterator[Rule]:
        """What may tell items apart by a rule of the repository, wherever it holds."""
        yield from (tuple(part.removesuffix("?") for part in rule) for rule in self.rules.values())

    def rules_for(self, place: tuple[str, ...], label: str) -> tuple[Rule, ...] | None:
        """The rules to try for a list, or the elements of a label in it; None where only the place counts."""
        path = (*place, label) if label else place
        if self.rules or self.positional:
            for start in range(len(path)):
                end = "/".join(path[start:])
                if end in self.positional:
                    return None
                if end in self.rules:
                    return (self.rules[end],)
        return ELEMENT_RULES if label else ITEM_RULES


def keys(lists: Sequence[Sequence[Item]], place: tuple[str, ...], identities: Identities) -> list[list[Key | None]]:
    """What each item of some versions of a list is known by; None for one that nothing tells apart."""
    found: list[list[Key | None]] = [[None] * len(items) for items in lists]
    for label, members in _by_label(lists).items():
        for side, at, key in _known(label, lists, members, identities.rules_for(place, label)):
            found[side][at] = key
    return found


def _by_label(lists: Sequence[Sequence[Item]]) -> dict[str, list[list[int]]]:
    labels: dict[str, list[list[int]]] = {}
    for side, items in enumerate(lists):
        for at, item in enumerate(items):
            members = labels.get(item.label)
            if members is None:
                members = labels[item.label] = [[] for _ in lists]
            members[side].append(at)
    return labels


def _known(
    label: str, lists: Sequence[Sequence[Item]], members: list[list[int]], rules: tuple[Rule, ...] | None
) -> Iterator[tuple[int, int, Key]]:
    if rules is None:
        return
    rest = members
    if told := _best(lists, members, rules):
        rest = [[at for at in side if at not in values] for side, values in zip(members, told, strict=True)]
        yield from _unique("rule", label, told)
    elif label and max(len(side) for side in members) <= 1:
        yield from ((side, at, Key("label", label)) for side, positions in enumerate(members) for at in positions)
        return
    texts = [{at: text_of(items[at].node) for at in side} for items, side in zip(lists, rest, strict=True)]
    told = [{at: (("", text),) for at, text in side.items() if text is not None} for side in texts]
    # Where a text is there twice, as in the arguments of a command, what stands beside it counts too.
    if all(len(set(side.values())) == len(side) for side in told):
        yield from _unique("value", label, told)


_Values = tuple[tuple[str, str], ...]
_Told = list[dict[int, _Values]]


def _unique(how: str, label: str, told: _Told) -> Iterator[tuple[int, int, Key]]:
    """A key for what is there once in every version."""
    counts = [Counter(side.values()) for side in told]
    repeated = {value for count in counts for value, times in count.items() if times > 1}
    for side, values in enumerate(told):
        yield from ((side, at, Key(how, label, value)) for at, value in values.items() if value not in repeated)


def _best(lists: Sequence[Sequence[Item]], members: list[list[int]], rules: tuple[Rule, ...]) -> _Told | None:
    """What the items say by the rule that most of them can be told by."""
    best, most = None, 0
    total = sum(len(side) for side in members)
    for rule in rules:
        known: dict[int, _Values | None] = {}
        told = [_values(items, side, rule, known) for items, side in zip(lists, members, strict=True)]
        if any(len(values) < _COVERED * len(side) for values, side in zip(told, members, strict=True)):
            continue
        distinct = sum(len(set(values.values())) for values in told)
        if distinct > most:
            best, most = told, distinct
        if most == total:
            break
    return best


def _values(items: Sequence[Item], side: list[int], rule: Rule, known: dict[int, _Values | None]) -> dict[int, _Values]:
    """Position -> what an item says by a rule; nodes that say the same (`known` by its number) say it there too."""
    told = {}
    for at in side:
        node = items[at].node
        if node.says in known:
            values = known[node.says]
        else:
            values = known[node.says] = told_by(node, rule)
        if values:
            told[at] = values
    return told


def told_by(node: Node, rule: Rule) -> _Values | None:
    """The fields of a rule with what a node says there; None where one is missing."""
    values = []
    for part in rule:
        name = part.removesuffix("?")
        value = said(node, name)
        if value is not None:
            values.append((name, value))
        elif name == part:
            return None
    return tuple(values)


def said(node: Node, name: str) -> str | None:
    """The single value that a mapping has under a key, or an element in an attribute or a child."""
    for item in node.items:
        if item.name == name:
            return None if item.node.is_list else item.node.value
    if node.kind.startswith("<") and not name.startswith("@"):
        for child in node.items[-1].node.items:
            if child.label == name:
                return text_of(child.node)
    return None


def text_of(node: Node) -> str | None:
    """What a scalar says, or an element that is nothing but its text; None for what holds others."""
    if not node.is_list:
        return node.value
    if node.kind.startswith("<") and len(node.items) == 1 and node.items[0].node.kind == "text":
        return node.items[0].node.value
    return None


def fingerprint(item: Item, besides: Collection[str] = ()) -> Counter[Hashable]:
    """The single values that an item holds, but for some fields, for seeing how alike two are."""
    held: Counter[Hashable] = Counter()
    todo = [item]
    while todo and held.total() < _MOST_HELD:
        each = todo.pop()
        if each.name in besides or each.label in besides:
            continue
        if each.node.items and not (each.label and text_of(each.node) is not None):
            todo += each.node.items
        else:
            held[each.says] += 1
    return held


def is_within(kept: Item, base: Item) -> bool:
    """Whether an item is what the base had there, with some of it taken away and nothing else changed."""
    if kept.node.kind != base.node.kind:
        return False
    left, was = fingerprint(kept), fingerprint(base)
    return max(left.total(), was.total()) < _MOST_HELD and left < was
