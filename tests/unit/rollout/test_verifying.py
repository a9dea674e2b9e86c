"""Checks by themselves and after a playbook run, over the shipped doubles."""

from __future__ import annotations

import json

import pytest

from deployer.errors import OperationError, UnreachableError, UsageError
from deployer.model.check import TargetChecks, Verification
from deployer.model.operation import Operation
from deployer.model.plan import Target
from deployer.model.run import Outcome, TargetResult
from deployer.model.site import Inventory, Machine, Repository, Site
from deployer.ports import PlaybookRun
from deployer.rollout.request import Request
from deployer.rollout.syncing import Syncing
from deployer.rollout.telling import Telling
from deployer.rollout.verifying import Verifying, summary, verified
from deployer.testing import (
    FakeChecks,
    FakeClock,
    FakeClones,
    FakeHosts,
    FakeManifests,
    FakeStop,
    MemoryStore,
    NeverStop,
)


def _site(name: str) -> Site:
    machine = Machine(f"{name}-dep01", {})
    repository = Repository(f"clusterconfig-{name}", f"~/deployer/clusterconfig-{name}")
    return Site("prod", name, machine, repository, machines={machine.name: machine})


SITES = (_site("fra1"), _site("ams2"))
TARGETS = tuple(Target(name, "prod", "fra1", "", "fra1-dep01", f"{name}.json", "B") for name in ("acme", "viatris"))
PLAYBOOK = PlaybookRun("run-1", "fra1", "playbook.yml", "inventory", SITES[0], TARGETS, checks=("checks",))


class AwayClones(FakeClones):
    """Clones of which some are on a host that does not answer."""

    away: frozenset[str] = frozenset()

    def read(self, host: object, repository: Repository, revision: str) -> dict[str, tuple[str, bytes]]:
        """As the double does, where the host answers."""
        if repository.name in self.away:
            raise UnreachableError(f"{repository.name} is away")
        return dict(super().read(host, repository, revision))  # type: ignore[arg-type]


class World:
    """Two sites, and checks that find what they are told to."""

    def __init__(self, checks: FakeChecks, *away: str, **files: bytes) -> None:
        fra1 = {f"{name}.json": json.dumps({"name": name, "version": "1.0"}).encode() for name in ("acme", "viatris")}
        ams2 = {"nord.json": json.dumps({"name": "nord", "version": "1.0"}).encode()}
        clones = AwayClones({"clusterconfig-fra1": fra1 | files, "clusterconfig-ams2": ams2})
        clones.away = frozenset(away)
        clock = FakeClock()
        store = MemoryStore(clock)
        syncing = Syncing(FakeHosts(), clones, FakeManifests(), store, clock, Telling(store, []))
        self.checks = checks
        self.book = Verifying(syncing, checks)

    def verify(self, *instances: str, limit: str = "", stop: bool = False) -> Verification:
        """Check both sites."""
        operation = Operation("instance-redeploy", "redeploy", "Redeploy", "", "", "playbook.yml", checks=("checks",))
        inventory = Inventory("prod", "inventories/prod", {site.name: site for site in SITES})
        request = Request(operation, inventory, SITES, instances, limit)
        return self.book.verify(request, FakeStop(asked=stop, now=stop))


def _outcomes(found: Verification) -> dict[str, str]:
    return {one.target: one.outcome for one in found.results}


def test_every_instance_of_every_site_is_checked() -> None:
    """Each site's targets go to the checks with the operation's folders; all passed is exit 0."""
    world = World(FakeChecks())

    found = world.verify()

    assert _outcomes(found) == {"acme.fra1": "ok", "viatris.fra1": "ok", "nord.ams2": "ok"}
    assert found.exit_code == 0
    assert {playbook.batch: playbook.checks for playbook in world.checks.runs} == {
        "fra1": ("checks",),
        "ams2": ("checks",),
    }


