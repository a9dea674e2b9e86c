"""The books about syncs: who is told of what, what closes it, and what is known of the last good one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from deployer.errors import AttentionError, DeployerError, StoreError, UnreachableError
from deployer.model.run import Outcome, Run, RunState, TargetResult
from deployer.model.site import Machine, Repository, Site
from deployer.model.sync import CloneState, Commit, ManualWork, SyncResult, SyncStatus
from deployer.rollout.status import RUNS_LOOKED_AT
from deployer.rollout.syncing import Syncing
from deployer.rollout.telling import Telling
from deployer.testing import FakeClock, FakeClones, FakeHosts, FakeManifests, MemoryStore

PATH = "~/deployer/clusterconfig-fra1"
HOST = "fra1-prod-dep01"
SITE = Site("prod", "fra1", Machine(HOST, {}), Repository("clusterconfig-fra1", PATH, branch="main"))
WORK = ManualWork("1", HOST, PATH, "git x", "conflict", "a person", "", ())


class Teller:
    """A notifier that can be deaf."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.told: list[str] = []
        self.is_deaf = False

    def tell(self, work: ManualWork) -> None:
        """Hear of it."""
        if self.is_deaf:
            raise DeployerError(f"{self.name} was not reached")
        self.told.append(work.id)


class World:
    """A site, its clone, and two notifiers."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.clones = FakeClones({"clusterconfig-fra1": {"viatris.json": b"{}"}})
        self.hosts = FakeHosts()
        self.mail, self.chat = Teller("command"), Teller("webhook")
        telling = Telling(self.store, [self.mail, self.chat])
        self.syncing = Syncing(self.hosts, self.clones, FakeManifests(), self.store, self.clock, telling, "erin@box")

    def sync(self, *ends: SyncResult | DeployerError) -> None:
        """Syncs that end like this, one after another; well for none."""
        self.clones.scripted["clusterconfig-fra1"] = list(ends)
        for _ in ends or (None,):
            self.syncing.report((SITE,), check=False, side_by_side=1)

    def away(self, *asked: str) -> list[str]:
        """The targets of the site while its deployer host does not answer."""
        return [target.name for target in self.syncing.away(SITE, UnreachableError("away"), asked).instances.targets]

    def ran(self, run: str, environment: str = "prod", *, site: str = "fra1", **outcomes: Outcome) -> None:
        """A run on a site is on record, with these outcomes of its instances."""
        results = [TargetResult(f"{name}.{site}", site, outcome) for name, outcome in outcomes.items()]
        record = Run(run, "instance-redeploy", environment, (site,), (), "erin", "box", self.clock.now())
        with self.store.begin(record):
            self.store.record(run, results)
            self.store.update(replace(record, state=RunState.FINISHED))


def _end(status: SyncStatus, manual: ManualWork | None = None) -> SyncResult:
    return SyncResult(HOST, PATH, "main", status, "a", "a", "", manual=manual)


STUCK = _end(SyncStatus.MANUAL, WORK)


def test_each_notifier_tells_once_though_another_fails() -> None:
    """A webhook that is away for a week does not make a mail of every sync."""
    world = World()
    world.chat.is_deaf = True
    world.sync(STUCK, STUCK, STUCK)
    world.chat.is_deaf = False
    world.sync(STUCK, STUCK)

    assert (world.mail.told, world.chat.told) == (["1"], ["1"])


@pytest.mark.parametrize("end", [_end(SyncStatus.RETRY_LATER), UnreachableError("away")])
def test_what_says_nothing_of_the_clone_closes_nothing(end: SyncResult | DeployerError) -> None:
    """Only a sync that ended well does."""
    world = World()
    world.sync(STUCK, end)
    waiting = world.store.attention()
    world.sync()

    assert [work.id for work in waiting] == ["1"]
    assert world.store.attention() == ()


def test_work_that_came_back_is_told_again() -> None:
    """It closed in between: it is new to people."""
    world = World()
    world.sync(STUCK, _end(SyncStatus.IN_SYNC), STUCK, STUCK)

    assert world.mail.told == world.chat.told == ["1", "1"]


def test_what_the_clone_needs_now_is_what_is_open() -> None:
    """The report before it would only mislead."""
    world = World()
    world.sync(STUCK, _end(SyncStatus.MANUAL, replace(WORK, id="2", kind="merge-in-progress")))

    assert [work.id for work in world.store.attention()] == ["2"]


def test_a_snapshot_says_on_whose_behalf() -> None:
    """A run by its id, a sync and an undo as such, each with the person."""
    world = World()
    world.sync()
    world.syncing.sync(SITE, run="run-1")
    world.clones.push("clusterconfig-fra1", {})
    world.sync()
    world.syncing.undo(SITE, "")

    assert world.clones.reasons == [
        "sync by erin@box",
        "run run-1 by erin@box",
        "sync by erin@box",
        "undo by erin@box",
    ]


def test_the_last_good_sync_is_known_of_a_host_that_is_away() -> None:
    """From the record: nobody can be asked there."""
    world = World()
    world.sync()
    good = world.clock.now()
    world.clock.sleep(60)
    world.sync(STUCK)
    world.clones.manual["clusterconfig-fra1"] = WORK

    (found,) = world.syncing.report((SITE,), check=True, side_by_side=1)

    assert found.last_good is not None
    assert good - timedelta(seconds=1) <= found.last_good < world.clock.now()


HERE, THERE = Commit("here", "Ada <a@x>", "", "ours", ()), Commit("there", "Ben <b@x>", "", "theirs", ())


@pytest.mark.parametrize(
    ("ahead", "behind", "revision"),
    [((HERE,), (), "head"), ((), (THERE,), "remote"), ((HERE,), (THERE,), "remote"), ((), (), "remote")],
)
def test_a_look_tells_what_would_be_rolled_out(
    monkeypatch: pytest.MonkeyPatch, ahead: tuple[Commit, ...], behind: tuple[Commit, ...], revision: str
) -> None:
    """A commit that only waits to land is in it; what becomes of sides that went apart, the sync decides."""
    world = World()
    head = world.clones.push("clusterconfig-fra1", {"mine.json": b"{}"})
    remote = world.clones.push("clusterconfig-fra1", {"theirs.json": b"{}"})
    state = CloneState(HOST, PATH, "main", head, remote, ahead, behind)
    monkeypatch.setattr(world.clones, "inspect", lambda *_: state)

    seen = world.syncing.look(SITE)

    assert seen.revision == {"head": head, "remote": remote}[revision]
    assert [*seen.instances.files] == ["mine.json" if revision == "head" else "theirs.json"]
    assert seen.text == f"{len(ahead)} to land, {len(behind)} to receive (looked only)"


def test_a_site_that_is_away_stops_no_clone_of_another() -> None:
    """Each missing clone is made and synced, and what goes wrong at a site is told of that site."""
    world = World()
    ams2 = replace(SITE, name="ams2", deployer_host=Machine("ams2-prod-dep01", {}))
    world.clones.manual["clusterconfig-fra1"] = replace(WORK, kind="missing")
    world.hosts.hosts["ams2-prod-dep01"] = UnreachableError("ams2-prod-dep01 did not answer")

    away, made = world.syncing.report((ams2, SITE), check=False, side_by_side=2, clone_missing=True)

    assert isinstance(away.error, UnreachableError)
    assert (made.cloned, made.result is not None, world.clones.cloned) == (True, True, ["clusterconfig-fra1"])


@pytest.mark.parametrize("check", [False, True])
def test_a_site_that_cannot_be_synced_says_why(*, check: bool) -> None:
    """The error of one site is its answer, whether it is synced or only looked at."""
    world = World()
    away = UnreachableError("no route")
    world.hosts.hosts[HOST] = away

    (answer,) = world.syncing.report((SITE,), check=check, side_by_side=1)

    assert answer.error is away
    assert (answer.result, answer.state, answer.manual) == (None, None, None)


def test_a_clone_that_could_not_be_made_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is not synced: that would only report that it is missing."""
    world = World()
    world.clones.manual["clusterconfig-fra1"] = replace(WORK, kind="missing")

    def broken(*_arguments: object) -> None:
        raise AttentionError("no such repository")

    monkeypatch.setattr(world.clones, "clone", broken)
    (found,) = world.syncing.report((SITE,), check=False, side_by_side=1, clone_missing=True)

    assert (str(found.error), found.cloned, world.store.attention()) == ("no such repository", False, ())


