"""Errors of databases and files -> StoreError with what can be done about them.

What went wrong is told by SQLite's error code, PostgreSQL's SQLSTATE or errno; never by the text of a message.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

from deployer.errors import StoreError

_WRITABLE = "Make it writable for you, or name another folder: DEPLOYER_STATE=/path"
_IN_THE_WAY = "A file is where a folder should be: move it away, or name another folder: DEPLOYER_STATE=/path"
_SPACE = "Make room on its file system; what was recorded before is kept"
_BUSY = "Another process has been writing for a long time: `fuser` on the file tells which"
_DAMAGED = "Move the file away with its -wal and -shm; a new one is made. The logs of runs are beside it, untouched"

_SQLITE_HINTS = {
    sqlite3.SQLITE_READONLY: _WRITABLE,
    sqlite3.SQLITE_CANTOPEN: _WRITABLE,
    sqlite3.SQLITE_PERM: _WRITABLE,
    sqlite3.SQLITE_FULL: _SPACE,
    sqlite3.SQLITE_IOERR: _SPACE,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
_ERRNO_HINTS = {
    errno.EACCES: _WRITABLE,
    errno.EPERM: _WRITABLE,
    errno.EROFS: _WRITABLE,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: _SPACE,
}
_SQLSTATE_HINTS = {
    "28": "The server refuses this user: check the user and the password of the setting `store`",
    "3D": "The database does not exist: `createdb` makes it",
    "42": "This user may not do that: it must own the tables, or the schema they go into",
    "53": "The server has no room or no connections left",
}
_NOT_ANSWERING = "Check that the server of the setting `store` answers"
_PRIMARY_CODE = 0xFF  # SQLite's extended codes carry the primary one in their low byte


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise StoreError for what the database or a file in the state folder does wrong.

    Args:
        where: the file or the URL (without its password), for the message.
    """
    try:
        yield
    except DBAPIError as exc:
        raise StoreError(f"the record of runs {where}: {_first_line(exc.orig)}", hint=_hint(exc.orig)) from exc
    except (NoSuchModuleError, ModuleNotFoundError) as exc:
        hint = "For PostgreSQL: pip install 'deployer-host[postgresql]', and postgresql+psycopg://… in `store`"
        raise StoreError(f"the record of runs {where}: {_first_line(exc)}", hint=hint) from exc
    except (SQLAlchemyError, UnicodeError) as exc:
        raise StoreError(f"the record of runs {where}: {_first_line(exc)}") from exc
    except OSError as exc:
        hint = _ERRNO_HINTS.get(exc.errno or 0, "")
        raise StoreError(f"the record of runs {exc.filename or where}: {exc.strerror}", hint=hint) from exc


def _hint(error: BaseException | None) -> str:
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0)  # not on the errors that Python's own module raises
        return _SQLITE_HINTS.get(code & _PRIMARY_CODE, "")
    # Set by psycopg on what the server said, None where it said nothing.
    state: str | None = getattr(error, "sqlstate", None)
    return _SQLSTATE_HINTS.get(state[:2], "") if state else _NOT_ANSWERING


def _first_line(error: BaseException | None) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
