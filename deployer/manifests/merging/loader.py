"""libyaml's composer, which remembers what a plain text is: most of the time went into asking that again."""

from __future__ import annotations

import functools
import operator

import yaml

_RESOLVER = yaml.resolver.Resolver()
_LARGE = 1_000_000
"""Characters of a document whose texts are not worth remembering for the next."""


@functools.lru_cache(maxsize=8192)
def _tag(kind: type[yaml.Node], value: str | None, implicit: object) -> str:
    """The tag of a node without one."""
    return str(_RESOLVER.resolve(kind, value, implicit))  # type: ignore[no-untyped-call]  # PyYAML's stubs


class Loader(yaml.CSafeLoader):
    """Composes as CSafeLoader does, only quicker: what it asks for each node needs no frame of Python."""

    # There are no rules by path, so that these, asked before and behind every node, have nothing to do.
    descend_resolver = staticmethod(operator.is_)  # type: ignore[assignment]  # what they return is not used
    ascend_resolver = staticmethod(int)  # type: ignore[assignment]
    resolve = staticmethod(_tag)


def compose(text: str) -> yaml.Node | None:
    """The one document of a text; None where it holds none.

    Raises:
        yaml.YAMLError: it is no YAML, or more than one document.
    """
    try:
        return yaml.compose(text, Loader=Loader)
    finally:
        if len(text) > _LARGE:
            _tag.cache_clear()


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
    # Each level of a block takes a column or a dash, so that most documents need not be read for it. A line of YAML
    # may end with a carriage return alone, and with other signs that `splitlines` knows.
    widest = max((len(line) - len(line.lstrip(" -?:")) for line in text.splitlines()), default=0)
    if text.count("[") + text.count("{") + widest < most:
        return
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > most:
            raise TooDeepError(f"nested deeper than {most} levels")
