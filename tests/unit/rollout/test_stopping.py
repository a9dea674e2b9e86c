"""A run that is asked to stop."""

from __future__ import annotations

import signal

import pytest

from deployer.model.run import Outcome
from deployer.rollout.stopping import StopSwitch
from deployer.testing import (
    FakeStop,
)
from tests.unit.rollout.world import World, outcomes


def test_a_stop_before_the_bucket_starts_nothing() -> None:
    """The targets are on record as not started, so that retry owes them."""
    world = World()
    world.stop = FakeStop(asked=True)

    run = world.run(world.request())

    assert set(outcomes(run).values()) == {Outcome.NOT_STARTED}
    assert {result.target for result in run.owed} == {"acme.fra1", "viatris.fra1"}


def test_after_a_stop_nobody_is_asked_and_nothing_is_pushed() -> None:
    """Neither what stands in the clone nor the change; the values are set by a retry of what is not started."""
    world = World()
    world.stop = FakeStop(asked=True)

    run = world.run(world.request(edits=True, instances=("viatris",), sets=(("version", "3.0"),)))

    assert (world.plans, world.clones.changes, world.clones.reasons) == ([], [], [])
    assert outcomes(run) == {"viatris.fra1": Outcome.NOT_STARTED}


@pytest.mark.parametrize("answer", [True, False])
def test_a_stop_at_the_question_lands_nothing(answer: bool) -> None:  # noqa: FBT001  parametrized
    """Whatever was answered; the target is on record as not started, and nothing was refused."""
    world = World()
    world.answer = answer
    world.is_stopped_at_the_question = True

    run = world.run(world.request(edits=True, instances=("viatris",), sets=(("version", "3.0"),)))

    assert world.clones.changes == []
    assert outcomes(run) == {"viatris.fra1": Outcome.NOT_STARTED}


def test_a_stop_between_two_sites_lands_the_change_on_the_first_alone() -> None:
    """The other's clone is left as it is."""
    world = World()

    class _Stop(FakeStop):
        asked = property(lambda _: bool(world.clones.changes), lambda _, __: None)

    world.stop = _Stop()
    run = world.run(world.request("fra1", "ams2", edits=True, sets=(("version", "3.0"),)))

    assert len(world.clones.changes) == 1
    assert set(outcomes(run).values()) == {Outcome.NOT_STARTED}
    assert b"3.0" not in world.clones.files("clusterconfig-ams2")["nord.json"]


@pytest.mark.parametrize(
    ("signals", "now", "code"),
    [
        ((), False, 0),
        ((signal.SIGINT,), False, 130),
        ((signal.SIGINT, signal.SIGINT), True, 130),
        ((signal.SIGTERM,), True, 143),
        ((signal.SIGHUP,), True, 129),
        ((signal.SIGINT, signal.SIGTERM), True, 130),
    ],
)
def test_the_first_signal_gives_the_exit_code_and_the_second_ends_what_runs(
    signals: tuple[signal.Signals, ...],
    now: bool,  # noqa: FBT001  parametrized
    code: int,
) -> None:
    """SIGTERM and SIGHUP do so at once: their senders do not ask twice."""
    stop = StopSwitch()
    for each in signals:
        stop.ask(each)

    assert (stop.asked, stop.now, stop.exit_code) == (bool(signals), now, code)
