"""What one version of a manifest says that another does not, per element."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from deployer.errors import ManifestError
from deployer.manifests.merging.align import rising
from deployer.manifests.merging.identity import Identities, Key
from deployer.manifests.merging.matching import Matched, match, match_named
from deployer.manifests.merging.nodes import Item, Node, UnfitError
from deployer.manifests.merging.structural import FORMS, Form
from deployer.manifests.merging.table import Table
from deployer.manifests.source import decode
from deployer.model.merge import Difference


def compare_structures(form: str, path: str, before: bytes, after: bytes, rules: Identities) -> tuple[Difference, ...]:
    """The change from one version to another: values, else elements that moved; none where both say the same.

    Raises:
        ManifestError: one of them cannot be read, or has no structure that can be compared (aliases in YAML).
    """
    known = FORMS[form]
    sources = [decode(path, data, is_xml=known.is_xml) for data in (before, after)]
    table = Table()
    try:
        nodes = [known.tree(source, table) for source in sources]
    except UnfitError as error:
        raise ManifestError((f"{path}: cannot be compared by its structure: {error}",)) from error
    comparer = _Comparer(known, (sources[0].text, sources[1].text), rules)
    found = [*comparer.node("", (), nodes[0], nodes[1])]
    return tuple(each for each in found if each.kind != "moved") or tuple(found)


class _Comparer:
    def __init__(self, form: Form, texts: tuple[str, str], rules: Identities) -> None:
        self._form = form
        self._texts = texts
        self._rules = rules

    def node(self, path: str, place: tuple[str, ...], before: Node, after: Node) -> Iterator[Difference]:
        """What differs in two nodes at the same place."""
        if before.says == after.says:
            return
        if not before.is_list or not after.is_list or before.is_ordered != after.is_ordered:
            was, now = self._told(0, before), self._told(1, after)
            yield Difference(path.lstrip("/."), "changed", was, now)
            return
        lists = (before.items, after.items, after.items)
        matched = match(lists, place, self._rules) if before.is_ordered else match_named(lists)
        yield from self._items(path, place, matched)
        if before.is_ordered:
            yield from self._moved(path, matched)

    def _items(self, path: str, place: tuple[str, ...], matched: Matched) -> Iterator[Difference]:
        was, now, _ = matched.items
        for number in {**was, **now}:
            old, new = was.get(number), now.get(number)
            step = path + self._step(number, old or now[number], matched)
            if old is None or new is None:
                kind = "added" if old is None else "removed"
                yield Difference(step.lstrip("/."), kind, self._said(0, old), self._said(1, new))
            else:
                yield from self.node(step, (*place, *_place_of(old)), old.node, new.node)

    def _moved(self, path: str, matched: Matched) -> Iterator[Difference]:
        where = {number: at for at, number in enumerate(matched.orders[1])}
        common = [(at, where[number]) for at, number in enumerate(matched.orders[0]) if number in where]
        stayed = {at for at, _ in rising(common)}
        for at, _ in common:
            if at not in stayed:
                number = matched.orders[0][at]
                step = self._step(number, matched.items[0][number], matched)
                yield Difference((path + step).lstrip("/."), "moved")

    def _step(self, number: Hashable, item: Item, matched: Matched) -> str:
        dialect = self._form.dialect
        key = Key("name", item.name) if item.name else matched.known.get(number)
        return "" if item.name in dialect.quiet else dialect.step(key, item.label, 0 if key else matched.place(number))

    def _said(self, side: int, item: Item | None) -> str | None:
        return None if item is None else self._told(side, item.node)

    def _told(self, side: int, node: Node) -> str:
        """A value; of what holds others its text, but of an element without children only what it says."""
        if not node.is_list:
            return node.value
        if node.kind.startswith("<") and not node.items[-1].node.items:
            return " ".join(item.node.value for item in node.items[:-1] if item.name != "@name") + (
                node.items[-1].node.value
            )
        return self._texts[side][node.start : node.end].strip()


def _place_of(item: Item) -> tuple[str, ...]:
    return (item.label or item.name,) if item.label or not item.name.startswith("#") else ()
