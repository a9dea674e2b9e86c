"""Which names say that a value is secret, and which values are too ordinary to be one."""

from __future__ import annotations

import re

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_STRONG = re.compile(
    r"pass(word|wd|phrase|code)s?\d*(_|$)|(^|_|ssh)pass$|pwd\d*$"
    r"|(secret|token)s?\d*(_|$)|credentials?\d*(_|$)"
    r"|(^|_|[a-z])(api|access|private|auth|signing|encryption|secret|master|shared|account)_?keys?\d*$"
)
_WEAK = re.compile(r"(^|_)keys?$")
"""`key` names a password in one manifest, and the thing itself in the next: `key="disk"`."""
_NO_SECRET = re.compile(
    r"(_file|_files|_path|_dir|_url|_id|_name|_length|_ttl|_timeout|public_keys?|host_keys?|primary_keys?)$"
    r"|_(count|size|limit|policy|type|age|expiry|enabled|required|algorithm|endpoint|host|port|user|username|prefix)$"
    r"|^(max|min|num|no|use|has|is|require|enable|allow|ask)_"
)
_BRACKETS = re.compile(r"\[([^\]]*)\]")
_VALUE_PLACES = frozenset({"@value", "value", "#text"})
"""Where a thing that is told apart by a name keeps its value: `param[@name='db_password']/@value`."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


SHORTEST = 4
"""A shorter value is not searched for in texts: without every `no` or `123` they would say nothing."""
PLACEHOLDERS = _set(
    "none null nil undefined unset empty true false yes no on off y n 0 1 ~ - * ** *** **** ***** ****** ******** n/a "
    "omit default ... <none> [redacted] "
)
"""Values that say that there is no secret, or only whether there is one."""
_COMMON_WORDS = _set(
    "access account active admin agent alias allow amount answer apps archive async auth auto backend backup base "
    "basic batch beta bind block blue body boot branch bridge bucket build bytes cache canary center changed check "
    "class client clone cloud cluster code command commit config configuration connect connection container content "
    "control core count country create current customer customers daemon data database date debug delete demo denied "
    "deploy deployer deployment desc detail develop development device disabled disk docker domain down drive driver "
    "email enable enabled engine entry environment error errors event example expected external failed fallback false "
    "fast field file files filter first flag folder forbidden force format frontend full gateway general global green "
    "group groups guest handler health healthy help high home host hostname hosts http https image inbound index info "
    "input install instance instances integration interface internal invalid invoice issue item items java job jobs "
    "json kernel label language large last latest left level library light limit line linux list live load local "
    "localhost location lock login logs machine mail main maintenance manifest manual mark master max medium memory "
    "merge message metrics middle min missing mode model module monitor month mount name names network never node "
    "nodes normal notes null number object offline online open option order orders origin other output owner package "
    "page parameter partition password path paths pending plain play playbook plugin policy pool port ports postgres "
    "prefix primary print private process prod product production profile program project protocol proxy public pull "
    "push queue random rate read ready redis region release releases reload remote replica report request required "
    "reserve reset resource response restart retry right role roles root route router rule running sandbox schema "
    "scope search second secondary seconds section secure security select server servers service session settings "
    "setup shared shop shopfront short simple single site sites size skip small socket solid source space stable "
    "stage staging standard standby start state static status stdin stdout stop storage store string style success "
    "suffix summary support sync system systemd table tags target targets task tasks team temp template test testing "
    "text theme this thread time timeout title token total trace track traffic trial type unknown update upload "
    "uptime user username users value values version view virtual volume wait warning web week width window windows "
    "worker write year zone "
)
_ORDINARY = re.compile(r"[a-z]{1,4}[0-9]{0,2}|[0-9]{1,5}|[0-9]{1,3}(\.[0-9]{1,4}){1,3}", re.IGNORECASE)
"""`prod`, `fra1`, `8080`, `1.5.0`: codes, ports and versions, such as stand in every message."""
_LONG_ENOUGH = 8


def _snake(name: str) -> str:
    return _CAMEL.sub("_", name.lstrip("@#-")).replace("-", "_").replace(":", "_").lower()


def is_secret_name(name: str) -> bool:
    """Whether a variable, key or attribute of this name holds a secret: `db_password`, `@apiToken`, `secret`."""
    snake = _snake(name)
    return bool(_STRONG.search(snake)) and not _NO_SECRET.search(snake)


def names_secret(name: str, value: object) -> bool:
    """Whether this value of this name is a secret.

    One that says that there is none (`password="none"`) is not; under a mere `key` only what looks like a secret is.
    """
    if value is None or isinstance(value, bool):
        return False
    text = str(value)
    if is_secret_name(name):
        return not is_placeholder(text)
    snake = _snake(name)
    return bool(_WEAK.search(snake)) and not _NO_SECRET.search(snake) and looks_secret(text)


def is_secret_path(path: str, value: str | None) -> bool:
    """Whether this value at this place in a manifest is a secret: `user/@password`, `param[@name='api_token']/@value`.

    What is below such a name is one too, as in `secrets_in`.
    """
    if value is None:
        return False
    names = re.split(r"[/.]", _BRACKETS.sub("", path))
    chosen = [part.rpartition("=") for part in _BRACKETS.findall(path)]
    keys = [word.strip("\"' ") for _, sign, word in chosen if not sign]
    if any(is_secret_name(name) for name in (*names, *keys)):
        return not is_placeholder(value)
    if any(names_secret(name, value) for name in (*names[-1:], *keys[-1:])):
        return True
    holds_value = path.endswith("]") or names[-1] in _VALUE_PLACES
    return holds_value and any(names_secret(word.strip("\"' "), value) for _, sign, word in chosen if sign)


def is_placeholder(value: str) -> bool:
    """Whether a value says that there is no secret: `none`, `true`, nothing at all."""
    return value.strip().casefold() in PLACEHOLDERS or not value.strip()


def is_common(value: str) -> bool:
    """Whether messages have this word also where no secret is meant: `disk`, `prod`, `fra1`, `8080`."""
    plain = value.strip().casefold()
    return is_placeholder(plain) or plain in _COMMON_WORDS or bool(_ORDINARY.fullmatch(plain))


def looks_secret(value: str) -> bool:
    """Whether a value looks made by a program or for no eyes: letters and digits mixed, and not short."""
    text = value.strip()
    has_digit, has_letter = any(c.isdigit() for c in text), any(c.isalpha() for c in text)
    return len(text) >= _LONG_ENOUGH and has_digit and has_letter and not any(c.isspace() for c in text)
