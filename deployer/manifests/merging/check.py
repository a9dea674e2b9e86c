"""The independent check of a merge: the result changes in the base exactly what the two sides changed.

It knows nothing of how the merge was made: it reads the four texts by other means (`plain`) and compares what they say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from deployer.manifests.merging.plain import CHILDREN, READERS, Numbers, UnreadableError, Value

_FIELDS: tuple[tuple[str, ...], ...] = (
    ("@name",), ("@id",), ("@key",), ("groupId", "artifactId", "type", "classifier"), ("artifactId",),
    ("name",), ("id",), ("key",),
)  # fmt: skip
"""What may tell the items of a list apart."""
_FEW_WORDS = 4
"""A text of fewer words is one value: nobody changes a part of it."""
_MOST_SAID = 20
_NONE = Value(-1)
"""In place of a value that a version does not have."""
_NO_CHILDREN = Value(-2, items=[])
"""An element without children is one that could have some."""

Four = tuple[Value, Value, Value, Value]
"""Of base, ours, theirs and the result."""
_Items = list[tuple[str, Value]]


@dataclass(frozen=True, slots=True, eq=False)
class _Token:
    """What an item is known by: of one list, the same items of all versions have the same object."""

    parts: tuple[object, ...]
    is_known: bool
    """Whether it has an identity, so that it is the same item when it says something else."""


def objections(
    form: str,
    texts: tuple[str, str, str],
    result: str,
    fields: Sequence[tuple[str, ...]] = (),
    parsed: Mapping[str, object] | None = None,
) -> list[str]:
    """What stands against a result, each a sentence; none where it is right.

    Args:
        form: name of the format.
        texts: base, ours, theirs.
        result: what they were merged to.
        fields: what else tells items apart in this repository.
        parsed: what the format's parser made of the three texts, where that is known.

    Raises:
        UnreadableError: base, ours or theirs cannot be read, so that nothing can be said.
    """
    numbers, read = Numbers(parsed=parsed or {}), READERS[form]
    base, ours, theirs = (read(text, numbers) for text in texts)
    try:
        merged = read(result, numbers)
    except UnreadableError as error:
        return [f"the result cannot be read: {error}"]
    checker = _Checker((*_FIELDS, *fields))
    checker.value("", (base[0], ours[0], theirs[0], merged[0]))
    said = [*checker.said, *_comments(base[1], ours[1], theirs[1], merged[1])]
    return said[:_MOST_SAID]


def _comments(base: Counter[str], ours: Counter[str], theirs: Counter[str], merged: Counter[str]) -> Iterator[str]:
    """Comments that were lost or came to be there twice."""
    for line in {**base, **ours, **theirs, **merged}:
        was, our, their, now = base[line], ours[line], theirs[line], merged[line]
        # The same words may stand at several places: how often is all that can be said.
        counts = (was, our, their, our + their - was)
        right = min(counts) <= now <= max(counts)
        if not right:
            yield f"a comment is there {now} times: {line}"


@dataclass(slots=True)
class _Checker:
    fields: tuple[tuple[str, ...], ...]
    said: list[str] = field(default_factory=list)
    _told: dict[tuple[str, ...], dict[int, tuple[str, ...] | None]] = field(default_factory=dict)
    """Fields -> number of a value -> what it says in them: most values are the same in all four documents."""

    def value(self, path: str, four: Four) -> None:
        """Object to a value that is not what the two sides made of it."""
        base, ours, theirs, result = (value.number for value in four)
        if ours in (base, theirs):
            self._expect(path, result == theirs, "is not what theirs says, which alone changed it")
        elif theirs == base:
            self._expect(path, result == ours, "is not what ours says, which alone changed it")
        elif all(value.members is not None for value in four):
            self._members(path, four)
        elif all(value.items is not None for value in four):
            self._list(path, [value.items or [] for value in four])
        elif any(value is _NONE for value in four):
            self._expect(path, _is_gone_or_same(four), "was changed by both sides, each otherwise")
        else:
            texts = [value.text for value in four]
            self._expect(path, _is_text_of_both(texts), "was changed by both sides, each otherwise")

    def _expect(self, path: str, is_right: bool, otherwise: str) -> None:  # noqa: FBT001  a condition, as in an assert
        if not is_right and len(self.said) < _MOST_SAID:
            self.said.append(f"{path or 'the document'} {otherwise}")

    def _members(self, path: str, four: Four) -> None:
        base, ours, theirs, result = (value.members or {} for value in four)
        for key in {**base, **ours, **theirs, **result}:
            none = _NO_CHILDREN if key == CHILDREN else _NONE
            members = (base.get(key, none), ours.get(key, none), theirs.get(key, none), result.get(key, none))
            if not members[0].number == members[1].number == members[2].number == members[3].number:
                self.value(f"{path}/{key}", members)

    def _list(self, path: str, lists: list[_Items]) -> None:
        tokens = self._tokens(path, lists)
        counts = [Counter(side) for side in tokens]
        self._known(path, lists, tokens)
        every = {**counts[0], **counts[1], **counts[2], **counts[3]}
        odd = {token for token in every if _is_odd(token, counts)}
        if odd:
            self._changed(path, lists, tokens, odd, counts)
        self._order(path, tokens, counts)
        singles = [_singles(items) for items in lists]
        for label in {**singles[0], **singles[1], **singles[2], **singles[3]}:
            self._beside(path, [side.get(label, []) for side in singles])

    def _beside(self, path: str, sides: list[list[int]]) -> None:
        """Texts of which some are repeated, or new on both sides: what a merge puts side by side must be so on a side.

        A flag belongs to the value behind it, though nothing says so.
        """
        base, ours, theirs, result = sides
        if base in (ours, theirs) or ours == theirs:
            return
        old, mine, yours = set(base), set(ours), set(theirs)
        has_repeats = any(len(set(side)) < len(side) for side in sides)
        if not has_repeats and not ((mine & yours) - old and mine - old != yours - old):
            return
        odd = {*pairwise(result)} - {*pairwise(ours)} - {*pairwise(theirs)}
        is_odd = bool(odd) if has_repeats else any(not {one, other} & old for one, other in odd)
        self._expect(path, not is_odd, "has texts side by side that neither side put so")

    def _tokens(self, path: str, lists: list[_Items]) -> list[list[_Token]]:
        """What each item is known by: a field, its label where it is the only one, else what it says."""
        alike: dict[str, list[list[Value]]] = {}
        for side, items in enumerate(lists):
            for label, value in items:
                if label not in alike:
                    alike[label] = [[], [], [], []]
                alike[label][side].append(value)
        tokens = {label: self._tokens_of(path, label, values) for label, values in alike.items()}
        return [[tokens[label][value.number] for label, value in items] for items in lists]

    def _tokens_of(self, path: str, label: str, alike: list[list[Value]]) -> dict[int, _Token]:
        """Number of a value -> what an item that has it is known by."""
        fields = self._field(path, label, alike)
        numbers = {value.number: None for values in alike for value in values}
        if fields is None:
            return {number: _Token(("says", label, number), is_known=False) for number in numbers}
        if not fields:
            one = _Token(("one", label), is_known=True)
            return dict.fromkeys(numbers, one)
        known = self._told[fields]
        tokens = {told: _Token(("is", label, fields, told), is_known=True) for told in map(known.get, numbers)}
        return {number: tokens[known[number]] for number in numbers}

    def _says(self, values: Sequence[Value], fields: tuple[str, ...]) -> list[tuple[str, ...] | None]:
        """What each of some values says in the fields; None for one that has none of them."""
        known = self._told.setdefault(fields, {})
        for value in values:
            if value.number not in known:
                known[value.number] = _told(value, fields)
        return [known[value.number] for value in values]

    def _field(self, path: str, label: str, alike: list[list[Value]]) -> tuple[str, ...] | None:
        """The fields that tell the items of a label apart; empty for a label that is there once; None for none."""
        for fields in self.fields:
            if any(None in self._says(values[:1], fields) for values in alike):
                continue
            told = [self._says(values, fields) for values in alike]
            if any(None in side for side in told):
                continue
            if all(len(set(side)) == len(side) for side in told[:3]):
                is_unique = len(set(told[3])) == len(told[3])
                self._expect(path, is_unique, f"has two {label or 'items'} with the same {fields}")
                return fields if is_unique else None
        return () if label and all(len(values) <= 1 for values in alike) else None

    def _known(self, path: str, lists: list[_Items], tokens: list[list[_Token]]) -> None:
        """Items with an identity are compared each with itself."""
        found = [
            {token: value for token, (_, value) in zip(side, items, strict=True) if token.is_known}
            for side, items in zip(tokens, lists, strict=True)
        ]
        for token in {**found[0], **found[1], **found[2], **found[3]}:
            base, ours, theirs, result = (side.get(token, _NONE) for side in found)
            if not base.number == ours.number == theirs.number == result.number:
                self.value(f"{path}/{_named(token)}", (base, ours, theirs, result))

    def _changed(
        self,
        path: str,
        lists: list[_Items],
        tokens: list[list[_Token]],
        odd: set[_Token],
        counts: list[Counter[_Token]],
    ) -> None:
        """Items without an identity that both sides changed: the same ones, where as many are left of each version."""
        gone = {token for token in counts[0] if not token.is_known and not counts[1][token] and not counts[2][token]}
        left = [
            [value for token, (_, value) in zip(side, items, strict=True) if token in odd or token in gone]
            for side, items in zip(tokens, lists, strict=True)
        ]
        if _are_gone(left):
            return
        if len({len(side) for side in left}) > 1:
            self._expect(path, False, "has items that neither side wanted so, or lacks some")  # noqa: FBT003  a condition
            return
        for at, (base, ours, theirs, result) in enumerate(zip(*left, strict=True)):
            self.value(f"{path}/[{at}]", (base, ours, theirs, result))

    def _order(self, path: str, tokens: list[list[_Token]], counts: list[Counter[_Token]]) -> None:
        """Who changed the order decides; what one side alone put in stands between the neighbours that it has there."""
        repeated = {token for count in counts for token, times in count.items() if times > 1}
        once = counts[3].keys() - repeated
        common = once & counts[0].keys() & counts[1].keys() & counts[2].keys()
        base, ours, theirs, result = ([token for token in side if token in common] for side in tokens)
        is_right = result == theirs if ours == base else result == ours if theirs == base else result in (ours, theirs)
        self._expect(path, is_right, "is in an order that neither side wanted")
        for side, other in ((1, theirs), (2, ours)):
            if other == base:
                wanted = {token for token in once if counts[0][token] or not counts[3 - side][token]}
                mine = [token for token in tokens[side] if token in wanted]
                held = set(mine)
                self._expect(
                    path, [token for token in tokens[3] if token in held] == mine, "has items at another place"
                )


def _singles(items: _Items) -> dict[str, list[int]]:
    """Label -> the numbers of its texts, and of its elements that are nothing but one."""
    found: dict[str, list[int]] = {}
    for label, value in items:
        members = value.members
        if value.text is not None or (members is not None and len(members) == 1 and "#text" in members):
            found.setdefault(label, []).append(value.number)
    return found


def _named(token: _Token) -> str:
    return "/".join(str(part) for part in token.parts[1:])


def _told(value: Value, fields: tuple[str, ...]) -> tuple[str, ...] | None:
    """What a value says in some fields; None where it has none of them."""
    found = [_field(value, name) for name in fields]
    return None if all(each is None for each in found) else tuple(each or "" for each in found)


def _field(value: Value, name: str) -> str | None:
    members = value.members or {}
    if name in members:
        return members[name].text
    children = members.get(CHILDREN)
    for label, child in (children.items or []) if children is not None else []:
        if label.rpartition("}")[2] == name:
            said = (child.members or {}).get("#text")
            return said.text if said is not None else ""
    return None


def _is_gone_or_same(four: Four) -> bool:
    """Whether one side took away what the other took a part of, or both added the same in another order."""
    base, ours, theirs, result = four
    if base is _NONE:
        return result.number in (ours.number, theirs.number) and _bag(ours) == _bag(theirs)
    kept = theirs if ours is _NONE else ours
    return result is _NONE and _is_part(kept, base)


def _are_gone(left: list[list[Value]]) -> bool:
    """The same of items without an identity: what is left of them on one side are parts of the base's."""
    base, ours, theirs, result = left
    kept = ours or theirs
    is_one_sided = not result and not (ours and theirs) and len(kept) == len(base)
    return is_one_sided and all(_is_part(part, whole) for part, whole in zip(kept, base, strict=True))


