"""Our code that runs on a deployer host, where nothing of ours is installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Program:
    """Python modules that are streamed to a host and run there on the standard library alone (Python 3.9 or later).

    The module `main` must define `main(request: dict) -> dict`; modules import each other relatively.
    """

    modules: Mapping[str, str]
    """Module name -> source text; `__init__` and `main` among them."""

    code: Mapping[str, bytes] = field(default_factory=dict)
    """Module name -> its code as this Python's `marshal` writes it, of all modules or none: a host whose Python is of
    the same version need not compile the texts, which takes longer than most of what programs do."""
