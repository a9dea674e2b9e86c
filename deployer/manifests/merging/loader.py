"""libyaml's composer, which remembers what a plain text is: most of the time went into asking that again."""

from __future__ import annotations

import functools

import yaml


class Loader(yaml.CSafeLoader):
    """Composes as CSafeLoader does, only quicker."""

    def descend_resolver(self, current_node: yaml.Node | None, current_index: object) -> None:
        """Nothing: there are no rules by path."""

    def ascend_resolver(self) -> None:
        """Nothing: there are no rules by path."""

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        """The tag of a node without one."""
        if kind is yaml.ScalarNode and len(value) < _SHORT:
            return _tag(value, implicit)
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]  # PyYAML's stubs


_SHORT = 100
"""Characters of a text that is worth remembering."""
_RESOLVER = yaml.resolver.Resolver()


@functools.lru_cache(maxsize=8192)
def _tag(value: str, implicit: tuple[bool, bool]) -> str:
    return str(_RESOLVER.resolve(yaml.ScalarNode, value, implicit))  # type: ignore[no-untyped-call]  # PyYAML's stubs


def compose(text: str) -> yaml.Node | None:
    """The one document of a text; None where it holds none.

    Raises:
        yaml.YAMLError: it is no YAML, or more than one document.
    """
    return yaml.compose(text, Loader=Loader)


class TooDeepError(Exception):
    """The document is nested deeper than composing could bear."""


def judge_depth(text: str, most: int) -> None:
    """Look at the depth of a document: composing recurses, reading events does not.

    Args:
        text: of the document.
        most: levels that it may have.

    Raises:
        TooDeepError: it has more.
        yaml.YAMLError: it is no YAML.
    """
    # Each level of a block takes a column or a dash, so that most documents need not be read for it.
    widest = max(len(line) - len(line.lstrip(" -?:")) for line in text.split("\n"))
    if text.count("[") + text.count("{") + widest < most:
        return
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > most:
            raise TooDeepError(f"nested deeper than {most} levels")
