"""YAML manifests: libyaml says where each value stands, we decide what is plain data and build it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import cast

import yaml

from deployer.manifests.source import MAX_DEPTH, MAX_DIGITS, MAX_VALUES, Source, decode, refuse
from deployer.manifests.tree import Node, TreeDocument
from deployer.manifests.yaml_text import spellings
from deployer.model.json import JsonValue
from deployer.model.manifest import MAX_BYTES, Problem

MAX_REPEATED = 100_000
"""Values that the aliases of a document may repeat, all together; a bomb has millions."""

_TAG = "tag:yaml.org,2002:"
_KINDS = {
    f"{_TAG}str": "string",
    f"{_TAG}value": "string",
    f"{_TAG}int": "number",
    f"{_TAG}float": "number",
    f"{_TAG}bool": "boolean",
    f"{_TAG}null": "null",
    f"{_TAG}timestamp": "date",
}
_TAGS = frozenset({None, "!", f"{_TAG}map", f"{_TAG}seq", *_KINDS})
_MERGE = f"{_TAG}merge"
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONG_NUMBER = re.compile(rf"[-+]?\.?[0-9][.:_0-9]{{{MAX_DIGITS},}}")
"""Looked for before a tree is built: to find out that it is one takes PyYAML a hundred bytes for each digit."""
_PROPERTIES = re.compile(r"(?:[&!]\S*(?:\s+|$))*")


class YamlFormat:
    """The format Protocol for YAML 1.1 as PyYAML and Ansible read it, one document per file."""

    name = "yaml"
    fields = "yaml"

    def read(self, path: str, data: bytes) -> TreeDocument:
        """Read a file; raises ManifestError with every problem found."""
        source = decode(path, data)
        if odd := _UNPRINTABLE.search(source.text):
            raise refuse(source.problem(odd.start(), f"the character U+{ord(odd.group()):04X} is not allowed"))
        try:
            problems = tuple(_odd_events(source))
            root = None if problems else yaml.compose(source.text, Loader=yaml.CSafeLoader)
        except yaml.MarkedYAMLError as error:
            raise refuse(_syntax_problem(source, error)) from error
        if problems:
            raise refuse(*problems)
        if root is None:
            raise refuse(Problem(path, 0, "the file holds no document"))
        return TreeDocument(source=source, root=_Builder(source).build(root), spell=spellings)

    def has_paths_like(self, where: str) -> bool:
        """Whether a mapped path is meant for this format: not one with the signs of XPath."""
        return not re.search(r"[/@]", re.sub(r"\[[^]]*\]", "", where))


def _syntax_problem(source: Source, error: yaml.MarkedYAMLError) -> Problem:
    said = ", ".join(part for part in (error.context, error.problem) if part)
    mark = error.problem_mark or error.context_mark
    return source.problem(mark.index, said) if mark else Problem(source.path, 0, said)


def _odd_events(source: Source) -> Iterator[Problem]:
    """What we refuse before a tree is built; the parser of events does not recurse."""
    depth = documents = 0
    for count, event in enumerate(yaml.parse(source.text, Loader=yaml.CSafeLoader)):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                yield source.problem(_start(event), "a second document")
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            yield source.problem(_start(event), f"nested deeper than {MAX_DEPTH} levels")
            return
        if count > MAX_VALUES:
            yield source.problem(_start(event), f"more than {MAX_VALUES} keys and values")
            return
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and _LONG_NUMBER.fullmatch(event.value):
            yield source.problem(_start(event), f"a number of more than {MAX_DIGITS} digits")
            return
        if isinstance(event, yaml.CollectionStartEvent | yaml.ScalarEvent) and event.tag not in _TAGS:
            yield source.problem(_start(event), f"the tag {event.tag} is not plain data")


def _start(marked: yaml.Event | yaml.Node) -> int:
    """Where it begins, in characters: libyaml counts them, although it reads UTF-8."""
    return marked.start_mark.index if marked.start_mark else 0


class _Builder:
    """YAML's nodes -> ours, with every problem gathered."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._scalars = yaml.CSafeLoader("")
        self._built: dict[yaml.Node, tuple[Node, int, int]] = {}
        self._open: set[yaml.Node] = set()
        self._repeated = 0
        self._problems: list[Problem] = []

    def build(self, root: yaml.Node) -> Node:
        """Build the document; raises ManifestError."""
        built, _, depth = self._node(root)
        if depth > MAX_DEPTH:
            self._complain(root, f"nested deeper than {MAX_DEPTH} levels through aliases")
        if self._problems:
            raise refuse(*self._problems)
        return built

    def _complain(self, node: yaml.Node, message: str) -> None:
        self._problems.append(self._source.problem(_start(node), message))

    def _node(self, node: yaml.Node) -> tuple[Node, int, int]:
        """The built node, how many values it repeats when it is repeated, and its depth."""
        if node in self._open:
            self._complain(node, "it contains itself through an alias")
            return self._scalar_of(node, ""), 1, 1
        if node not in self._built:
            self._open.add(node)
            self._built[node] = self._new(node)
            self._open.remove(node)
            return self._built[node]
        built = self._built[node]
        self._repeated += built[1]
        if self._repeated > MAX_REPEATED:
            raise refuse(*self._problems, self._source.problem(_start(node), "aliases repeat too much of it"))
        return built

    def _new(self, node: yaml.Node) -> tuple[Node, int, int]:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node), 1 + len(node.value) * MAX_REPEATED // MAX_BYTES, 0
        if isinstance(node, yaml.SequenceNode):
            return self._sequence(node)
        return self._mapping(cast("yaml.MappingNode", node))

    def _sequence(self, node: yaml.SequenceNode) -> tuple[Node, int, int]:
        built = [self._node(item) for item in node.value]
        items = tuple((str(index), item) for index, (item, _, _) in enumerate(built))
        return self._collection("sequence", node, items, built)

    def _mapping(self, node: yaml.MappingNode) -> tuple[Node, int, int]:
        items: dict[str, Node] = {}
        built: list[tuple[Node, int, int]] = []
        merged: list[Node] = []
        for key_node, value_node in node.value:
            value = self._node(value_node)
            built.append(value)
            if key_node.tag == _MERGE:
                merged.extend(self._merged(value_node, value[0]))
            else:
                self._add(items, key_node, value[0])
        for source in merged:
            for key, value_of in source.items:
                items.setdefault(key, value_of)
        return self._collection("mapping", node, tuple(items.items()), built)

    def _merged(self, node: yaml.Node, built: Node) -> list[Node]:
        """The mappings that `<<` brings in, the strongest first."""
        sources = [item for _, item in built.items] if built.kind == "sequence" else [built]
        if all(source.kind == "mapping" for source in sources):
            return sources
        self._complain(node, "<< merges something that is no mapping")
        return []

    def _add(self, items: dict[str, Node], key_node: yaml.Node, value: Node) -> None:
        if not isinstance(key_node, yaml.ScalarNode):
            self._complain(key_node, "a key that is no single value")
        elif key_node.value in items:
            self._complain(key_node, f"the key {key_node.value!r} is there twice")
        else:
            items[key_node.value] = value

    def _collection(
        self, kind: str, node: yaml.Node, items: tuple[tuple[str, Node], ...], built: list[tuple[Node, int, int]]
    ) -> tuple[Node, int, int]:
        """Not the end mark: of a block collection it lies behind the comments that follow."""
        size = 1 + sum(count for _, count, _ in built)
        depth = 1 + max((depth for _, _, depth in built), default=0)
        start = _start(node)
        return Node(kind, start, start, items=items), size, depth

    def _scalar(self, node: yaml.ScalarNode) -> Node:
        kind = _KINDS.get(node.tag, "string")
        try:
            value = self._value(kind, node)
        except ValueError as error:
            self._complain(node, f"{node.value[:40]!r} is not the {kind} that it should be: {error}")
            return self._scalar_of(node, node.value)
        start, end = _start(node), (node.end_mark or node.start_mark).index
        text = self._source.text[start:end]
        if text[:1] in {"&", "!"}:  # the mark of a value with an anchor or a tag is before these
            found = _PROPERTIES.match(text)
            start += found.end() if found else 0
        return Node(kind, start, end, text=node.value, value=value, style=node.style or "")

    def _scalar_of(self, node: yaml.Node, text: str) -> Node:
        return Node("string", _start(node), _start(node), text=text, value=text)

    def _value(self, kind: str, node: yaml.ScalarNode) -> JsonValue:
        """Plain data; what JSON cannot hold (dates, infinity) stays the text that it is."""
        if kind in {"string", "date"}:
            return str(node.value)
        if kind == "number" and len(node.value) > MAX_DIGITS:
            raise ValueError(f"it has more than {MAX_DIGITS} digits")
        value: JsonValue = self._scalars.construct_object(node)
        return str(node.value) if isinstance(value, float) and not math.isfinite(value) else value
