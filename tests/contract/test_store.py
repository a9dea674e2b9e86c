"""What every store promises: the one in memory, SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from deployer.errors import LockedError, StoreError, UsageError
from deployer.model.options import PlaybookOptions
from deployer.model.run import Asked, Event, Outcome, Run, RunState, TargetResult
from deployer.model.sync import Commit, ManualWork, SyncResult, SyncStatus
from deployer.ports import Store

MakeRun = Callable[..., Run]
NOW = datetime(2026, 11, 20, 21, 50, 0, 7, tzinfo=timezone(timedelta(hours=1)))
COMMIT = Commit(
    "1f" * 20, "Ines Weber <ines@example.com>", "2026-11-20T21:00:00+01:00", "tune viatris", ("viatris.xml",)
)
WORK = ManualWork(
    id="conflict-fra1",
    host="fra1-prod-dep01",
    path="~/deployer/clusterconfig-fra1",
    command="git pull --no-edit",
    kind="conflict",
    line="manual intervention needed on fra1-prod-dep01",
    detail="Both sides changed the port.",
    commands=("cd ~/deployer/clusterconfig-fra1", "git status"),
    paths=("viatris.xml",),
    ours=(COMMIT,),
    theirs=(COMMIT, COMMIT),
    output="remote: no\udc80\0",
    site="fra1",
    since=NOW,
)
SYNC = SyncResult("fra1-prod-dep01", "~/c", "main", SyncStatus.LANDED, "aa", "bb", "bb", landed=(COMMIT,), seconds=1.25)


def result(target: str = "viatris.fra1", outcome: Outcome = Outcome.OK, **changes: object) -> TargetResult:
    """A target that ended."""
    ended = TargetResult(target, "fra1", outcome, started=NOW, ended=NOW + timedelta(seconds=3))
    return replace(ended, **changes)  # type: ignore[arg-type]  # the fields of TargetResult, by name


def finish(store: Store, run: Run, *results: TargetResult) -> Run:
    """Execute a run to its end."""
    ended = replace(run, state=RunState.FINISHED, ended=NOW, exit_code=0, results=results)
    with store.begin(run):
        store.record(run.id, results)
        store.update(ended)
    return ended


def test_run_comes_back_as_it_was(store: Store, make_run: MakeRun) -> None:
    """Every field of a run and of its results is read as it was written, times to the microsecond."""
    run = make_run(
        sites=("fra1", "ams2"),
        check=True,
        params={"keep": 3, "list": ["a", None, {"b": 1.5}], "text": "Zürich\0\udc80"},
        arguments=("redeploy", "fra1"),
        asked=Asked("v*", ("viatris.fra1",), (("version", "2"),), PlaybookOptions(check=True, raw=("-e", "a=1"))),
        retry_of="20261119-000000-aaaa",
        revisions={"fra1": ("aa", "bb")},
        started=NOW,
        log="/state/runs/x/log",
    )
    written = finish(
        store, run, result(running="B", version_before="A", version_after="B", error="é", task="t", diff="-\n+")
    )

    assert store.run(run.id) == written


def test_run_is_running_while_its_context_lives(store: Store, make_run: MakeRun) -> None:
    """A run that was begun is running, with what is known of its targets."""
    run = make_run()
    with store.begin(run):
        store.record(run.id, [result()])

        assert store.run(run.id) == replace(run, results=(result(),))


def test_run_that_was_left_without_an_end_is_interrupted(store: Store, make_run: MakeRun) -> None:
    """What had ended or was never to start keeps its outcome; the rest is interrupted, at the last known time."""
    run = make_run()
    held = result("held.fra1", Outcome.HELD, started=None, ended=None)
    skipped = result("skipped.fra1", Outcome.SKIPPED, started=None, ended=None)
    half = result("half.fra1", Outcome.CHANGED, ended=None)
    with store.begin(run):
        store.record(run.id, [result(), held, skipped, half])
        store.append(run.id, [Event(1, NOW, "message", "one"), Event(2, NOW + timedelta(seconds=9), "message", "two")])

    found = store.run(run.id)

    assert found.state is RunState.INTERRUPTED
    assert found.ended == NOW + timedelta(seconds=9)
    assert found.results == (result(), held, skipped, replace(half, outcome=Outcome.INTERRUPTED))
    assert store.runs() == (found,)


def test_update_after_interruption_has_the_last_word(store: Store, make_run: MakeRun) -> None:
    """A run that was given up too early says so itself."""
    run = make_run()
    with store.begin(run):
        pass
    assert store.run(run.id).state is RunState.INTERRUPTED

    store.update(replace(run, state=RunState.FINISHED, ended=NOW))

    assert store.run(run.id).state is RunState.FINISHED


def test_run_is_executed_once_at_a_time(store: Store, make_run: MakeRun) -> None:
    """A second begin of a run that lives is refused; after its end it may be begun again."""
    run = make_run()
    with store.begin(run), pytest.raises(LockedError), store.begin(run):
        pass
    with store.begin(run):
        assert store.run(run.id).state is RunState.RUNNING


def test_error_in_a_run_passes_through(store: Store, make_run: MakeRun) -> None:
    """What a run raises comes out as it is, and its lock is free afterwards."""
    with pytest.raises(OSError, match="disk of somebody else"), store.begin(make_run()):
        raise OSError("disk of somebody else")

    assert store.run("last").state is RunState.INTERRUPTED


@pytest.mark.parametrize("asked", ["20261120-210255-k3f2", "20261120-2102", "last"])
def test_run_is_found_by_id_beginning_or_last(store: Store, make_run: MakeRun, asked: str) -> None:
    """An id, a unique beginning of one, and `last` name a run."""
    finish(store, make_run(1))
    newest = finish(store, make_run(2))

    assert store.run(asked) == newest


def test_whole_id_is_found_though_another_begins_with_it(store: Store, make_run: MakeRun) -> None:
    """An exact id is never ambiguous."""
    short = finish(store, make_run(1, id="nightly"))
    finish(store, make_run(2, id="nightly-2"))

    assert store.run("nightly") == short


def test_unknown_run_names_the_newest(store: Store, make_run: MakeRun) -> None:
    """The hint lists the three newest runs, so that the right one can be picked."""
    for number in range(1, 5):
        finish(store, make_run(number))

    with pytest.raises(UsageError) as caught:
        store.run("2026%21")

    assert caught.value.hint == "The newest: 20261120-210455-k3f4, 20261120-210355-k3f3, 20261120-210255-k3f2"


def test_ambiguous_beginning_is_an_error(store: Store, make_run: MakeRun) -> None:
    """A beginning of several runs picks none of them."""
    finish(store, make_run(1))
    finish(store, make_run(2))

    with pytest.raises(UsageError, match="several runs begin with 2026"):
        store.run("2026")


@pytest.mark.parametrize("asked", ["", "last", "x"])
def test_empty_store_says_so(store: Store, asked: str) -> None:
    """Nothing recorded is a usage error, not an empty answer."""
    with pytest.raises(UsageError) as caught:
        store.run(asked)

    assert caught.value.hint == "No run was recorded yet"


def test_runs_are_newest_first_and_filtered(store: Store, make_run: MakeRun) -> None:
    """Limit, site and operation choose; a site is a whole name."""
    first = finish(store, make_run(1, sites=("fra1", "ams2")), result())
    second = finish(store, make_run(2, operation="instance-configure"))
    third = finish(store, make_run(3, sites=("fra10",)), result("a.fra10"), result("b.fra10"))

    assert store.runs() == (third, second, first)
    assert store.runs(limit=2) == (third, second)
    assert store.runs(site="fra1") == (second, first)
    assert store.runs(site="FRA1") == ()
    assert store.runs(site="ams2", operation="instance-redeploy") == (first,)


def test_same_result_twice_changes_nothing_and_new_one_replaces(store: Store, make_run: MakeRun) -> None:
    """Results are kept by run, target and attempt, in the order in which targets were first told."""
    run = make_run()
    with store.begin(run):
        store.record(run.id, [result("b.fra1"), result("a.fra1", Outcome.FAILED)])
        store.record(run.id, [result("b.fra1"), result("c.fra1")])
        store.record(run.id, [result("a.fra1", Outcome.CHANGED, attempt=2)])
        store.record(run.id, [result("c.fra1", Outcome.FAILED)])
        store.record(run.id, [])

        assert store.run(run.id).results == (
            result("b.fra1"),
            result("a.fra1", Outcome.CHANGED, attempt=2),
            result("c.fra1", Outcome.FAILED),
        )


def test_same_events_twice_change_nothing(store: Store, make_run: MakeRun) -> None:
    """Events are kept by run and sequence: reading a file of them again is harmless."""
    run = make_run()
    events = [Event(n, NOW + timedelta(seconds=n), "task", f"step {n}", "viatris.fra1", {"n": [n]}) for n in (3, 1, 2)]
    with store.begin(run):
        store.append(run.id, events)
        store.append(run.id, events)
        store.append(run.id, [])

        assert store.events(run.id) == tuple(sorted(events, key=lambda event: event.sequence))
        assert store.events(run.id, after=1, limit=1) == (events[2],)
        assert store.events(run.id, after=3) == ()
        assert store.events("another") == ()


def test_text_that_no_database_takes_is_told_apart_from_failure(store: Store, make_run: MakeRun) -> None:
    """A NUL or broken UTF-8 in what a host said does not lose the event."""
    run = make_run()
    with store.begin(run):
        store.append(run.id, [Event(1, NOW, "task", "a\0b\udc80c", data={"raw": "\0\udc80"})])

        (event,) = store.events(run.id)
    assert (event.text[0], event.text[2], event.text[-1]) == ("a", "b", "c")
    assert event.data == {"raw": "\0\udc80"}


def test_nothing_is_recorded_of_a_run_that_was_never_begun(store: Store, make_run: MakeRun) -> None:
    """A mistake of the caller is an error, not a row that nobody finds."""
    with pytest.raises(StoreError):
        store.update(make_run())
    with pytest.raises(StoreError):
        store.record("none", [result()])
    with pytest.raises(StoreError):
        store.append("none", [Event(1, NOW, "task", "x")])


def test_manual_work_is_open_once(store: Store) -> None:
    """Reported again it is the same work: its first time stays, what is known of it is renewed."""
    assert store.open_work(WORK) is True
    assert store.open_work(replace(WORK, since=NOW + timedelta(days=1), detail="Now the version too.")) is False

    assert store.attention() == (replace(WORK, detail="Now the version too."),)


def test_manual_work_is_closed_by_clone_and_can_open_again(store: Store) -> None:
    """A clone in sync again closes its own work only; later trouble is new."""
    other = replace(WORK, id="other", path="~/deployer/clusterconfig-ams2", since=NOW - timedelta(days=1))
    store.open_work(WORK)
    store.open_work(replace(WORK, id="second"))
    store.open_work(other)
    assert [work.id for work in store.attention()] == ["other", "conflict-fra1", "second"]

    assert store.close_work(WORK.host, WORK.path) == 2
    assert store.close_work(WORK.host, WORK.path) == 0
    assert store.attention() == (other,)
    later = replace(WORK, since=NOW + timedelta(days=1))
    assert store.open_work(later) is True
    assert store.attention() == (other, later)


def test_manual_work_of_a_clone_that_moved_is_closed_at_its_new_place(store: Store) -> None:
    """The inventory names another path by now, and the same trouble was found there."""
    store.open_work(WORK)
    store.open_work(replace(WORK, path="~/moved"))

    assert store.close_work(WORK.host, "~/moved") == 1
    assert store.attention() == ()


def test_manual_work_is_claimed_once_for_telling(store: Store) -> None:
    """Who claims it tells; the same work is not claimed again until it is released, or opens anew."""
    store.open_work(WORK)
    first, second = store.claim_work(), store.claim_work()
    store.open_work(WORK)
    renewed = store.claim_work()
    store.record_told(WORK.id, ("webhook",), done=False)
    released = store.claim_work()
    store.record_told(WORK.id, ("command", "webhook"), done=True)
    done = store.claim_work()
    store.close_work(WORK.host, WORK.path)
    store.open_work(WORK)
    anew = store.claim_work()

    assert [(due.work.id, due.told_to) for due in first] == [(WORK.id, frozenset())]
    assert (second, renewed, done) == ((), (), ())
    assert [(due.work.id, due.told_to) for due in released] == [(WORK.id, frozenset({"webhook"}))]
    assert [(due.work.id, due.told_to) for due in anew] == [(WORK.id, frozenset())]


def test_a_claim_ends_when_whoever_had_it_died(store: Store) -> None:
    """Killed between claiming and telling, the report is told by somebody else later."""
    store.open_work(WORK)
    store.claim_work(NOW)

    assert store.claim_work(NOW + timedelta(minutes=5)) == ()
    assert [due.work.id for due in store.claim_work(NOW + timedelta(minutes=11))] == [WORK.id]


def test_what_a_clone_needs_now_takes_the_place_of_what_it_needed(store: Store) -> None:
    """The commands of an old report would be wrong: only what was found last stays open."""
    store.open_work(WORK)
    store.open_work(replace(WORK, id="second"))

    assert store.close_work(WORK.host, WORK.path, keep="second") == 1
    assert [work.id for work in store.attention()] == ["second"]


def test_manual_work_without_a_time_gets_one(store: Store) -> None:
    """A person sees since when it waits."""
    store.open_work(replace(WORK, since=None))

    assert store.attention()[0].since is not None


def test_last_sync_and_last_good_one(store: Store) -> None:
    """A failed sync is the last one, and the good one before it is remembered; an older report changes nothing."""
    work = replace(WORK, since=NOW)
    failed = replace(SYNC, status=SyncStatus.MANUAL, manual=work, unlanded=(COMMIT,))
    later = NOW + timedelta(minutes=5)
    store.record_sync("fra1", SYNC, NOW)
    store.record_sync("ams2", failed, NOW)
    store.record_sync("fra1", failed, later)
    store.record_sync("fra1", SYNC, NOW - timedelta(minutes=5))

    assert store.last_syncs() == {"ams2": (failed, NOW, None), "fra1": (failed, later, NOW)}
    assert store.last_syncs()["fra1"][1].astimezone(UTC) == later


def test_only_a_record_of_ones_own_is_private(store: Store) -> None:
    """A database server has other users, whatever its rights are."""
    store.runs()
    url = getattr(getattr(store, "_database", None), "where", "")

    assert store.is_private is not url.startswith("postgresql")
