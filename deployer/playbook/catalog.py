"""The operations that there are: one folder each, described by its operation.yml (doc/operations.md has the form).

The command line reads them for `--help`, so nothing heavier than PyYAML is imported here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

import yaml

from deployer.errors import OperationError, UsageError
from deployer.model.json import JsonObject, JsonValue
from deployer.model.operation import ManifestUse, Operation, Param, ParamType

DESCRIPTION = "operation.yml"
PLAYBOOK = "playbook.yml"
CHECKS = "checks"
_KEYS = frozenset({"command", "summary", "description", "manifest", "params", "steps", "checks"})
_PARAM_KEYS = frozenset({"type", "default", "summary", "choices", "required"})
_RESERVED = frozenset({"instance", "instances"})
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PARAM_NAME = re.compile(r"[a-z][a-z0-9_]*")
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_T = TypeVar("_T")


class Catalog:
    """The operations of some folders.

    Args:
        folders: searched in this order: an operation of an earlier folder hides one of the same name in a later one.
            A folder that is not there holds none.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    def operations(self) -> tuple[Operation, ...]:
        """Every operation, by name.

        Raises:
            OperationError: an operation.yml cannot be used, or two operations share a command.
        """
        return self._operations

    def operation(self, name_or_command: str) -> Operation:
        """One operation, by the name of its folder or by its short command.

        Raises:
            OperationError: there is none; the hint lists what there is.
        """
        for operation in self._operations:
            if name_or_command in (operation.name, operation.command):
                return operation
        raise OperationError(f"there is no operation {name_or_command!r}", hint=self._known(name_or_command))

    @cached_property
    def _operations(self) -> tuple[Operation, ...]:
        found: dict[str, Operation] = {}
        for folder in self._folders:
            for path in _descriptions(folder):
                name = path.parent.name
                if name not in found:
                    found[name] = self._with_more_checks(read_operation(path))
        return _unambiguous(tuple(_with_shared_checks(found[name], found) for name in sorted(found)))

    def _with_more_checks(self, operation: Operation) -> Operation:
        """The operation, with the checks that earlier folders have for it without replacing it."""
        earlier = takewhile(lambda folder: folder.absolute() != Path(operation.folder).parent, self._folders)
        more = tuple(path for folder in earlier for path in _checks(folder / operation.name))
        return replace(operation, checks=(*operation.checks, *more))

    def _known(self, wanted: str) -> str:
        names = [operation.command for operation in self._operations]
        if not names:
            return f"no operation was found in {', '.join(str(folder) for folder in self._folders) or 'no folder'}"
        near = difflib.get_close_matches(wanted, [*names, *(o.name for o in self._operations)], n=1)
        return (f"did you mean {near[0]}? " if near else "") + f"there are: {', '.join(names)}"


