"""The record of runs, targets, outcomes, events and manual work, in SQLite or PostgreSQL (doc/state.md).

What may live here: SQL, files and locks of the record. What may not: any decision about a run.
Importing this package imports SQLAlchemy (a quarter of a second of CPU): do it where a store is made, not before.
"""

from deployer.store.sql import SqlStore

__all__ = ["SqlStore"]
