"""JSON manifests: the standard library judges and decodes, an own scanner says where each value stands."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator

from deployer.manifests.source import MAX_DEPTH, MAX_DIGITS, MAX_VALUES, Source, decode, refuse
from deployer.manifests.tree import Node, TreeDocument
from deployer.model.json import JsonValue
from deployer.model.manifest import Problem

# Possessive, since the engine else remembers every character of a string for a way back: 100 bytes each.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s\[\]{}:,"]+|[\[\]{}:,"]', re.DOTALL)
_LITERAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")
_CONSTANTS = frozenset({"NaN", "Infinity", "-Infinity"})
_LITERAL_KINDS = {"true": "boolean", "false": "boolean", "null": "null"}


class JsonFormat:
    """The format Protocol for JSON."""

    name = "json"
    fields = "yaml"

    def read(self, path: str, data: bytes) -> TreeDocument:
        """Read a file; raises ManifestError with every problem found."""
        source = decode(path, data)
        _check_tokens(source)
        try:
            json.loads(source.text)
        except json.JSONDecodeError as error:
            raise refuse(source.problem(error.pos, error.msg)) from error
        scanner = _Scanner(source)
        root = scanner.value()
        if scanner.problems:
            raise refuse(*scanner.problems)
        return TreeDocument(source=source, root=root, spell=_spellings)

    def has_paths_like(self, where: str) -> bool:
        """Whether a mapped path is meant for this format: not one with the signs of XPath."""
        return not re.search(r"[/@]", re.sub(r"\[[^]]*\]", "", where))


def _check_tokens(source: Source) -> None:
    """What the decoder of the standard library bears ill: it recurses, takes NaN, and limits the digits of a number."""
    depth = 0
    for count, token in enumerate(_TOKEN.finditer(source.text)):
        depth += (token.group() in "[{") - (token.group() in "]}")
        if depth > MAX_DEPTH:
            raise refuse(source.problem(token.start(), f"nested deeper than {MAX_DEPTH} levels"))
        if count > 2 * MAX_VALUES:  # each has a comma or a colon beside it
            raise refuse(source.problem(token.start(), f"more than {MAX_VALUES} keys and values"))
        if token.group() == '"':
            # Not left to what follows: every quote behind it would be read up to the end of the text.
            raise refuse(source.problem(token.start(), "Unterminated string"))
        if token.group() in _CONSTANTS:
            raise refuse(source.problem(token.start(), f"{token.group()} is not a value of JSON"))
        if not token.group().startswith('"') and len(token.group()) > MAX_DIGITS:
            raise refuse(source.problem(token.start(), f"a number of more than {MAX_DIGITS} digits"))


class _Scanner:
    """Reads the tokens of a text that is known to be JSON."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._tokens = _TOKEN.finditer(source.text)
        self.problems: list[Problem] = []

    def value(self) -> Node:
        return self._value(next(self._tokens))

    def _value(self, token: re.Match[str]) -> Node:
        if token.group() == "{":
            return self._mapping(token.start())
        if token.group() == "[":
            return self._sequence(token.start())
        return self._scalar(token)

    def _mapping(self, start: int) -> Node:
        items: dict[str, Node] = {}
        while (token := next(self._tokens)).group() != "}":
            if token.group() == ",":
                continue
            key = str(json.loads(token.group()))
            if _has_lone_surrogate(key):
                self.problems.append(self._source.problem(token.start(), "half of a surrogate pair in a key"))
            if key in items:
                self.problems.append(self._source.problem(token.start(), f"the key {key!r} is there twice"))
            next(self._tokens)  # the colon
            items[key] = self.value()
        return Node("mapping", start, token.end(), items=tuple(items.items()))

    def _sequence(self, start: int) -> Node:
        nodes: list[Node] = []
        while (token := next(self._tokens)).group() != "]":
            if token.group() != ",":
                nodes.append(self._value(token))
        items = tuple((str(index), node) for index, node in enumerate(nodes))
        return Node("sequence", start, token.end(), items=items)

    def _scalar(self, token: re.Match[str]) -> Node:
        value: JsonValue = json.loads(token.group())
        kind = "string" if isinstance(value, str) else _LITERAL_KINDS.get(token.group(), "number")
        if isinstance(value, float) and not math.isfinite(value):
            self.problems.append(self._source.problem(token.start(), f"{token.group()} is too large a number"))
        if isinstance(value, str) and _has_lone_surrogate(value):
            self.problems.append(self._source.problem(token.start(), "half of a surrogate pair in a string"))
        text = value if isinstance(value, str) else token.group()
        return Node(kind, token.start(), token.end(), text=text, value=value)


def _has_lone_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else False


def _spellings(source: Source, node: Node, text: str) -> Iterator[tuple[int, int, str]]:
    """A string stays one; in place of a number, boolean or null a text that is a literal is written as one."""
    if node.kind != "string" and _LITERAL.fullmatch(text):
        yield node.start, node.end, text
    yield node.start, node.end, json.dumps(text, ensure_ascii="\\u" in source.text[node.start : node.end])
