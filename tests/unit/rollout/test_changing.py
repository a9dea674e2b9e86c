"""What a plan says of changes since the last rollout."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deployer.model.plan import Batch, Bucket, Plan
from deployer.model.run import Outcome, Run, RunState, TargetResult
from deployer.model.site import Machine, Repository, Site
from deployer.rollout.changing import Changes, changes_of
from deployer.rollout.syncing import Syncing
from deployer.rollout.telling import Telling
from deployer.testing import FakeClock, FakeClones, FakeHosts, FakeManifests, MemoryStore

NAME = "clusterconfig-fra1"
MACHINE = Machine("dep01", {})
SITE = Site("prod", "fra1", MACHINE, Repository(NAME, f"~/deployer/{NAME}"), machines={MACHINE.name: MACHINE})
RAN = Run(
    "1", "redeploy", "prod", ("fra1",), (), "erin", "box", datetime(2026, 1, 1, tzinfo=UTC), state=RunState.FINISHED
)


def manifest(version: str) -> bytes:
    """Of the one instance."""
    return json.dumps({"name": "viatris", "version": version}).encode()


class World:
    """A site whose one instance was rolled out at 1.0, and is at 2.0 in its manifest now."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.clones = FakeClones({NAME: {"viatris.json": manifest("1.0")}})
        self.manifests = FakeManifests()
        telling = Telling(self.store, [])
        self.syncing = Syncing(FakeHosts(), self.clones, self.manifests, self.store, self.clock, telling, "erin@box")
        self.first = self.syncing.sync(SITE).revision
        self.clones.push(NAME, {"viatris.json": manifest("2.0")})

    def ran(self, run: Run, outcome: Outcome, revision: str) -> None:
        """Record a run."""
        result = TargetResult("viatris.fra1", "fra1", outcome)
        whole = replace(run, revisions={"fra1": ("", revision)}, results=(result,))
        with self.store.begin(whole):
            self.store.record(run.id, whole.results)
            self.store.update(whole)

    def changes(self) -> Changes:
        """Of a plan of what the remote has."""
        synced = (self.syncing.look(SITE),)
        buckets = (Bucket("all", (Batch("fra1", synced[0].instances.targets),)),)
        return changes_of(Plan("redeploy", "prod", buckets), synced, self.syncing, self.manifests, self.store)


@pytest.fixture
def world() -> World:
    """The one site."""
    return World()


def test_a_target_that_was_rolled_out_shows_what_is_new(world: World) -> None:
    """From what it was rolled out from to what the remote has."""
    world.ran(RAN, Outcome.CHANGED, world.first)

    (change,) = world.changes()["viatris.fra1"]

    assert (change.path, change.before, change.after) == ("version", "1.0", "2.0")


def test_what_was_rolled_out_as_it_is_has_no_change(world: World) -> None:
    """The target is known, and there is nothing to tell."""
    world.ran(RAN, Outcome.OK, world.syncing.sync(SITE).revision)

    assert world.changes() == {"viatris.fra1": ()}


def test_the_last_rollout_counts(world: World) -> None:
    """Not one before it."""
    world.ran(RAN, Outcome.CHANGED, world.first)
    later = replace(RAN, id="2", started=datetime(2026, 1, 2, tzinfo=UTC))
    world.ran(later, Outcome.CHANGED, world.syncing.sync(SITE).revision)

    assert world.changes() == {"viatris.fra1": ()}


@pytest.mark.parametrize(
    "run",
    [replace(RAN, check=True), replace(RAN, environment="test")],
    ids=["check", "elsewhere"],
)
def test_a_run_that_rolled_nothing_out_here_does_not_count(world: World, run: Run) -> None:
    """A check, or a run of another environment."""
    world.ran(run, Outcome.CHANGED, world.first)

    assert world.changes() == {}


def test_a_failed_target_counts_for_nothing(world: World) -> None:
    """Nobody knows what it has; the run before does count."""
    world.ran(RAN, Outcome.CHANGED, world.first)
    world.ran(replace(RAN, id="2", started=datetime(2026, 1, 2, tzinfo=UTC)), Outcome.FAILED, "whatever")

    assert len(world.changes()["viatris.fra1"]) == 1


def test_a_revision_that_is_gone_is_no_reason_to_fail(world: World) -> None:
    """History was rewritten: the plan is made all the same."""
    world.ran(RAN, Outcome.CHANGED, "gone")

    assert world.changes() == {}
