"""Documents of mappings and sequences (YAML, JSON), and their paths: `containers[0].image`, `env[name=web].value`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from deployer.errors import UsageError
from deployer.manifests.base import Place
from deployer.manifests.source import Source
from deployer.model.json import JsonValue

_PLAIN_KEY = re.compile(r"[^.\[\]\"'=\s]+")
_STEP = re.compile(
    r"""(?:^|\.)(?P<key>[^.\[\]"']+)
      | \[(?P<index>\d+)\]
      | \[(?P<quoted>"(?:[^"\\]|\\.)*"|'[^']*')\]
      | \[(?P<name>[^=\[\]"']+)=(?P<equals>"(?:[^"\\]|\\.)*"|'[^']*'|[^\]"']*)\]""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a document and the characters that spell it."""

    kind: str
    """As `Place.kind`."""
    start: int
    end: int
    text: str = ""
    value: JsonValue = None
    """Of a scalar."""
    style: str = ""
    items: tuple[tuple[str, Node], ...] = ()
    """Of a mapping by key; of a sequence with its position as key."""

    def data(self) -> JsonValue:
        """The node and all in it as plain data."""
        if self.kind == "mapping":
            return {key: node.data() for key, node in self.items}
        if self.kind == "sequence":
            return [node.data() for _, node in self.items]
        return self.value

    def child(self, key: str) -> Node | None:
        """What a mapping has under a key."""
        return next((node for name, node in self.items if name == key), None) if self.kind == "mapping" else None


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of a path: a key, a position, or the items of which a key has a value."""

    written: str
    key: str | None = None
    index: int | None = None
    equals: tuple[str, str] | None = None

    def matches(self, parent: Node, key: str, node: Node) -> bool:
        if self.key is not None:
            return parent.kind == "mapping" and key == self.key
        if parent.kind != "sequence":
            return False
        if self.equals is None:
            return key == str(self.index)
        named = node.child(self.equals[0])
        return named is not None and named.text == self.equals[1]


@dataclass(frozen=True, slots=True)
class TreeDocument:
    """A YAML or JSON document."""

    source: Source
    root: Node
    spell: Callable[[Source, Node, str], Iterator[tuple[int, int, str]]]
    """The ways in which the format can write a text in place of a node."""

    @property
    def value(self) -> JsonValue:
        """The whole document as plain data."""
        return self.root.data()

    def find(self, where: str) -> tuple[Place, ...]:
        """Every place that a path names."""
        return tuple(_place(path, node) for path, node in self._follow(_steps(where)))

    def line_near(self, where: str) -> int:
        """The line of the place, or of the nearest one around it that exists."""
        steps = _steps(where)
        for count in range(len(steps), 0, -1):
            if found := self._follow(steps[:count]):
                return self.source.line(found[0][1].start)
        return self.source.line(self.root.start)

    def places(self) -> Iterator[Place]:
        """Every place, by position."""
        return (_place(path, node) for path, node in _walk("", self.root))

    def spellings(self, place: Place, text: str) -> Iterator[tuple[int, int, str]]:
        """Ways to write a text there, the best first."""
        node = Node(kind=place.kind, start=place.start, end=place.end, text=place.text, style=place.style)
        return self.spell(self.source, node, text)

    def _follow(self, steps: Sequence[_Step]) -> list[tuple[str, Node]]:
        found = [("", self.root)]
        for step in steps:
            found = [
                (_join(path, parent, key), node)
                for path, parent in found
                for key, node in parent.items
                if step.matches(parent, key, node)
            ]
        return found


def _place(path: str, node: Node) -> Place:
    fixed = f"holds a {node.kind}, not a single value" if node.kind in {"mapping", "sequence"} else ""
    return Place(path, node.text, node.kind, node.start, node.end, node.style, fixed)


def _steps(where: str) -> list[_Step]:
    steps, index = [], 0
    while index < len(where):
        found = _STEP.match(where, index)
        if not found:
            raise UsageError(f"{where}: not a path", hint="a path looks like release.version or containers[0].image")
        steps.append(_step(found))
        index = found.end()
    if not steps:
        raise UsageError("an empty path")
    return steps


def _step(found: re.Match[str]) -> _Step:
    parts = found.groupdict()
    if parts["index"] is not None:
        return _Step(found.group(), index=int(parts["index"]))
    if parts["name"] is not None:
        return _Step(found.group(), equals=(parts["name"], _unquote(parts["equals"])))
    return _Step(found.group(), key=parts["key"] if parts["key"] is not None else _unquote(parts["quoted"]))


def _unquote(text: str) -> str:
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return text[1:-1] if text.startswith("'") else text


def _join(path: str, parent: Node, key: str) -> str:
    if parent.kind == "sequence":
        return f"{path}[{key}]"
    if _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}" if path else key
    return f"{path}[{_quote(key)}]"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _walk(path: str, node: Node) -> Iterator[tuple[str, Node]]:
    yield path, node
    for key, child in node.items:
        yield from _walk(_join(path, node, key), child)
