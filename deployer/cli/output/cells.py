"""Words for rich, cleaned: the only place that makes them, so that none of a table or a live line is forgotten."""

from __future__ import annotations

from typing import NewType

from rich.console import Console
from rich.text import Text

from deployer.secrets.shapes import without_shapes
from deployer.visible import visible

__all__ = ["Console", "Words", "joined", "words"]

Words = NewType("Words", Text)
"""A text of rich that was cleaned."""


def words(text: str, style: str = "", *, is_cut: bool = False) -> Words:
    """A text on one line.

    Args:
        text: whatever it is; markup in it means nothing.
        style: as rich names colours.
        is_cut: where there is no room for it its end is left out; else it goes on below.
    """
    shown = visible(without_shapes(text))
    if is_cut:
        return Words(Text(shown, style=style, overflow="ellipsis", no_wrap=True))
    return Words(Text(shown, style=style))


def joined(*parts: Words) -> Words:
    """The parts, two blanks apart."""
    return Words(Text("  ").join(parts))
