"""Our values as rows, and back."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import TypeVar, Union, get_args, get_origin, get_type_hints

from sqlalchemy import RowMapping, Table

Value = TypeVar("Value")


def to_row(table: Table, value: object, **others: object) -> dict[str, object]:
    """The columns of a table from the fields of a value, and from the other names given."""
    names = {column.name for column in table.columns}
    row: dict[str, object] = {name: getattr(value, name) for name in names if hasattr(value, name)}
    return {**row, **others}


def from_row(kind: type[Value], row: Mapping[str, object] | RowMapping, **others: object) -> Value:
    """A value from a row or from its JSON.

    What the row does not have takes the field's default, and what the field's class does not know is passed over: rows
    of an older program and of a newer one are both read.
    """
    hints = _hints(kind)  # type: ignore[arg-type]  # mypy does not see that a class can be hashed
    known = {name: _typed(hints[name], row[name]) for name in hints if name in row}
    return kind(**{**known, **others})


@cache
def _hints(kind: type) -> Mapping[str, object]:
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is no dataclass")
    # JsonValue is recursive: inside a parameter it is any JSON, which is left as it is.
    hints = get_type_hints(kind, localns={"JsonValue": object})
    return {field.name: hints[field.name] for field in fields(kind)}


def _typed(hint: object, value: object) -> object:
    """The JSON value as the annotation says; plain data stays as it is."""
    if value is None:
        return None
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is None:
        return _scalar(hint, value) if isinstance(hint, type) else value
    if origin in (Union, types.UnionType):
        return _typed(next(part for part in arguments if part is not types.NoneType), value)
    if origin is tuple and isinstance(value, list):
        parts = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(_typed(part, item) for part, item in zip(parts, value, strict=True))
    if isinstance(value, Mapping) and arguments:
        return {key: _typed(arguments[1], item) for key, item in value.items()}
    return value


def _scalar(kind: type, value: object) -> object:
    if is_dataclass(kind) and isinstance(value, Mapping):
        return from_row(kind, value)
    if issubclass(kind, Enum):
        return kind(value)
    if issubclass(kind, datetime) and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value
