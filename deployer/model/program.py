"""Our code that runs on a deployer host, where nothing of ours is installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Program:
    """Python modules that are streamed to a host and run there on the standard library alone (Python 3.9 or later).

    The module `main` must define `main(request: dict) -> dict`; modules import each other relatively.
    """

    modules: Mapping[str, str]
    """Module name -> source text; `__init__` and `main` among them."""
