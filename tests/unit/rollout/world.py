"""A runbook with the shipped doubles of every port."""

from __future__ import annotations

import json
from dataclasses import replace

from deployer.engine import InlineEngine
from deployer.errors import DeployerError
from deployer.model.operation import ManifestUse, Operation
from deployer.model.plan import Plan
from deployer.model.run import Outcome, Run
from deployer.model.site import Inventory, Machine, Repository, Site
from deployer.model.sync import Commit, ManualWork, SyncResult, SyncStatus
from deployer.rollout.request import Request
from deployer.rollout.runbook import Parts, Runbook
from deployer.rollout.syncing import Syncing
from deployer.rollout.telling import Telling
from deployer.testing import (
    FakeClock,
    FakeClones,
    FakeDriver,
    FakeHosts,
    FakeLocks,
    FakeManifests,
    FakeStop,
    MemoryStore,
    RecordingListener,
)


def manifest(name: str, version: str = "1.0", **more: str) -> bytes:
    """A manifest of one instance."""
    return json.dumps({"name": name, "version": version, **more}).encode()


def site_of(name: str) -> Site:
    """A site with one deployer host."""
    machine = Machine(f"{name}-dep01", {})
    repository = Repository(f"clusterconfig-{name}", f"~/deployer/clusterconfig-{name}")
    return Site("prod", name, machine, repository, machines={machine.name: machine})


class World:
    """Two sites with instances, and everything that the runbook needs."""

    def __init__(self, **files: bytes) -> None:
        self.sites = (site_of("fra1"), site_of("ams2"))
        fra1 = files or {"acme.json": manifest("acme"), "viatris.json": manifest("viatris")}
        self.clones = FakeClones({"clusterconfig-fra1": fra1, "clusterconfig-ams2": {"nord.json": manifest("nord")}})
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.locks = FakeLocks()
        self.hosts = FakeHosts()
        self.driver = FakeDriver(clock=self.clock)
        self.listener = RecordingListener()
        self.stop = FakeStop()
        self.plans: list[Plan] = []
        self.answer = True
        self.is_stopped_at_the_question = False
        self.told: list[str] = []
        self.is_deaf = False

    name = "people"

    def tell(self, work: ManualWork) -> None:
        """The notifier's part."""
        if self.is_deaf:
            raise DeployerError("nobody was reached")
        self.told.append(work.id)

    def request(self, *sites: str, edits: bool = False, **asked: object) -> Request:
        """A request on these sites, `fra1` if none is named."""
        use = ManifestUse.EDIT if edits else ManifestUse.READ
        operation = Operation("instance-redeploy", "redeploy", "Redeploy", "", "", "playbook.yml", use)
        inventory = Inventory("prod", "inventories/prod", {site.name: site for site in self.sites})
        meant = tuple(site for site in self.sites if site.name in (sites or ("fra1",)))
        return replace(Request(operation, inventory, meant, who="erin"), **asked)  # type: ignore[arg-type]

    def run(self, request: Request, run: str = "run-1") -> Run:
        """Carry it out."""
        record = Run(
            run,
            request.operation.name,
            "prod",
            tuple(site.name for site in request.sites),
            request.instances,
            "erin",
            "box",
            self.clock.now(),
            check=request.options.check,
        )
        return self.book.carry_out(request, record, self._approve, self.listener, self.stop)

    @property
    def book(self) -> Runbook:
        """A runbook over the doubles as they are now."""
        manifests = FakeManifests()
        telling = Telling(self.store, [self])
        syncing = Syncing(self.hosts, self.clones, manifests, self.store, self.clock, telling)
        return Runbook(
            Parts(self.hosts, self.locks, manifests, syncing, self.driver, InlineEngine(), self.store, self.clock)
        )

    @property
    def head(self) -> str:
        """What the clone of fra1 is at."""
        site = self.sites[0]
        return getattr(self.clones.inspect(self.hosts.host(site.deployer_host), site.repository), "head", "")

    def _approve(self, _run: Run, plan: Plan) -> bool:
        self.plans.append(plan)
        self.stop.asked = self.stop.asked or self.is_stopped_at_the_question
        return self.answer


def outcomes(run: Run) -> dict[str, Outcome]:
    """Target -> how it ended."""
    return {result.target: result.outcome for result in run.results}


def stuck(*commits: Commit, status: SyncStatus = SyncStatus.MANUAL, revision: str = "") -> SyncResult:
    """A sync that did not bring the clone in step."""
    work = ManualWork("1", "fra1-dep01", "~/deployer/clusterconfig-fra1", "git x", "conflict", "a person", "", ())
    manual = work if status is SyncStatus.MANUAL else None
    place = ("fra1-dep01", "~/deployer/clusterconfig-fra1", "main")
    return SyncResult(*place, status, "old", "old", revision, unlanded=commits, manual=manual)