def _is_part(part: Value, whole: Value) -> bool:
    """Whether one value is the other with some of it taken away."""
    if part.number == whole.number:
        return True
    if part.members is not None and whole.members is not None:
        held = whole.members
        return all(key in held and _is_part(value, held[key]) for key, value in part.members.items())
    rest = iter(whole.items or ())
    mine = part.items or []
    return part.text is None and all(
        any(label == other and _is_part(value, held) for other, held in rest) for label, value in mine
    )


def _bag(value: Value) -> Hashable:
    """What a value says but for the order of its items."""
    if value.members is not None:
        return frozenset((key, _bag(member)) for key, member in value.members.items())
    if value.items is not None:
        return frozenset(Counter((label, _bag(item)) for label, item in value.items).items())
    return value.number


def _is_odd(token: _Token, counts: list[Counter[_Token]]) -> bool:
    """Whether something without an identity is there more or less often than the two sides made it."""
    if token.is_known:
        return False
    base, ours, theirs, result = (count[token] for count in counts)
    return result != ours if ours == theirs else result != ours + theirs - base


def _is_text_of_both(texts: Sequence[str | None]) -> bool:
    """Whether a text of many words has the words that both sides put in, and not those that they took out."""
    if any(text is None for text in texts):
        return False
    base, ours, theirs, result = (Counter((text or "").split()) for text in texts)
    if base.total() < _FEW_WORDS:
        return False
    words = {**base, **ours, **theirs, **result}
    return all(
        result[word] in (ours[word] + theirs[word] - base[word], _agreed(ours[word], theirs[word])) for word in words
    )


def _agreed(ours: int, theirs: int) -> int:
    return ours if ours == theirs else -1
