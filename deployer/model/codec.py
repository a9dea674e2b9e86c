"""Our values as JSON documents, for `--json`, the store and logs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Protocol, runtime_checkable

from deployer.model.json import JsonValue

SCHEMA_VERSION = 1
"""Of every document that `--json` prints (doc/json.md). It changes only when a reader would break."""


@runtime_checkable
class _Path(Protocol):
    """A path of the file system, recognised by its protocol: the model imports nothing that does I/O."""

    def __fspath__(self) -> str: ...


def to_json(value: object) -> JsonValue:
    """The value as plain JSON data: dataclasses become objects, times ISO 8601, enums their value, paths text.

    Raises:
        TypeError: for a value of a kind that has no form in JSON.
    """
    if isinstance(value, Enum):
        return to_json(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime | _Path):
        return value.isoformat() if isinstance(value, datetime) else value.__fspath__()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")
