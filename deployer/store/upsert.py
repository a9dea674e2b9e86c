"""INSERT … ON CONFLICT, which both databases have and SQLAlchemy spells once per database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, Table

if TYPE_CHECKING:  # either module costs a tenth of the start of `history`: only the one in use is imported
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

Row = Mapping[str, object]


def upsert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, or replace those with the same primary key.

    Args:
        connection: in a transaction.
        table: with a primary key.
        rows: all of the same columns.
    """
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = _insert(connection, table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def insert_missing(
    connection: Connection, table: Table, row: Row, *, key: str, where: ColumnElement[bool] | None = None
) -> bool:
    """Insert a row unless one with the same key is there; whether it was inserted.

    Args:
        connection: in a transaction.
        table: any.
        row: the new row.
        key: the column of a unique index.
        where: the condition of that index, where it has one.
    """
    statement = _insert(connection, table).on_conflict_do_nothing(index_elements=[key], index_where=where)
    # Without the option SQLAlchemy drops the count of an INSERT.
    return connection.execute(statement, row, execution_options={"preserve_rowcount": True}).rowcount == 1


def _insert(connection: Connection, table: Table) -> SqliteInsert | PostgresqlInsert:
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite  # noqa: PLC0415  see above

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  see above

    return postgresql.insert(table)
