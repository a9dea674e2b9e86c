"""What a person is told of an undo."""

from __future__ import annotations

import pytest

from deployer.errors import UsageError
from deployer.gitsync.undoing import undone
from deployer.model.json import JsonObject
from deployer.model.site import Repository

REPOSITORY = Repository("clusterconfig-fra1", "~/deployer/clusterconfig-fra1")


def snapshot(day: int) -> JsonObject:
    """A snapshot of a day of November, as the deployer host answers it."""
    time = f"2026-11-{day}T10:00:00+00:00"
    return {"id": f"202611{day}", "time": time, "why": "sync", "branch": "main", "head": "aa", "subject": "first"}


def test_of_many_snapshots_the_newest_are_named() -> None:
    """Where none is meant, or several are: these are what somebody wants to go back to."""
    answer: JsonObject = {"none": True, "snapshots": [snapshot(day) for day in range(25, 10, -1)]}

    with pytest.raises(UsageError, match="on h has no snapshot 2026, or several begin so") as caught:
        undone("h", REPOSITORY, answer, "2026")

    assert caught.value.hint == "the newest: 20261125, 20261124, 20261123"
