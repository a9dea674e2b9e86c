"""The tables as the newest migration leaves them, for building queries."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sqlalchemy import Boolean, Column, ForeignKey, Integer, MetaData, Table, Text, TypeDecorator
from sqlalchemy.engine import Dialect

from deployer.model.codec import to_json
from deployer.model.json import JsonValue
from deployer.secrets.redactor import without_unknown
from deployer.secrets.shapes import without_shapes
from deployer.store.forms import shown, unusable


class Moment(TypeDecorator[datetime]):
    """A time with its zone, kept in UTC to the microsecond; as text it sorts by time."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002  SQLAlchemy's
        """To the database; a time without a zone is a mistake of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's
        """From the database."""
        try:
            return None if value is None else datetime.fromisoformat(value)
        except ValueError as error:
            raise unusable("time", shown(value)) from error


class Json(TypeDecorator[object]):
    """A value of ours as JSON text, without secrets. Only ASCII is written: NUL and broken UTF-8 of a host pass too."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str:  # noqa: ARG002  SQLAlchemy's signature
        """To the database."""
        return json.dumps(without_unknown(to_json(value)))

    def process_result_value(self, value: str | None, dialect: Dialect) -> JsonValue:  # noqa: ARG002  SQLAlchemy's
        """From the database, as plain data."""
        try:
            data: JsonValue = json.loads(value or "null")
        except (ValueError, RecursionError) as error:
            raise unusable("value", "it is no JSON") from error
        return data


class Words(TypeDecorator[str]):
    """Text for people, without secrets. NUL, which PostgreSQL refuses, and half surrogates become U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  SQLAlchemy's
        """To the database."""
        if value is None:
            return None
        return without_shapes(value).replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


_METADATA = MetaData()

SCHEMA_VERSION = Table(
    "schema_version",
    _METADATA,
    Column("version", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("applied", Moment, nullable=False),
)

RUNS = Table(
    "runs",
    _METADATA,
    Column("id", Words, primary_key=True),
    Column("operation", Words),
    Column("environment", Words),
    Column("sites", Json),
    Column("instances", Json),
    Column("who", Words),
    Column("controller", Words),
    Column("started", Moment),
    Column("state", Text),
    Column("check", Boolean),
    Column("params", Json),
    Column("arguments", Json),
    Column("asked", Json),
    Column("retry_of", Words),
    Column("revisions", Json),
    Column("ended", Moment),
    Column("exit_code", Integer),
    Column("log", Words),
)

TARGETS = Table(
    "targets",
    _METADATA,
    Column("run", ForeignKey(RUNS.c.id), primary_key=True),
    Column("target", Words, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("position", Integer),
    Column("site", Words),
    Column("outcome", Text),
    Column("running", Words),
    Column("version_before", Words),
    Column("version_after", Words),
    Column("error", Words),
    Column("task", Words),
    Column("diff", Words),
    Column("started", Moment),
    Column("ended", Moment),
)

EVENTS = Table(
    "events",
    _METADATA,
    Column("run", ForeignKey(RUNS.c.id), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("time", Moment),
    Column("kind", Words),
    Column("text", Words),
    Column("target", Words),
    Column("data", Json),
)

MANUAL_WORK = Table(
    "manual_work",
    _METADATA,
    Column("id", Words),
    Column("host", Words),
    Column("path", Words),
    Column("opened", Moment),
    Column("closed", Moment),
    Column("work", Json),
    Column("told", Moment),
    Column("claimed", Moment),
    Column("told_to", Json),
)

SYNCS = Table(
    "syncs",
    _METADATA,
    Column("site", Words, primary_key=True),
    Column("time", Moment),
    Column("good", Moment),
    Column("result", Json),
)