def test_a_clone_that_is_there_is_not_made() -> None:
    """Whatever else is the matter with it."""
    world = World()
    world.clones.manual["clusterconfig-fra1"] = WORK

    (found,) = world.syncing.report((SITE,), check=False, side_by_side=1, clone_missing=True)

    assert (found.cloned, found.result is not None, world.clones.cloned) == (False, True, [])


def test_who_only_looks_needs_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that cannot be read does not stop a check."""
    world = World()

    def broken() -> None:
        raise StoreError("cannot be read")

    monkeypatch.setattr(world.store, "last_syncs", broken)

    (found,) = world.syncing.report((SITE,), check=True, side_by_side=1)

    assert found.state is not None
    assert found.last_good is None


@pytest.mark.parametrize(
    ("asked", "targets"),
    [
        (("viatris",), ["viatris.fra1"]),
        (("viatris.fra1", "viatris"), ["viatris.fra1"]),
        (("viatris.ams2",), []),
        (("typo.zzz", "acme"), ["acme.fra1"]),
        (("v1.2.fra1",), []),
    ],
)
def test_a_site_that_is_away_has_no_targets_of_others(asked: tuple[str, ...], targets: list[str]) -> None:
    """A name with a site means that site's instance alone, and a slip of the finger makes no target."""
    assert World().away(*asked) == targets


