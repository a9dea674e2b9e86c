"""Takes secrets out of what git says and is called with: a URL may carry a password or a token."""

from __future__ import annotations

import re
from collections.abc import Mapping

from deployer.model.json import JsonValue

_PASSWORD = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<user>[^\s/@:'\"]*):[^\s/'\"]*@")
_TOKEN = re.compile(r"(?P<scheme>https?://)[^\s/@'\"]+@", re.IGNORECASE)
_HEADER = re.compile(r"(?i)(authorization|private-token|x-access-token)(\s*[:=]\s*)((basic|bearer|token)\s+)?\S+")


def redact(text: str) -> str:
    """The text without passwords and tokens; a bare user (`git@host`) stays."""
    text = _PASSWORD.sub(r"\g<scheme>[redacted]@", text)
    text = _TOKEN.sub(r"\g<scheme>[redacted]@", text)
    return _HEADER.sub(r"\1\2[redacted]", text)


def redact_all(value: JsonValue) -> JsonValue:
    """The same for every text in a document."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: redact_all(item) for key, item in value.items()}
    return [redact_all(item) for item in value] if isinstance(value, list | tuple) else value
