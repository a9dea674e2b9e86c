"""Where everything stands, from the record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from deployer.model.run import Outcome, Run, RunState, TargetResult
from deployer.rollout.status import running_versions, status_of
from deployer.testing import FakeClock, MemoryStore

CLOCK = FakeClock()


def _record(
    store: MemoryStore, number: int, result: TargetResult, *, environment: str = "prod", check: bool = False
) -> None:
    started = CLOCK.now() + timedelta(minutes=number)
    names = ("instance-redeploy", environment, ("fra1",), (), "erin", "box")
    run = Run(f"run-{number}", *names, started, check=check)
    with store.begin(run):
        store.record(run.id, (result,))
        store.update(replace(run, state=RunState.FINISHED, ended=started))


def _result(outcome: Outcome, running: str = "unknown") -> TargetResult:
    return TargetResult("viatris.fra1", "fra1", outcome, running)


def test_a_run_that_did_not_reach_the_host_does_not_hide_what_runs_there() -> None:
    """The newest outcome is shown, and the version that was last seen."""
    store = MemoryStore(CLOCK)
    _record(store, 1, _result(Outcome.CHANGED, "1.4.2"))
    _record(store, 2, _result(Outcome.UNREACHABLE))

    (site,) = status_of(store).sites

    assert [(one.outcome, one.running) for one in site.instances] == [(Outcome.UNREACHABLE, "1.4.2")]
    assert running_versions(store, "prod") == {"viatris.fra1": "1.4.2"}


def test_what_runs_is_known_after_many_runs_of_other_instances() -> None:
    """More than `history` shows: a plan would call every change of a quiet instance one from an unknown version."""
    store = MemoryStore(CLOCK)
    _record(store, 1, _result(Outcome.CHANGED, "1.4.2"))
    for number in range(2, 40):
        _record(store, number, TargetResult("acme.fra1", "fra1", Outcome.CHANGED, "2.0"))

    assert running_versions(store, "prod") == {"viatris.fra1": "1.4.2", "acme.fra1": "2.0"}
    assert len(status_of(store).sites[0].instances) == 2


def test_a_result_without_a_time_has_that_of_its_run() -> None:
    """When the run ended; of one that goes on, when it began."""
    store = MemoryStore(CLOCK)
    began = CLOCK.now()
    run = Run("run-1", "instance-redeploy", "prod", ("fra1",), (), "erin", "box", began)
    with store.begin(run):
        store.record(run.id, (_result(Outcome.CHANGED),))
        going_on = status_of(store)
        store.update(replace(run, state=RunState.FINISHED, ended=began + timedelta(minutes=5)))

    assert [site.instances[0].ended for site in going_on.sites] == [began]
    assert [site.instances[0].ended for site in status_of(store).sites] == [began + timedelta(minutes=5)]


def test_environments_are_told_apart_and_checks_do_not_count() -> None:
    """The same name in two environments is two instances; a check did nothing to any."""
    store = MemoryStore(CLOCK)
    _record(store, 1, _result(Outcome.CHANGED, "1.4.2"))
    _record(store, 2, _result(Outcome.CHANGED, "1.5.0"), environment="stage")
    _record(store, 3, _result(Outcome.FAILED, "1.4.2"), check=True)

    status = status_of(store)

    assert {site.site: (site.instances[0].outcome, site.instances[0].running) for site in status.sites} == {
        "prod/fra1": (Outcome.CHANGED, "1.4.2"),
        "stage/fra1": (Outcome.CHANGED, "1.5.0"),
    }
    assert running_versions(store, "stage") == {"viatris.fra1": "1.5.0"}
