"""Values of the model -> JSON -> values."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.model.codec import to_json
from deployer.model.json import JsonObject
from deployer.model.run import Event, Outcome, Run, RunState, TargetResult
from deployer.model.sync import Commit, ManualWork, SyncResult, SyncStatus
from deployer.store.rows import from_row, to_row
from deployer.store.tables import RUNS, TARGETS

TIMES = st.datetimes(timezones=st.just(UTC))
TEXTS = st.text(max_size=20)
COMMITS = st.builds(Commit, TEXTS, TEXTS, TEXTS, TEXTS, st.lists(TEXTS, max_size=2).map(tuple))
WORKS = st.builds(
    ManualWork,
    commands=st.lists(TEXTS, max_size=2).map(tuple),
    paths=st.lists(TEXTS, max_size=2).map(tuple),
    ours=st.lists(COMMITS, max_size=2).map(tuple),
    theirs=st.lists(COMMITS, max_size=2).map(tuple),
    since=st.none() | TIMES,
)
SYNCS = st.builds(
    SyncResult,
    status=st.sampled_from(SyncStatus),
    landed=st.lists(COMMITS, max_size=2).map(tuple),
    received=st.just(()),
    unlanded=st.just(()),
    left=st.lists(TEXTS, max_size=2).map(tuple),
    manual=st.none() | WORKS,
    seconds=st.floats(0, 1e6),
)


def through_json(value: object) -> JsonObject:
    """What a JSON column gives back."""
    data: JsonObject = json.loads(json.dumps(to_json(value)))
    return data


@given(SYNCS)
def test_sync_comes_back_equal(result: SyncResult) -> None:
    """Whatever a sync reported, its record says the same: tuples, enums, times and what is nested."""
    assert from_row(SyncResult, through_json(result)) == result


@given(st.builds(TargetResult, outcome=st.sampled_from(Outcome), started=TIMES, ended=st.none() | TIMES))
def test_result_comes_back_equal(result: TargetResult) -> None:
    """The result of a target too."""
    assert from_row(TargetResult, through_json(result)) == result


def test_row_of_a_run() -> None:
    """A run becomes its columns, less its results, and comes back with them."""
    started = datetime(2026, 11, 20, 21, 46, 55, tzinfo=UTC)
    results = (TargetResult("viatris.fra1", "fra1", Outcome.OK),)
    run = Run("id", "op", "env", ("fra1",), (), "me", "box", started, RunState.FINISHED, results=results)

    row = to_row(RUNS, run)

    assert "results" not in row
    assert from_row(Run, row, results=results) == run


def test_other_columns_are_given_by_name() -> None:
    """What the value does not have comes from the caller."""
    row = to_row(TARGETS, TargetResult("viatris.fra1", "fra1", Outcome.OK), run="id", position=3)

    assert (row["run"], row["position"], row["target"]) == ("id", 3, "viatris.fra1")


def test_rows_of_other_versions_are_read() -> None:
    """A missing field takes its default, an unknown one is passed over, and plain data keeps its shape."""
    row = {"sequence": 1, "time": "2026-11-20T00:00:00+00:00", "kind": "k", "text": "t", "later": True}

    event = from_row(Event, {**row, "data": {"a": [1, None, {"b": [2]}]}})

    assert from_row(Event, row) == Event(1, datetime(2026, 11, 20, tzinfo=UTC), "k", "t")
    assert event.data == {"a": [1, None, {"b": [2]}]}


def test_only_values_of_the_model_are_made() -> None:
    """Another class is a mistake of the caller."""
    with pytest.raises(TypeError, match="int is no dataclass"):
        from_row(int, {})