@pytest.mark.parametrize(("outcome", "code"), [(Outcome.FAILED, 3), (Outcome.UNREACHABLE, 4)])
def test_the_exit_code_says_what_was_found(outcome: Outcome, code: int) -> None:
    """3 for a failed check, 4 for a host that did not answer."""
    assert World(FakeChecks({"acme.fra1": outcome})).verify().exit_code == code


def test_only_what_is_meant_is_checked() -> None:
    """By name and by limit; what matches nothing is an error."""
    assert _outcomes(World(FakeChecks()).verify("acme")) == {"acme.fra1": "ok"}
    assert _outcomes(World(FakeChecks()).verify(limit="ams2")) == {"nord.ams2": "ok"}
    with pytest.raises(UsageError):
        World(FakeChecks()).verify("nobody")


def test_a_site_that_is_away_does_not_stop_the_other() -> None:
    """Its instances are unknown: exit 4; with all sites away it is an error."""
    found = World(FakeChecks(), "clusterconfig-fra1").verify()

    assert _outcomes(found) == {"nord.ams2": "ok"}
    assert found.exit_code == 4
    with pytest.raises(UnreachableError):
        World(FakeChecks(), "clusterconfig-fra1", "clusterconfig-ams2").verify()


def test_a_manifest_that_cannot_be_read_is_held() -> None:
    """Nobody can say what the instance should be: exit 5, and the others are checked."""
    found = World(FakeChecks(), **{"broken.json": b"{"}).verify()

    assert _outcomes(found) == {"acme.fra1": "ok", "broken.fra1": "held", "viatris.fra1": "ok", "nord.ams2": "ok"}
    assert found.exit_code == 5


def _results(*outcomes: Outcome) -> tuple[TargetResult, ...]:
    return tuple(TargetResult(t.name, "fra1", outcome) for t, outcome in zip(TARGETS, outcomes, strict=True))


def test_a_target_whose_check_failed_has_failed() -> None:
    """It was changed and counts as failed, with the check's name; each checked target is told of."""
    said: list[TargetChecks] = []
    checks = FakeChecks({"viatris.fra1": Outcome.FAILED})

    results = verified(PLAYBOOK, _results(Outcome.OK, Outcome.CHANGED), checks, said.append, NeverStop())

    assert [result.outcome for result in results] == ["ok", "failed"]
    assert (results[1].error, results[1].task) == ("scripted to be failed", "check test_it")
    assert [summary(one) for one in said] == ["checks: 1 passed", "check test_it: scripted to be failed"]


def test_a_target_that_failed_already_is_not_checked() -> None:
    """What the playbook said of it stays; with no good target nothing is started."""
    checks = FakeChecks()

    one = verified(PLAYBOOK, _results(Outcome.FAILED, Outcome.OK), checks, lambda _: None, NeverStop())
    none = verified(PLAYBOOK, _results(Outcome.FAILED, Outcome.HELD), checks, lambda _: None, NeverStop())

    assert [result.outcome for result in (*one, *none)] == ["failed", "ok", "failed", "held"]
    assert [[target.name for target in run.targets] for run in checks.runs] == [["viatris.fra1"]]


def test_checks_that_could_not_be_made_are_no_success() -> None:
    """A host that went away is unreachable, a stop interrupts, and where no check can be run the targets failed."""
    good = _results(Outcome.OK, Outcome.CHANGED)
    away = FakeChecks({"viatris.fra1": Outcome.UNREACHABLE})
    broken = FakeChecks(error=OperationError("test_own.py cannot be used"))

    def outcomes(checks: FakeChecks, stop: FakeStop) -> list[str]:
        return [result.outcome for result in verified(PLAYBOOK, good, checks, lambda _: None, stop)]

    assert outcomes(away, FakeStop()) == ["ok", "unreachable"]
    assert outcomes(FakeChecks(), FakeStop(asked=True, now=True)) == ["interrupted", "interrupted"]
    assert outcomes(broken, FakeStop()) == ["failed", "failed"]
