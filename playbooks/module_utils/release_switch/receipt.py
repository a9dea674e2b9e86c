"""What is kept on the host about an instance: the receipt of its last switch, and the journal of one under way."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, fields

from .layout import Layout, read_json, remove, write


@dataclass(frozen=True)
class Receipt:
    """The last run that worked on the instance, and the last switch."""

    run: str = ""
    fence: int = 0
    """The run's number: a run with an older one is refused."""
    version: str = ""
    previous: str = ""
    """The version before; it is kept for a rollback."""
    configuration: str = ""
    """The sha256 of the configuration file."""
    switched_at: str = ""
    """UTC, ISO 8601."""
    switches: int = 0
    """Grows by one when version or configuration really changed."""


@dataclass(frozen=True)
class State:
    """A release with a configuration."""

    version: str
    """Empty for none."""
    configuration: str | None
    """The text; None for no file."""


@dataclass(frozen=True)
class Journal:
    """A switch under way: written before anything changes, removed when it is done or undone."""

    before: State
    """The last good state, to which a rollback goes."""
    wanted: State
    started: bool = False
    """Whether the service was started with what is wanted."""


def read_receipt(layout: Layout) -> Receipt:
    """The receipt; an empty one where there is none."""
    value = read_json(layout.receipt) or {}
    known = {field.name: value[field.name] for field in fields(Receipt) if field.name in value}
    same = {name: given for name, given in known.items() if type(given) is type(getattr(Receipt(), name))}
    return Receipt(**same)


def write_receipt(layout: Layout, receipt: Receipt) -> None:
    """Replace the receipt."""
    write(layout.receipt, json.dumps(asdict(receipt), indent=2) + "\n")


def read_journal(layout: Layout) -> Journal | None:
    """The journal that a crashed run left; None where there is none."""
    value = read_json(layout.journal)
    if value is None:
        return None
    try:
        return Journal(State(**value["before"]), State(**value["wanted"]), bool(value["started"]))
    except (KeyError, TypeError):
        return None


def write_journal(layout: Layout, journal: Journal) -> None:
    """Replace the journal; only its owner may read it, since configurations are in it."""
    write(layout.journal, json.dumps(asdict(journal)) + "\n", mode=0o600)


def remove_journal(layout: Layout) -> None:
    """The switch is done or undone."""
    remove(layout.journal)


def now() -> str:
    """The time for a receipt."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
