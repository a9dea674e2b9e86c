"""Rows of events become outcomes: the summary decides, and without one nothing is called good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from deployer.model.json import JsonObject, JsonValue
from deployer.model.plan import Target
from deployer.model.run import Outcome, TargetResult
from deployer.playbook.outcomes import Outcomes, diff_text
from deployer.playbook.rows import LONGEST_TEXT, row_of
from deployer.secrets.redactor import Redactor

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
Make = Callable[..., Target]


def row(event: str, host: str = "a.fra1", **more: JsonValue) -> JsonObject:
    """A row of a task."""
    return {"event": event, "time": NOW.isoformat(), "host": host, "task": "Switch", **more}


def stats(**counts: JsonValue) -> JsonObject:
    """The summary."""
    return {"event": "playbook_on_stats", "time": NOW.isoformat(), "stats": counts}


def only(make: Make, *rows: JsonObject, stopped: bool = False) -> TargetResult:
    """The result of target `a` after these rows."""
    outcomes = Outcomes((make("a"),), NOW)
    for one in rows:
        list(outcomes.feed(one))
    return outcomes.results(stopped=stopped)[0]


def test_summary_decides(target: Make) -> None:
    """Counts of the summary become the outcome, whatever single rows seemed to say."""
    failed = row("runner_on_failed", res={"msg": "no"})
    processed = {"a.fra1": 1}

    assert only(target, failed, stats(ok=processed, rescued=processed, processed=processed)).outcome is Outcome.OK
    assert only(target, failed, stats(failures=processed, processed=processed)).outcome is Outcome.FAILED
    assert only(target, stats(dark=processed, processed=processed)).outcome is Outcome.UNREACHABLE
    assert only(target, stats(changed=processed, ok=processed, processed=processed)).outcome is Outcome.CHANGED
    assert only(target, stats(skipped=processed, processed=processed)).outcome is Outcome.SKIPPED
    assert only(target, stats()).outcome is Outcome.NOT_STARTED


def test_without_summary(target: Make) -> None:
    """No summary: failed where it failed or Ansible died, interrupted where it was stopped, else not started."""
    ok, failed = row("runner_on_ok"), row("runner_on_failed", res={"msg": "no"})

    assert only(target, ok).outcome is Outcome.FAILED
    assert only(target, ok, stopped=True).outcome is Outcome.INTERRUPTED
    assert only(target, failed, stopped=True).outcome is Outcome.FAILED
    assert only(target, row("runner_on_unreachable"), stopped=True).outcome is Outcome.UNREACHABLE
    assert only(target, stopped=True).error == "stopped before it"
    assert only(target).error == "Ansible did not start: the process that runs Ansible died"


def test_stopped_with_a_summary(target: Make) -> None:
    """A run that was ended is not called ok because Ansible still printed a summary."""
    counts = stats(ok={"a.fra1": 1}, processed={"a.fra1": 1})
    end: JsonObject = {"event": "end", "status": "canceled", "rc": 254}

    assert only(target, row("runner_on_ok"), counts, end).outcome is Outcome.INTERRUPTED


def test_error_of_a_loop_and_of_a_crash(target: Make) -> None:
    """The error is the failed item's, or the first line that a crashed module printed."""
    counts = stats(failures={"a.fra1": 1})
    loop: JsonValue = {"msg": "One or more items failed", "results": [{"msg": "fine"}, {"failed": True, "msg": "full"}]}
    away: JsonValue = {"msg": "All items completed", "results": [{"msg": "fine"}, {"unreachable": True, "msg": "gone"}]}
    crash: JsonValue = {"msg": "MODULE FAILURE", "module_stderr": "\nTraceback\nmore"}

    assert only(target, row("runner_on_failed", res=loop), counts).error == "full"
    silent: JsonValue = {"msg": False, "exception": "(traceback unavailable)"}
    assert only(target, row("runner_on_failed", res=away), counts).error == "gone"
    assert only(target, row("runner_on_failed", res=crash), counts).error == "Traceback"
    assert only(target, row("runner_on_failed", res=silent), counts).error == "failed without a message"


def test_the_failure_that_ended_a_target_is_the_one_to_read(target: Make) -> None:
    """Not one that a rescue mended before, nor one that came after, in an `always`."""
    rows = [row("runner_on_failed", task=task, res={"msg": f"no {task}"}) for task in ("Fetch", "Switch", "Report")]
    counts = {"failures": {"a.fra1": 1}}

    mended = only(target, *rows, stats(**counts, rescued={"a.fra1": 1}))
    plain = only(target, *rows, stats(**counts))
    all_mended = only(target, *rows, stats(**counts, rescued={"a.fra1": 3}))

    assert [(result.task, result.error) for result in (mended, plain, all_mended)] == [
        ("Switch", "no Switch"),
        ("Fetch", "no Fetch"),
        ("Report", "no Report"),
    ]


def test_a_failure_that_was_mended_is_not_what_ended_the_target(target: Make) -> None:
    """Without a summary only a failure in the last row is one; then it is the last one."""
    first, mended = (
        row("runner_on_failed", task="Fetch", res={"msg": "no net"}),
        row("runner_on_ok", task="Fetch again"),
    )
    last = row("runner_on_failed", res={"msg": "no room"})

    died = only(target, first, mended)
    stopped = only(target, first, mended, stopped=True)
    failed = only(target, first, mended, last, stopped=True)

    assert (died.outcome, died.task) == (Outcome.FAILED, "")
    assert died.error == "Ansible ended without a summary: the process that runs Ansible died"
    assert stopped.outcome is Outcome.INTERRUPTED
    assert (failed.outcome, failed.task, failed.error) == (Outcome.FAILED, "Switch", "no room")