def test_a_site_that_is_away_has_the_targets_that_a_run_found() -> None:
    """In this environment; what was only named while the site was away is not carried from run to run."""
    world = World()
    world.ran("1", acme=Outcome.OK, viatris=Outcome.HELD, nord=Outcome.NOT_STARTED, **{"v1.2": Outcome.FAILED})
    world.ran("2", acme=Outcome.UNREACHABLE, ghost=Outcome.UNREACHABLE)
    world.ran("3", "test", other=Outcome.OK)
    world.ran("4", died=Outcome.INTERRUPTED)

    assert sorted(world.away()) == ["acme.fra1", "nord.fra1", "v1.2.fra1", "viatris.fra1"]
    assert world.away("v1.2.fra1") == world.away("v1.2") == ["v1.2.fra1"]


def test_many_runs_of_another_site_hide_no_target() -> None:
    """Only so many runs are looked at: those of the site itself."""
    world = World()
    world.ran("1", acme=Outcome.OK)
    for run in range(RUNS_LOOKED_AT):
        world.clock.sleep(60)
        world.ran(f"ams2-{run}", site="ams2", acme=Outcome.OK)

    assert world.away() == ["acme.fra1"]


def test_a_long_outage_forgets_no_target() -> None:
    """Cron goes on all the while."""
    world = World()
    world.ran("1", acme=Outcome.OK)
    for run in range(2, 60):
        world.clock.sleep(60)
        world.ran(str(run), acme=Outcome.UNREACHABLE)

    assert world.away() == ["acme.fra1"]


def test_undo_of_the_doubles_goes_back_and_forth() -> None:
    """`FakeClones` keeps the promise of the port."""
    world = World()
    first = world.clones.push("clusterconfig-fra1", {"viatris.json": b"1"})
    world.sync()
    world.clones.push("clusterconfig-fra1", {"viatris.json": b"2"})
    world.sync()

    undone = world.syncing.undo(SITE, "")
    again = world.syncing.undo(SITE, undone.saved.id if undone.saved else "none")

    assert undone.after == first
    assert again.after == undone.before
    assert len(world.syncing.snapshots(SITE)) == 4
