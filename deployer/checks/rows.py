"""What a process of checks tells the controller."""

from __future__ import annotations

import json
import os

from deployer.model.json import JsonValue


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
        """One row."""
        data = json.dumps({"row": row, **values}, ensure_ascii=True).encode() + b"\n"
        while data:
            data = data[os.write(self._descriptor, data) :]
