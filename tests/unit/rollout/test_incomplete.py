"""Runs that did not do all that was asked for: what the exit code and the record say."""

from __future__ import annotations

import pytest

from deployer.errors import UnreachableError, UsageError
from deployer.model.options import PlaybookOptions
from deployer.model.run import Outcome, RunState, TargetResult
from deployer.model.sync import SyncStatus
from deployer.testing import FakeClones, RecordingListener
from tests.unit.rollout.world import World, outcomes, stuck


def test_a_check_that_could_not_look_at_a_site_is_not_complete() -> None:
    """Exit 4 and not 8, though no run ever found a target there: what would change is not known."""
    world = World()
    world.hosts.hosts["fra1-dep01"] = UnreachableError("fra1-dep01 did not answer")

    run = world.run(world.request("fra1", "ams2", options=PlaybookOptions(check=True)))

    assert (outcomes(run), run.exit_code) == ({"nord.ams2": Outcome.CHANGED}, 4)


def test_a_site_without_known_instances_whose_remote_is_away_is_not_done() -> None:
    """Nobody knows what is there: neither "no manifests", exit 2, nor exit 0."""
    world = World()
    world.clones = FakeClones({"clusterconfig-fra1": {}})
    world.clones.scripted["clusterconfig-fra1"] = [stuck(status=SyncStatus.RETRY_LATER)]

    run = world.run(world.request())

    assert (outcomes(run), run.exit_code) == ({}, 4)


def test_a_site_without_manifests_that_needs_a_person_says_so() -> None:
    """What is to be done there comes first, exit 5: the manifests may be in what did not land."""
    world = World()
    world.clones = FakeClones({"clusterconfig-fra1": {}})
    tip = world.clones.push("clusterconfig-fra1", {})
    world.clones.scripted["clusterconfig-fra1"] = [stuck(revision=tip)]

    run = world.run(world.request())

    assert (outcomes(run), run.exit_code) == ({}, 5)


def test_a_site_without_manifests_is_an_error() -> None:
    """Its remote answered, and there is nothing to work on: the wrong repository, most likely."""
    world = World()
    world.clones = FakeClones({"clusterconfig-fra1": {}})

    with pytest.raises(UsageError, match="no manifests in the config repository of fra1"):
        world.run(world.request())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a fault of ours")])
def test_a_run_that_we_broke_off_is_on_record_as_interrupted(error: BaseException) -> None:
    """With exit code 1, an end, and what ended before; `retry` owes the other target."""
    world = World()

    def break_off(_result: TargetResult) -> None:
        raise error

    world.listener = RecordingListener(break_off)
    with pytest.raises(type(error)):
        world.run(world.request())

    run = world.store.run("run-1")
    assert (run.state, run.exit_code, run.ended) == (RunState.INTERRUPTED, 1, world.clock.now())
    assert {result.target for result in run.owed} == {"viatris.fra1"}


def test_work_that_the_first_sync_found_is_not_forgotten_when_the_change_cannot_land() -> None:
    """The remote went away in between: a person is needed all the same, exit 5."""
    world = World()
    tip = world.clones.push("clusterconfig-fra1", world.clones.files("clusterconfig-fra1"))
    world.clones.scripted["clusterconfig-fra1"] = [stuck(revision=tip), stuck(status=SyncStatus.RETRY_LATER)]

    run = world.run(world.request(edits=True, instances=("viatris",), sets=(("version", "3.0"),)))

    assert (outcomes(run), run.exit_code) == ({"viatris.fra1": Outcome.UNREACHABLE}, 5)
    assert [work.id for work in world.store.attention()] == ["1"]