def _descriptions(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise OperationError(f"{folder}: {error.strerror}") from error
    yield from (entry / DESCRIPTION for entry in entries if (entry / DESCRIPTION).is_file())


def _with_shared_checks(operation: Operation, known: Mapping[str, Operation]) -> Operation:
    """The operation, with the checks of those that its operation.yml names under `checks`."""
    if unknown := [name for name in operation.checks_of if name not in known]:
        path = Path(operation.folder) / DESCRIPTION
        raise OperationError(f"{path}: checks: there is no operation {unknown[0]}")
    more = tuple(path for name in operation.checks_of for path in known[name].checks)
    return replace(operation, checks=tuple(dict.fromkeys((*more, *operation.checks))))


def _unambiguous(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    owner: dict[str, str] = {}
    for operation in operations:
        for word in {operation.name, operation.command}:
            if word in owner:
                raise OperationError(f"{owner[word]} and {operation.name} both are the command {word!r}")
            owner[word] = operation.name
    return operations


def read_operation(path: Path) -> Operation:
    """The operation that a file describes.

    Args:
        path: of an operation.yml, beside its playbook.yml.

    Raises:
        OperationError: it cannot be used; file and key are named.
    """
    form = _Form(str(path), "", _load(path))
    form.only(_KEYS)
    name = path.parent.name
    if not _NAME.fullmatch(name):
        raise OperationError(f"{path.parent}: an operation's folder is named in lower case: letters, digits, hyphens")
    playbook = path.parent / PLAYBOOK
    if not playbook.is_file():
        raise OperationError(f"{playbook}: the playbook of the operation is missing")
    return Operation(
        name=name,
        command=form.pattern("command", _NAME),
        summary=form.line("summary"),
        description=form.text("description"),
        folder=str(path.parent.absolute()),
        checks=_checks(path.parent),
        checks_of=form.lines("checks"),
        playbook=str(playbook.absolute()),
        manifest=ManifestUse(form.choice("manifest", [use.value for use in ManifestUse], default="read")),
        params=tuple(_param(form.inner("params", key)) for key in form.mapping("params")),
        steps=form.lines("steps"),
    )


def _checks(folder: Path) -> tuple[str, ...]:
    checks = folder / CHECKS
    return (str(checks.absolute()),) if checks.is_dir() else ()


def _load(path: Path) -> Mapping[str, object]:
    try:
        value = yaml.load(path.read_bytes(), Loader=_LOADER)  # noqa: S506  both are safe loaders
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise OperationError(f"{path}{line}: {getattr(error, 'problem', None) or 'is not YAML'}") from error
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}") from error
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise OperationError(f"{path}: expected keys and values: {', '.join(sorted(_KEYS))}")
    return value


class _Form:
    """One mapping of an operation.yml, read key by key; every complaint names file and key."""

    def __init__(self, path: str, prefix: str, values: Mapping[str, object]) -> None:
        self.path = path
        self.prefix = prefix
        self.values = values

    def wrong(self, key: str, what: str) -> OperationError:
        return OperationError(f"{self.path}: {self.prefix}{key}: {what}")

    def only(self, allowed: Iterable[str]) -> None:
        for key in self.values:
            if key not in allowed:
                raise self.wrong(key, f"there is no such key; there are {', '.join(sorted(allowed))}")

    def typed(self, key: str, kind: type[_T], called: str, default: _T) -> _T:
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise self.wrong(key, f"expected {called}")
        return value

    def text(self, key: str) -> str:
        return self.typed(key, str, "a text", "").strip()

    def line(self, key: str) -> str:
        text = self.text(key)
        if not text or "\n" in text:
            raise self.wrong(key, "expected one line of text")
        return text

    def pattern(self, key: str, pattern: re.Pattern[str]) -> str:
        text = self.line(key)
        if not pattern.fullmatch(text):
            raise self.wrong(key, f"{text!r} is no name: lower case letters, digits and hyphens")
        return text

    def choice(self, key: str, choices: Sequence[str], *, default: str = "") -> str:
        text = self.typed(key, str, "a text", default)
        if text not in choices:
            raise self.wrong(key, f"{text!r} is none of {', '.join(choices)}")
        return text

    def lines(self, key: str) -> tuple[str, ...]:
        items = self.typed(key, list, "a list of texts", [])
        if not all(isinstance(item, str) and item.strip() for item in items):
            raise self.wrong(key, "expected a list of texts")
        return tuple(" ".join(item.split()) for item in items)

    def mapping(self, key: str) -> Mapping[str, object]:
        return self.typed(key, dict, "keys and values", {})

    def inner(self, key: str, name: object) -> tuple[str, _Form]:
        if not isinstance(name, str) or not _PARAM_NAME.fullmatch(name):
            raise self.wrong(key, f"{name!r} is no name of a variable: lower case letters, digits, underscores")
        if name in _RESERVED or name.startswith("ansible_"):
            raise self.wrong(f"{key}.{name}", "this variable has a meaning of its own in every playbook")
        values = self.mapping(key)[name]
        if not isinstance(values, dict):
            raise self.wrong(f"{key}.{name}", f"expected keys and values: {', '.join(sorted(_PARAM_KEYS))}")
        return name, _Form(self.path, f"{self.prefix}{key}.{name}.", values)


def _param(named: tuple[str, _Form]) -> Param:
    name, form = named
    form.only(_PARAM_KEYS)
    kind = ParamType(form.choice("type", [kind.value for kind in ParamType]))
    param = Param(
        name=name,
        type=kind,
        summary=form.line("summary"),
        choices=form.lines("choices"),
        required=form.typed("required", bool, "true or false", default=False),
    )
    if (kind is ParamType.CHOICE) != bool(param.choices):
        raise form.wrong("choices", "belong to the type choice, and to no other")
    default = form.values.get("default")
    if default is None:
        return param
    if param.required:
        raise form.wrong("default", "a required parameter has none")
    try:
        return Param(name, kind, param.summary, _of_type(param, default), param.choices)
    except ValueError as error:
        raise form.wrong("default", str(error)) from error


def params_of(operation: Operation, given: Mapping[str, JsonValue]) -> JsonObject:
    """The parameters of one run: what was given, converted, and the defaults of the rest.

    Args:
        operation: what is run.
        given: name -> value: text from a command line (`keep_releases` or `keep-releases`), or JSON. A list in text
            is written `a,b`. A parameter without default that is not given is left out.

    Raises:
        UsageError: a parameter is unknown, missing, or has a value that is not of its type.
    """
    named = {name.replace("-", "_"): value for name, value in given.items()}
    known = {param.name: param for param in operation.params}
    if unknown := sorted(named.keys() - known.keys()):
        raise UsageError(
            f"{operation.command} has no parameter {unknown[0]!r}",
            hint=f"it has: {', '.join(known)}" if known else "it has none",
        )
    values: dict[str, JsonValue] = {}
    for param in operation.params:
        value = named.get(param.name)
        if value is not None:
            values[param.name] = _given(operation, param, value)
        elif param.required:
            raise UsageError(f"{operation.command} needs the parameter {param.name!r}: {param.summary}")
        elif param.default is not None:
            values[param.name] = param.default
    return values


def _given(operation: Operation, param: Param, value: JsonValue) -> JsonValue:
    try:
        return _of_type(param, _from_text(param, value) if isinstance(value, str) else value)
    except ValueError as error:
        raise UsageError(f"{operation.command}: {param.name}: {error}") from error


def _from_text(param: Param, text: str) -> JsonValue:
    """What a person typed, as a value of the parameter's type; the text itself where it is none."""
    try:
        if param.type is ParamType.INTEGER:
            return int(text)
        if param.type is ParamType.NUMBER:
            return float(text)
    except ValueError:
        return text
    if param.type is ParamType.BOOLEAN:
        return _WORDS.get(text.lower(), text)
    if param.type is ParamType.LIST:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _of_type(param: Param, value: object) -> JsonValue:
    """The value, when it is of the parameter's type; raises ValueError."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if param.type is ParamType.INTEGER and is_number and isinstance(value, int):
        return value
    if param.type is ParamType.NUMBER and is_number and isinstance(value, int | float) and abs(value) < float("inf"):
        return value
    if param.type is ParamType.BOOLEAN and isinstance(value, bool):
        return value
    if param.type is ParamType.LIST and isinstance(value, list) and all(isinstance(part, str) for part in value):
        return value
    if param.type in (ParamType.STRING, ParamType.CHOICE) and isinstance(value, str):
        if param.choices and value not in param.choices:
            raise ValueError(f"{value!r} is none of {', '.join(param.choices)}")
        return value
    raise ValueError(f"{value!r} is no {param.type.value}")
