"""A command line as it may be kept and shown: its secrets are taken out, what else it said is still there."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import yaml

from deployer.model.secret import REDACTED
from deployer.secrets.names import is_secret_name, is_secret_path, names_secret
from deployer.secrets.redactor import Redactor
from deployer.secrets.shapes import without_shapes
from deployer.secrets.values import secrets_in

_Hide = Callable[[str], str]

_EXTRA = re.compile(r"(?P<flags>-[CDvbykKJ]*e)(?P<value>.*)", re.DOTALL)
"""`-e`, also behind flags of one letter, and with its value behind it."""
_PAIR = re.compile(
    r"""(?P<name>[^\s=]+)=(?P<value>(?:\\.|"(?:\\.|[^"\\])*(?:"|$)|'(?:\\.|[^'\\])*(?:'|$)|[^\s"'\\])*)""", re.DOTALL
)
_SET = re.compile(r"(?P<where>(?:\[[^\]]*\]|[^=\[])*)=(?P<value>.*)", re.DOTALL)
_NO_SECRETS = frozenset({"--private-key"})
"""Options that name a file."""


def recorded(arguments: Sequence[str]) -> tuple[str, ...]:
    """The arguments with `[redacted]` in place of every value whose variable, place or option says secret.

    Where `retry` would need such a value, it is not in the record: a person gives it again.
    """
    found: list[str] = []
    hide: _Hide = without_shapes
    for argument in arguments:
        if hide is without_shapes:
            text, hide = _option(argument)
            found.append(text)
        else:
            found.append(hide(argument))
            hide = without_shapes
    return tuple(found)


def extra_variables(arguments: Sequence[str]) -> Iterator[object]:
    """The extra variables in arguments of ansible-playbook, as plain data; those of files are not among them."""
    for text in extra_texts(arguments):
        if text.lstrip().startswith(("{", "[")):
            with contextlib.suppress(yaml.YAMLError):
                yield yaml.safe_load(text)
        else:
            yield {found["name"]: found["value"].strip("\"'") for found in _PAIR.finditer(text)}


def extra_texts(arguments: Sequence[str]) -> Iterator[str]:
    """What is given as extra variables in arguments of ansible-playbook: each text as it is, `@file` too."""
    is_next = False
    for argument in arguments:
        name, sign, value = argument.partition("=")
        extra = _EXTRA.fullmatch(argument)
        if is_next or (extra and extra["value"]):
            yield extra["value"] if extra and not is_next else argument
            is_next = False
        elif _is_extra(name) and sign:
            yield value
        else:
            is_next = bool(extra) or _is_extra(name)


def vault_options(arguments: Sequence[str]) -> Iterator[str]:
    """Where arguments of ansible-playbook say that passwords of vaults are."""
    names = ("--vault-id", "--vault-password-file", "--vault-pass-file")
    for at, argument in enumerate(arguments):
        name, sign, value = argument.partition("=")
        if name in names:
            yield value if sign else next(iter(arguments[at + 1 : at + 2]), "")


def _option(argument: str) -> tuple[str, _Hide]:
    """What may be shown of an argument, and what hides the next one."""
    name, sign, value = argument.partition("=")
    if extra := _EXTRA.fullmatch(argument):
        given = extra["value"]
        return (extra["flags"] + _extra_vars(given), without_shapes) if given else (argument, _extra_vars)
    if not name.startswith("--"):
        return without_shapes(argument), without_shapes
    hide = _hide_of(name)
    return (f"{name}={hide(value)}", without_shapes) if sign else (argument, hide)


def _hide_of(option: str) -> _Hide:
    if _is_extra(option) or option == "--set":
        return _set if option == "--set" else _extra_vars
    is_secret = is_secret_name(option) and not option.startswith("--ask-") and option not in _NO_SECRETS
    return _whole if is_secret else without_shapes


def _is_extra(option: str) -> bool:
    """Ansible's parser takes abbreviations."""
    return option.startswith("--ex") and "--extra-vars".startswith(option)


def _whole(_value: str) -> str:
    return REDACTED


def _set(text: str) -> str:
    """`PATH=VALUE`."""
    found = _SET.fullmatch(text)
    return "=".join(hidden_set(found["where"], found["value"])) if found else without_shapes(text)


def hidden_set(where: str, value: str) -> tuple[str, str]:
    """A place in a manifest, and what may be kept of the value to set there."""
    return where, REDACTED if is_secret_path(where, value) else without_shapes(value)


def _extra_vars(text: str) -> str:
    """What Ansible takes as extra variables: `@file`, JSON, YAML, or `key=value` several times."""
    if text.startswith("@"):
        return text
    return _data(text) if text.lstrip().startswith(("{", "[")) else without_shapes(_PAIR.sub(_pair, text))


def _pair(found: re.Match[str]) -> str:
    value = found["value"].strip("\"'")
    if names_secret(found["name"], value):
        return f"{found['name']}={REDACTED}"
    is_data = value.startswith(("{", "[")) and not value.startswith(("{{", "{%"))
    hidden = _data(value) if is_data else value
    return found[0] if hidden == value else f"{found['name']}={hidden}"


def _data(text: str) -> str:
    """JSON or YAML; where it is neither, nobody knows what is in it."""
    try:
        data: object = yaml.safe_load(text)
    except yaml.YAMLError:
        return REDACTED
    if not isinstance(data, Mapping | list):
        return REDACTED
    hidden = Redactor(secrets_in(data)).value(data)
    return without_shapes(text if hidden == data else json.dumps(hidden, ensure_ascii=False))
