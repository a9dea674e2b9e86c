"""libyaml's composer, which remembers what a plain text is: most of the time went into asking that again."""

from __future__ import annotations

import yaml


class Loader(yaml.CSafeLoader):
    """Composes as CSafeLoader does, only quicker."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._tags: dict[tuple[str, tuple[bool, bool]], str] = {}

    def descend_resolver(self, current_node: yaml.Node | None, current_index: object) -> None:
        """Nothing: there are no rules by path."""

    def ascend_resolver(self) -> None:
        """Nothing: there are no rules by path."""

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        """The tag of a node without one."""
        known = self._tags.get((value, implicit)) if kind is yaml.ScalarNode else None
        if known is None:
            known = str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]  # PyYAML's stubs
            if kind is yaml.ScalarNode:
                self._tags[value, implicit] = known
        return known


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
