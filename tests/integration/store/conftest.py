"""The SQLite store and its files.

Inputs: state folders as they are found on real machines. Outputs: rows, files, StoreError. Real: SQLite, permissions,
limits, processes. Faked: nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.model.run import Run
from deployer.store import SqlStore


@pytest.fixture
def open_store() -> Iterator[Callable[[Path], SqlStore]]:
    """Stores in folders, closed after the test."""
    stores: list[SqlStore] = []

    def open_in(folder: Path, url: str = "") -> SqlStore:
        stores.append(SqlStore(url, folder))
        return stores[-1]

    yield open_in
    for store in stores:
        store.close()


@pytest.fixture
def run() -> Run:
    """A run that begins."""
    started = datetime(2026, 11, 20, 21, 46, 55, tzinfo=UTC)
    return Run("20261120-214655-k3f9", "instance-redeploy", "production", ("fra1",), (), "ops", "box", started)
