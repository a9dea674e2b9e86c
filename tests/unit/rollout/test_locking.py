"""Which locks a run takes, and what it does where there is nobody to give one."""

from __future__ import annotations

from deployer.errors import UnreachableError
from deployer.model.run import Outcome
from deployer.ports import Lock
from tests.unit.rollout.world import World, outcomes


def test_runs_on_other_instances_of_a_site_go_side_by_side() -> None:
    """The site itself is shared: only whoever works on all of it keeps runs out."""
    world = World()
    host, repository = world.hosts.host(world.sites[0].deployer_host), world.sites[0].repository
    theirs = [Lock("site", exclusive=False), Lock("instance/acme", exclusive=True)]
    with world.locks.hold(host, repository, theirs, run="other", who="mia"):
        run = world.run(world.request(instances=("viatris",)))

    assert outcomes(run) == {"viatris.fra1": Outcome.CHANGED}


def test_a_retry_locks_what_it_owes_alone() -> None:
    """A target that is done already may be in the hands of another run."""
    world = World()

    world.run(world.request(only=frozenset({"viatris.fra1"})))

    assert [lock.name for _, lock in world.locks.taken] == ["site", "instance/viatris"]


def test_targets_of_a_host_that_is_away_are_not_locked_there() -> None:
    """They are known from the record, and the other site is rolled out all the same."""
    world = World()
    world.run(world.request("fra1", "ams2"))
    world.hosts.hosts["fra1-dep01"] = UnreachableError("fra1-dep01 did not answer")

    run = world.run(world.request("fra1", "ams2"), "run-2")

    assert outcomes(run) == {
        "acme.fra1": Outcome.UNREACHABLE,
        "viatris.fra1": Outcome.UNREACHABLE,
        "nord.ams2": Outcome.CHANGED,
    }
