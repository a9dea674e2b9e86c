"""What must never be written, and how it is taken out of everything that is.

A value counts as a secret when the name of its variable says so (`db_password`, `api_token`), when it came from a
vault, or when it is a vault's password. Ansible's own `no_log` comes on top of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from deployer.model.json import JsonValue
from deployer.model.secret import REDACTED

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase|code)$|(^|_)pass$|pwd$|secret|token|credential|(api|access|private|auth|signing|encryption)_?key$"
    r"|(^|_)key$"
)
_NO_SECRET = re.compile(r"(_file|_path|_dir|_url|_id|_name|_length|_ttl|_timeout|public_key|host_key|primary_key)$")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BRACKETS = re.compile(r"\[([^\]]*)\]")
_VALUE_PLACES = frozenset({"@value", "value", "#text"})
"""Where a thing that is told apart by a name keeps its value: `param[@name='db_password']/@value`."""
_URL_PASSWORD = re.compile(r"(?P<user>://[^\s:/@]*):(?:[^\s@'\"<>]*@)+")
_URL_PARAMETER = re.compile(r"(?P<name>(?<=[?&;])[\w.-]+)=[^\s&;'\"<>]+")
SHORTEST = 4
"""A shorter value is not searched for: taking out every `no` or `123` would make the text useless."""
_PLAIN_LENGTH = 8
_TEMPLATE = re.compile(r"\{\{|\{%")


def is_secret_name(name: str) -> bool:
    """Whether a variable, key or attribute of this name holds a secret: `db_password`, `@apiToken`, `secret`."""
    snake = _CAMEL.sub("_", name.lstrip("@#")).replace("-", "_").lower()
    return bool(_SECRET_NAME.search(snake)) and not _NO_SECRET.search(snake)


def is_secret_path(path: str) -> bool:
    """Whether a place in a manifest holds a secret: `user/@password`, `db.token`, `param[@name='api_token']/@value`.

    What is below such a name is one too, as in `secrets_in`.
    """
    names = re.split(r"[/.]", _BRACKETS.sub("", path))
    chosen = [part.rpartition("=") for part in _BRACKETS.findall(path)]
    keys = [word.strip("\"' ") for _, sign, word in chosen if not sign]
    if any(is_secret_name(name) for name in (*names, *keys)):
        return True
    holds_value = path.endswith("]") or names[-1] in _VALUE_PLACES
    return holds_value and any(is_secret_name(word.strip("\"' ")) for _, sign, word in chosen if sign)


def without_url_secrets(text: str) -> str:
    """The text with `[redacted]` in place of the passwords of URLs, and of their parameters whose name says secret."""
    text = _URL_PASSWORD.sub(rf"\g<user>:{REDACTED}@", text)
    return _URL_PARAMETER.sub(
        lambda found: f"{found['name']}={REDACTED}" if is_secret_name(found["name"]) else found[0], text
    )


def secrets_in(values: object, *, named: bool = False) -> Iterator[str]:
    """The secrets in plain data, at any depth: texts and numbers under a name that says so.

    Args:
        values: mappings, sequences and scalars. A template is no secret: what it stands for is not known here.
        named: whether the values already stand under such a name.
    """
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from secrets_in(value, named=named or is_secret_name(str(name)))
    elif isinstance(values, str):
        if named and not _TEMPLATE.search(values):
            yield values
    elif isinstance(values, Sequence):
        for value in values:
            yield from secrets_in(value, named=named)
    elif named and isinstance(values, int | float) and not isinstance(values, bool):
        yield str(values)


class Redactor:
    """Takes known secrets out of text and data.

    Args:
        secrets: the values. Of a text with several lines every line is one as well, since logs are read by line.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        values = {part for secret in secrets for part in _parts(secret)}
        # Longest first: of two secrets one can begin with the other.
        patterns = [_pattern(value) for value in sorted(values, key=len, reverse=True)]
        self._pattern = re.compile("|".join(patterns)) if patterns else None

    def text(self, text: str) -> str:
        """The same text with `[redacted]` in place of every secret."""
        return self._pattern.sub(REDACTED, text) if self._pattern else text

    def value(self, value: object) -> JsonValue:
        """Data as it may be written: known secrets taken out, and everything under a name that says secret.

        What has no form in JSON becomes text.
        """
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value if self._pattern is None or isinstance(value, bool | None) else self._number(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self._named(str(name), inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        return self.text(str(value))

    def _named(self, name: str, value: object) -> JsonValue:
        is_hidden = is_secret_name(name) and isinstance(value, str | int | float) and not isinstance(value, bool)
        return REDACTED if is_hidden and value != "" else self.value(value)

    def _number(self, value: float) -> JsonValue:
        text = str(value)
        return value if self.text(text) == text else REDACTED


def _parts(secret: str) -> Iterator[str]:
    for part in {secret.strip(), *(line.strip() for line in secret.splitlines())}:
        if len(part) >= SHORTEST:
            yield part
            # As it stands inside JSON, in a repr and in a shell's quotes.
            yield part.replace("\\", "\\\\").replace('"', '\\"')
            yield part.replace("\\", "\\\\").replace("'", "\\'")
            yield part.replace("'", "'\"'\"'")


def _pattern(value: str) -> str:
    """A short value counts only as a word of its own: `main` is not to be found in `maintenance`."""
    escaped = re.escape(value)
    return escaped if len(value) >= _PLAIN_LENGTH else rf"(?<!\w){escaped}(?!\w)"
