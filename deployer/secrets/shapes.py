"""What is a secret by its form alone, whatever its value: in texts of others nobody knows the values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from deployer.model.secret import REDACTED
from deployer.secrets.names import is_common, is_secret_name, looks_secret, names_secret

_SCHEME = r"(?P<scheme>\b[a-zA-Z][a-zA-Z0-9+.-]{0,30}://)"
# Behind the first colon of an authority: a port and its end is no password. A password may hold `/`, `@`, `:`, `?`
# and a space, though each of them should be percent-encoded: people paste it as it is.
_NO_PORT = r"(?!\d{1,5}(?:[/?#\s,.;:)\]}'\"<>]|$))"
_PASSWORD = re.compile(
    rf"{_SCHEME}(?P<user>[^\s/@:'\"<>\[]*):{_NO_PORT}"
    r"(?P<password>(?:(?!://)[^\s'\"<>])*|(?![\s/])(?:(?!://)[^\n\r'\"<>@]){1,80})@(?=[\w\[{])"
)
_WHOLE = re.compile(rf"{_SCHEME}[^/@:]*:{_NO_PORT}(?P<password>.+)@[^@]*", re.DOTALL)
_AUTHORITY = re.compile(rf"{_SCHEME}[^/?#@:]*:{_NO_PORT}(?P<password>[^/?#]+)@[^@/?#]*(?:[/?#].*)?", re.DOTALL)
"""A text that is a URL and nothing else, as people mean it and as the standard has it."""
_TOKEN = re.compile(r"(?P<scheme>\b(?:[a-zA-Z0-9]{1,20}\+)?https?://)(?:[^\s/@'\"<>]+@)+", re.IGNORECASE)
_ENCODED = re.compile(r"(?P<scheme>\w%3A%2F%2F)(?:(?!%2F)[\w.~%+-]){1,300}%40", re.IGNORECASE)
"""A URL inside the parameter of another."""
_PARAMETER = re.compile(r"(?P<name>(?<=[?&;])[\w.-]+)=(?P<value>[^\s&;'\"<>]+)")
_SIGNATURE = re.compile(r"(^|[-_])(sig|signature|credential|hmac|sas)$", re.IGNORECASE)
_HEADER = re.compile(
    r"(?P<name>\b(?:proxy-)?authorization|\b(?:[a-z0-9]{1,30}-){1,6}(?:token|api-?key|secret|access-key|signature))"
    r"(?P<sign>\\{0,8}[\"']?\s{0,8}[:=]\s{0,8}\\{0,8}[\"']?)"
    r"(?P<value>(?:digest|aws4-hmac-sha256|hawk|oauth)\s[^\r\n]*"
    r"|(?:(?:basic|bearer|token|negotiate|ntlm|splunk)\s+)?[^\s\"'\\,;}]+)",
    re.IGNORECASE,
)
_COOKIE = re.compile(
    r"(?P<name>\b(?:set-)?cookie[\"']?\s{0,8}[:=]\s{0,8}[\"']?)[^\s\"'=]{1,99}=[^\r\n\"']*", re.IGNORECASE
)
_BEARER = re.compile(r"(?P<scheme>\b(?:bearer|basic)\s+)(?P<value>[\w.~+/-]{16,}={0,2})", re.IGNORECASE)
_KEY_END = r"(?:[A-Z0-9]+ )*PRIVATE KEY-----"
_PRIVATE_KEY = re.compile(
    rf"(?P<begin>-----BEGIN {_KEY_END})"
    rf"(?:(?:(?!-----)[\s\w\\+/=:,.-])*-----END {_KEY_END}|(?:(?:\\{{1,8}}[nr]|\s)+[A-Za-z0-9+/=]{{20,}})+)"
)
_QUOTED = r"(?P<open>\\{0,8}[\"'])(?:(?!(?P=open))(?:\\.|[^\\\n])){0,4000}(?P=open)"
_ASSIGNED = re.compile(
    rf"(?P<name>(?<![\w.%/-])(?:--?)?[A-Za-z_][\w.-]{{0,63}})(?P<sign>=|\\{{0,8}}[\"']\s{{0,8}}:\s{{0,8}})"
    rf"(?P<value>{_QUOTED}|[^\s\"'&;,<>)}}\]\\\[{{(][^\s\"'&;,<>)}}\]\\]*)"
)
_OPTION = re.compile(r"(?P<name>(?<![\w-])--[a-z][a-z-]{1,40})(?P<sign> +)(?P<value>[^\s\"'-][^\s\"']*)")
_LINE = re.compile(r"^(?P<name>[ \t-]{0,80}[A-Za-z_][\w.-]{0,63})(?P<sign>:[ \t]+)(?P<value>\S+)[ \t]*$", re.MULTILINE)
_REFERENCES = ("{{", "{%", "$", "%(", "@")
_QUOTES = "\\\"'"
_HIDDEN = REDACTED.removesuffix("]")
"""A value can end before the bracket."""


def without_shapes(text: str) -> str:
    """The text with `[redacted]` in place of what is a secret by its form.

    The user information of URLs, parameters of URLs that are named as secrets or signatures, headers that log in,
    private keys, and values that are assigned to a name of a secret. Of a URL that is no https the user stays.
    """
    if "://" in text or "%3" in text or "?" in text:
        text = without_url_secrets(text)
    if "-----BEGIN " in text:
        text = _PRIVATE_KEY.sub(rf"\g<begin>{REDACTED}", text)
    if ":" in text or "=" in text:
        text = _COOKIE.sub(rf"\g<name>{REDACTED}", _HEADER.sub(_header, text))
        text = _ASSIGNED.sub(_assigned, text)
        text = _LINE.sub(_told, text)
    text = _BEARER.sub(_bearer, text)
    return _OPTION.sub(_told, text) if "--" in text else text


def without_url_secrets(text: str) -> str:
    """The text with `[redacted]` in place of the secrets of URLs."""
    text = _PASSWORD.sub(_user_and_password, text)
    text = _TOKEN.sub(rf"\g<scheme>{REDACTED}@", text)
    text = _ENCODED.sub(rf"\g<scheme>{REDACTED}%40", text)
    return _PARAMETER.sub(_parameter, text)


def passwords_of_urls(text: str) -> Iterator[str]:
    """The passwords of the URLs in a text, as they are written there; of https a user without a password too."""
    if "://" not in text:
        return
    for form in (_WHOLE, _AUTHORITY):
        if whole := form.fullmatch(text.strip()):
            yield whole["password"]
    for found in _PASSWORD.finditer(text):
        yield found["password"]
    for found in _TOKEN.finditer(_PASSWORD.sub(r"\g<scheme>", text)):
        yield found[0][len(found["scheme"]) : -1]


def host_of(url: str) -> str:
    """The host of a URL for a message; empty where nobody can tell it from a secret."""
    try:
        host = urlsplit(without_url_secrets(url).replace(f"{REDACTED}@", "")).hostname
    except ValueError:
        # Its words hold the URL.
        return ""
    return host or ""


def _user_and_password(found: re.Match[str]) -> str:
    # A token is often given as the user of https, with anything as its password.
    is_web = found["scheme"].casefold().endswith(("https://", "http://"))
    return f"{found['scheme']}{'' if is_web else found['user'] + ':'}{REDACTED}@"


def _parameter(found: re.Match[str]) -> str:
    is_secret = names_secret(found["name"], found["value"]) or _SIGNATURE.search(found["name"])
    return f"{found['name']}={REDACTED}" if is_secret else found[0]


def _header(found: re.Match[str]) -> str:
    name, value = found["name"], found["value"]
    return found[0] if is_common(value) or _HIDDEN in value else f"{name}{found['sign']}{REDACTED}"


def _bearer(found: re.Match[str]) -> str:
    # `Basic authentication-required` is English.
    is_word = found["value"].casefold() == found["value"] and not any(c.isdigit() for c in found["value"])
    return found[0] if is_word else f"{found['scheme']}{REDACTED}"


def _assigned(found: re.Match[str]) -> str:
    """`password=…`, `"password": "…"`: unless the value is an ordinary word, or says where the secret is."""
    quoted = found["value"]
    value = quoted.strip(_QUOTES)
    if not _is_named(found) or is_common(value):
        return found[0]
    opening = found["open"] or ""
    return f"{found['name']}{found['sign']}{opening}{REDACTED}{opening}"


def _told(found: re.Match[str]) -> str:
    """`--password …`, `password: …`: a sentence can begin so, and only what looks like a secret is none."""
    value = found["value"].strip(_QUOTES)
    if not _is_named(found) or not looks_secret(value):
        return found[0]
    at = found.start("value") - found.start() + found["value"].index(value)
    return f"{found[0][:at]}{REDACTED}{found[0][at + len(value) :]}"


def _is_named(found: re.Match[str]) -> bool:
    value = found["value"].strip(_QUOTES)
    is_known = _HIDDEN in value or value.startswith(_REFERENCES)
    return not is_known and is_secret_name(found["name"].strip(" \t-").rpartition(".")[2])
