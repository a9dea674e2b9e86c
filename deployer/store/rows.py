"""Our values as rows, and back: rows are read as what somebody else may have written."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import TypeVar, Union, get_args, get_origin, get_type_hints

from sqlalchemy import RowMapping, Table

from deployer.store.forms import LONGEST, MOST, check, shown, unusable

Value = TypeVar("Value")


def to_row(table: Table, value: object, **others: object) -> dict[str, object]:
    """The columns of a table from the fields of a value, and from the other names given."""
    names = {column.name for column in table.columns}
    row: dict[str, object] = {name: getattr(value, name) for name in names if hasattr(value, name)}
    return {**row, **others}


def from_row(kind: type[Value], row: Mapping[str, object] | RowMapping, **others: object) -> Value:
    """A value from a row or from its JSON, checked as what somebody else wrote: types, lengths, and forms of names.

    What the row does not have takes the field's default, and what the field's class does not know is passed over: rows
    of an older program and of a newer one are both read.

    Raises:
        StoreError: something in it is of no type or form that we write.
    """
    hints = _hints(kind)  # type: ignore[arg-type]  # mypy does not see that a class can be hashed
    known = {name: _field(kind, name, hints[name], row[name]) for name in hints if _is_there(hints[name], name, row)}
    try:
        return kind(**{**known, **others})
    except TypeError as error:
        raise unusable(kind.__name__, "it lacks what each has") from error


def _is_there(hint: object, name: str, row: Mapping[str, object] | RowMapping) -> bool:
    return name in row and (row[name] is not None or types.NoneType in get_args(hint))


def _field(kind: type, name: str, hint: object, value: object) -> object:
    try:
        found = _typed(hint, value)
        check(kind.__name__, name, found)
    except (ValueError, TypeError) as error:
        raise unusable(kind.__name__, f"{name}: {error}") from error
    return found


@cache
def _hints(kind: type) -> Mapping[str, object]:
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is no dataclass")
    # JsonValue is recursive: inside a parameter it is any JSON, which is left as it is.
    hints = get_type_hints(kind, localns={"JsonValue": object})
    return {field.name: hints[field.name] for field in fields(kind)}


def _typed(hint: object, value: object) -> object:
    """The JSON value as the annotation says; plain data stays as it is. Raises ValueError or TypeError for another."""
    if value is None:
        return None
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is None:
        return _scalar(hint, value) if isinstance(hint, type) else value
    if origin in (Union, types.UnionType):
        parts = [part for part in arguments if part is not types.NoneType]
        # One of many kinds is any JSON.
        return _typed(parts[0], value) if len(parts) == 1 else value
    if origin is tuple:
        return _tuple(arguments, value)
    if not isinstance(value, Mapping):
        raise TypeError(f"{shown(value)} is no mapping")
    return {str(key): _typed(arguments[1], item) for key, item in value.items()}


def _tuple(arguments: tuple[object, ...], value: object) -> object:
    if not isinstance(value, list | tuple) or len(value) > MOST:
        raise ValueError(f"{shown(value)} is no list that we write")
    parts = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
    return tuple(_typed(part, item) for part, item in zip(parts, value, strict=True))


def _scalar(kind: type, value: object) -> object:
    if is_dataclass(kind) and isinstance(value, Mapping):
        return from_row(kind, value)
    if issubclass(kind, Enum):
        return kind(value)
    if issubclass(kind, datetime) and isinstance(value, str):
        return datetime.fromisoformat(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # A bool is an int for Python.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise ValueError(f"{shown(value)} is no {kind.__name__}")
    if isinstance(value, str) and len(value) > LONGEST:
        raise ValueError(f"{shown(value)} is longer than {LONGEST} characters")
    return value
