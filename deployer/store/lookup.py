"""Which runs are meant."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Select, Text, func, select, type_coerce

from deployer.errors import UsageError
from deployer.store.tables import RUNS

_NAMED = 3


def newest(*, limit: int, site: str = "", operation: str = "") -> Select[Any]:  # Any: SQLAlchemy's type of whole rows
    """The newest runs first; of one site and of one operation where they are named."""
    chosen = select(RUNS).order_by(RUNS.c.started.desc(), RUNS.c.id.desc()).limit(limit)
    if operation:
        chosen = chosen.where(RUNS.c.operation == operation)
    if site:
        # The JSON list has the name in quotes: it is there when taking it out makes a difference. LIKE would need
        # its wildcards escaped, and SQLite's knows no upper and lower case.
        sites = type_coerce(RUNS.c.sites, Text)
        chosen = chosen.where(func.replace(sites, json.dumps(site), "") != sites)
    return chosen


def find(connection: Connection, run: str) -> str:
    """The id of a run from its id, a unique beginning of it, or `last`.

    Raises:
        UsageError: there is none, or there are several.
    """
    if run == "last":
        found = _ids(connection, 1)
    elif connection.execute(select(RUNS.c.id).where(RUNS.c.id == run)).first():
        return run
    else:
        found = _ids(connection, _NAMED + 1, beginning=run) if run else []
    if len(found) > 1:
        raise UsageError(f"several runs begin with {run}", hint=_listed("Some of them", found[:_NAMED]))
    if not found:
        raise UsageError(f"there is no run {run!r}", hint=_listed("The newest", _ids(connection, _NAMED)))
    return found[0]


def _ids(connection: Connection, limit: int, *, beginning: str = "") -> list[str]:
    begins = func.substr(RUNS.c.id, 1, len(beginning)) == beginning
    ids = newest(limit=limit).with_only_columns(RUNS.c.id).where(begins)
    return list(connection.execute(ids).scalars())


def _listed(which: str, ids: list[str]) -> str:
    return f"{which}: {', '.join(ids)}" if ids else "No run was recorded yet"