def test_a_target_took_from_its_first_row_to_its_last(target: Make) -> None:
    """Its times are those of Ansible; a row without a usable one takes the time of the row before."""
    times = [NOW + timedelta(minutes=minutes) for minutes in (1, 2, 5)]
    rows: list[JsonObject] = [{**row("runner_on_ok"), "time": time.isoformat()} for time in times]

    result = only(target, *rows, {**row("runner_on_ok"), "time": ""}, stats(ok={"a.fra1": 4}))

    assert (result.started, result.ended) == (times[0], times[-1])


def test_what_one_task_tells_of_versions_and_changes_stays(target: Make) -> None:
    """Though later tasks say nothing of them, or mean something else by the same word."""
    switched = row(
        "runner_on_ok", res={"version_before": "1.4", "version_after": "1.5", "running": "1.5", "diff": "- 1.4\n+ 1.5"}
    )
    listed = row("runner_on_ok", res={"running": ["a", "b"], "diff": {"prepared": "+ unit"}})

    result = only(target, switched, listed, row("runner_on_ok"), stats(changed={"a.fra1": 1}))

    assert (result.version_before, result.version_after, result.running) == ("1.4", "1.5", "1.5")
    assert result.diff == "- 1.4\n+ 1.5\n+ unit"


def test_one_skipped_task_does_not_make_a_target_skipped(target: Make) -> None:
    """Only one of which every task was skipped is."""
    one = {"a.fra1": 1}

    assert only(target, stats(ok=one, skipped=one, processed=one)).outcome is Outcome.OK
    assert only(target, stats(skipped=one, processed=one)).outcome is Outcome.SKIPPED


def test_the_first_error_of_ansible_is_the_one_to_read(target: Make) -> None:
    """With its place; what follows is its consequence. Without any the last line says most."""
    broken, odd = Outcomes((target("a"),), NOW), Outcomes((target("a"),), NOW)
    text = "[ERROR]: no role x\nOrigin: /p/a.yml:3:5\n\n[ERROR]: gave up\nOrigin: /p/b.yml:1:1\nbye"
    list(broken.feed({"event": "verbose", "text": text}))
    list(odd.feed({"event": "verbose", "text": "Traceback\nKeyError: x\n"}))
    list(odd.feed({"event": "end", "status": "failed", "rc": 250}))

    assert (broken.why, broken.place, broken.nothing_ran) == ("no role x", "/p/a.yml:3:5", True)
    assert broken.results()[0].error == "no role x"
    assert (odd.why, odd.place) == ("Ansible did not start: KeyError: x", "")


def test_events_for_people(target: Make) -> None:
    """Starts and ends of tasks and errors are told; chatter is not."""
    outcomes = Outcomes((target("a"),), NOW)
    rows = [
        row("runner_on_start"),
        row("runner_on_failed", ignored=True, res={"msg": "no"}),
        row("runner_on_ok", changed=True, res={"version_after": "2.10", "steps": ["unpacked"]}),
        {"event": "verbose", "text": "PLAY [x] ***\n[WARNING]: careful"},
    ]
    events = [event for one in rows for event in outcomes.feed(one)]

    assert [(event.kind, event.target, event.text) for event in events] == [
        ("start", "a.fra1", "Switch"),
        ("task", "a.fra1", "Switch: ignored: no"),
        ("task", "a.fra1", "Switch: changed"),
        ("message", "", "[WARNING]: careful"),
    ]
    assert events[2].data["steps"] == ["unpacked"]
    assert outcomes.results()[0].version_after == "2.10"


def test_diffs() -> None:
    """Each form in which modules give a diff becomes text."""
    assert (
        diff_text({"before": "a\n", "after": "b\n", "before_header": "old"})
        == "--- old\n+++ after\n@@ -1 +1 @@\n-a\n+b"
    )
    assert diff_text([{"prepared": "x\n"}, "y"]) == "x\ny"
    assert "+mode: 0644" in diff_text({"before": {"mode": "0600"}, "after": {"mode": "0644"}})
    assert diff_text(None) == ""


def test_rows_are_small_and_clean() -> None:
    """A result is kept whole only when something changed or failed, and is bounded and redacted first."""
    redactor = Redactor(["hunter-two"])
    half = "x" * (LONGEST_TEXT // 2 - 4)
    result = {
        "changed": True,
        "msg": f"{half}hunter-two{half}",
        "password": "p",
        "invocation": {"x": 1},
        "big": "y" * 9999,
    }
    event = {"event": "runner_on_ok", "created": "t", "event_data": {"host": "a", "task": "T", "res": result}}
    kept = row_of(event, redactor)
    assert kept is not None
    res = kept["res"]
    assert isinstance(res, dict)

    assert {"changed", "msg", "password", "big"} == set(res)
    assert "hunter" not in str(res)
    assert "two" not in str(res)
    assert res["password"] == "[redacted]"
    assert len(str(res["big"])) < LONGEST_TEXT + 50
    quiet = {**event, "event_data": {"host": "a", "task": "T", "res": {"stdout": "x", "msg": "m"}}}
    assert (row_of(quiet, redactor) or {})["res"] == {"msg": "m"}
    assert row_of({"event": "verbose"}, redactor) is None
