"""The secrets in plain data: by the names of values, and in URLs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from urllib.parse import unquote

from deployer.secrets.names import is_common, is_placeholder, is_secret_name, looks_secret, names_secret
from deployer.secrets.shapes import passwords_of_urls

_LINE = re.compile(r"(?P<name>[\w.-]+)[\"']?[ \t]*[:=][ \t]*(?P<value>[^\s#][^\n]*)")
_TEMPLATE = re.compile(r"\{\{|\{%")


def secrets_in(values: object, *, named: bool = False) -> Iterator[str]:
    """The secrets in plain data, at any depth: texts and numbers under a name that says so, and those in URLs.

    Args:
        values: mappings, sequences and scalars. A template is no secret: what it stands for is not known here.
        named: whether the values already stand under such a name.
    """
    if isinstance(values, Mapping):
        for name, value in values.items():
            is_named = is_secret_name(str(name)) or (isinstance(value, str) and names_secret(str(name), value))
            yield from secrets_in(value, named=named or is_named)
    elif isinstance(values, str):
        yield from _of_text(values, named=named)
    elif isinstance(values, Sequence) and not isinstance(values, bytes | bytearray):
        for value in values:
            yield from secrets_in(value, named=named)
    elif named and isinstance(values, int | float) and not isinstance(values, bool):
        yield str(values)


def _of_text(text: str, *, named: bool) -> Iterator[str]:
    if named and not _TEMPLATE.search(text) and not is_placeholder(text):
        yield text
    for password in passwords_of_urls(text):
        if not _TEMPLATE.search(password) and not is_placeholder(password):
            yield password
            if (plain := unquote(password)) != password:
                yield plain


def likely_secrets_in(values: object, ordinary: Collection[str]) -> Iterator[str]:
    """The secrets in data of which only a name tells: less those whose value is an ordinary word.

    Args:
        values: a manifest. Whoever wrote `token="prod"` there does not make every `prod` in a log a secret.
        ordinary: names of sites, hosts, targets …, such as messages are made of.
    """
    known = {word.casefold() for word in ordinary}
    return (text for text in secrets_in(values) if not is_common(text) and text.strip().casefold() not in known)


def texts_in(values: object) -> Iterator[str]:
    """Every text and number of plain data that is no ordinary word: the secrets of a file that is encrypted whole."""
    if isinstance(values, Mapping):
        for value in values.values():
            yield from texts_in(value)
    elif isinstance(values, Sequence) and not isinstance(values, str | bytes):
        for value in values:
            yield from texts_in(value)
    elif isinstance(values, str | int | float) and not isinstance(values, bool):
        text = str(values)
        if not is_common(text) and not _TEMPLATE.search(text):
            yield text


def secrets_of_command(argv: Sequence[str]) -> Iterator[str]:
    """What in the arguments of a command can be a secret: behind an option that says so, in a URL, or by its look."""
    for before, word in zip(("", *argv), argv, strict=False):
        name, sign, value = word.partition("=")
        yield from secrets_in({name: value} if sign else {before: word})
        if looks_secret(value or word):
            yield value or word


def secrets_of_lines(text: str) -> Iterator[str]:
    """The secrets in a file of variables that nobody can parse: the rest of each line behind a name that says so."""
    for found in _LINE.finditer(text):
        rest = found["value"].strip().rstrip(",").strip("\"' ")
        yield from secrets_in({found["name"]: rest})
        yield from secrets_in({found["name"]: rest.partition(" ")[0].strip("\"'")})
