"""What a process of checks tells the controller."""

from __future__ import annotations

import json
import os

from deployer.model.json import JsonValue

LONGEST = 100_000
"""Characters of a text in a row: what a check compares may have any length, and pytest tells it whole."""


class Rows:
    """JSON objects, one a line, on a pipe.

    Args:
        descriptor: of the pipe.
    """

    def __init__(self, descriptor: int) -> None:
        # Nothing that a check starts may keep the controller waiting for the end of this pipe.
        os.set_inheritable(descriptor, False)  # noqa: FBT003  it has no keyword
        self._descriptor = descriptor

    def tell(self, row: str, **values: JsonValue) -> None:
        """One row; a text in it is told up to its longest."""
        told = {name: value[:LONGEST] if isinstance(value, str) else value for name, value in values.items()}
        data = json.dumps({"row": row, **told}, ensure_ascii=True).encode() + b"\n"
        while data:
            data = data[os.write(self._descriptor, data) :]
