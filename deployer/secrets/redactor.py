"""Takes known secrets, in each of their spellings, and what is a secret by its form out of texts and data."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from deployer.model.json import JsonValue
from deployer.model.secret import REDACTED
from deployer.secrets import spelling
from deployer.secrets.names import is_placeholder, is_secret_name, names_secret
from deployer.secrets.shapes import without_shapes


@dataclass(frozen=True)
class _Sought:
    """A secret; compiled when a text can hold it: of thousands of secrets few are ever met."""

    secret: str
    digits: str
    """Of base64; empty for the secret itself."""
    is_ordinary: bool

    @cached_property
    def plain(self) -> re.Pattern[str]:
        return re.compile(spelling.pattern(self.secret, is_ordinary=self.is_ordinary))

    @cached_property
    def base64(self) -> re.Pattern[str]:
        return re.compile(spelling.base64_pattern(self.digits))

    def taken_out(self, text: str) -> str:
        return self._of_base64(text) if self.digits else self.plain.sub(REDACTED, text)

    def _of_base64(self, text: str) -> str:
        """The whole run of base64 goes: what stands beside a secret in it shares its digits."""
        kept, last = [], 0
        for match in self.base64.finditer(text):
            start, end = spelling.run_of_base64(text, *match.span())
            if start >= last and any(self.plain.search(plain) for plain in spelling.decoded(text[start:end])):
                kept += [text[last:start], REDACTED]
                last = spelling.behind_base64(text, end)
        return "".join((*kept, text[last:]))


class Redactor:
    """Takes secrets out of text and data.

    Args:
        secrets: the values. Of a text with several lines every line is one as well, since logs are read by line.
        ordinary: names that messages are made of: a secret that equals one is taken out only where it stands alone.
    """

    def __init__(self, secrets: Iterable[str], ordinary: Collection[str] = ()) -> None:
        known = {word.casefold() for word in ordinary}
        values = {part for secret in secrets if not is_placeholder(secret) for part in spelling.parts(secret)}
        self._always: list[_Sought] = []
        # By four letters of each: most texts have none of them, and one look at a text tells.
        self._by_gram: dict[str, list[_Sought]] = {}
        for value in values:
            for sought in _sought(value, is_ordinary=value.casefold() in known):
                gram = spelling.gram(sought.digits or sought.secret)
                (self._by_gram.setdefault(gram, []) if gram else self._always).append(sought)

    def text(self, text: str) -> str:
        """The same text with `[redacted]` in place of every secret."""
        for sought in self._found(text):
            text = sought.taken_out(text)
        return without_shapes(text)

    def _found(self, text: str) -> list[_Sought]:
        """What can be in the text, longest first: of two secrets one can begin with the other."""
        found = list(self._always)
        if self._by_gram:
            grams = {text[at : at + 4] for at in range(len(text) - 3)} & self._by_gram.keys()
            found += [sought for gram in grams for sought in self._by_gram[gram]]
        return sorted(found, key=lambda sought: len(sought.secret), reverse=True)

    def value(self, value: object) -> JsonValue:
        """Data as it may be written: known secrets taken out, and everything under a name that says secret.

        What has no form in JSON becomes text.
        """
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._number(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self._named(str(name), inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        return self.text(str(value))

    def _named(self, name: str, value: object) -> JsonValue:
        if isinstance(value, Mapping | list | tuple):
            return hidden_whole(value) if is_secret_name(name) else self.value(value)
        return REDACTED if names_secret(name, value) else self.value(value)

    def _number(self, value: float) -> JsonValue:
        text = str(value)
        return value if self.text(text) == text else REDACTED


def hidden_whole(value: object) -> JsonValue:
    """Data of which everything is secret: the names in it and what says that there is none stay."""
    if isinstance(value, Mapping):
        return {str(name): hidden_whole(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [hidden_whole(inner) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    return str(value) if is_placeholder(str(value)) else REDACTED


def without_unknown(value: JsonValue) -> JsonValue:
    """Data without what is a secret by its form, for whoever knows no values."""
    if isinstance(value, str):
        return without_shapes(value)
    if isinstance(value, Mapping):
        return {name: without_unknown(inner) for name, inner in value.items()}
    return [without_unknown(inner) for inner in value] if isinstance(value, list | tuple) else value


def _sought(secret: str, *, is_ordinary: bool) -> Iterator[_Sought]:
    for digits in ("", *spelling.encoded(secret)):
        yield _Sought(secret, digits, is_ordinary)
