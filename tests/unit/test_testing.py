"""The shipped doubles behave as what they stand for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from deployer.errors import HelperFailedError, LockedError, ManifestError, UnreachableError, UsageError
from deployer.model.facts import Finding, Verdict
from deployer.model.plan import Target
from deployer.model.program import Program
from deployer.model.run import Outcome
from deployer.model.site import Machine, Repository, Site
from deployer.model.sync import Change, CloneState, Edit, ManualWork, SyncResult, SyncStatus
from deployer.ports import (
    Checks,
    Clock,
    Clones,
    Completed,
    Driver,
    Host,
    Hosts,
    Listener,
    Lock,
    Locks,
    Manifests,
    PlaybookRun,
    Stop,
    Store,
)
from deployer.testing import (
    FakeChecks,
    FakeClock,
    FakeClones,
    FakeDriver,
    FakeHost,
    FakeHosts,
    FakeLocks,
    FakeManifests,
    FakeStop,
    MemoryStore,
    NeverStop,
    RecordingListener,
)

REPOSITORY = Repository("clusterconfig-fra1", "~/deployer/clusterconfig-fra1")
MACHINE = Machine("fra1-prod-dep01", {})
SITE = Site("production", "fra1", MACHINE, REPOSITORY)
TARGETS = tuple(
    Target(name, "production", "fra1", "", MACHINE.name, f"{name}.json", version="B") for name in ("viatris", "acme")
)
PLAYBOOK = PlaybookRun("run", "fra1", "playbook.yml", "inventory", SITE, TARGETS)
PROGRAM = Program({})


def test_every_double_fits_its_port() -> None:
    """The type checker holds each double against the Protocol that it stands for."""
    clock: Clock = FakeClock()
    host: Host = FakeHost()
    hosts: Hosts = FakeHosts()
    locks: Locks = FakeLocks()
    clones: Clones = FakeClones({})
    manifests: Manifests = FakeManifests()
    driver: Driver = FakeDriver()
    checks: Checks = FakeChecks()
    store: Store = MemoryStore()
    listener: Listener = RecordingListener()
    stops: tuple[Stop, ...] = (NeverStop(), FakeStop())

    assert all((clock, host, hosts, locks, clones, manifests, driver, checks, store, listener, stops))


def test_clock_moves_only_when_told() -> None:
    """Sleeping takes no time of the test, and the time of the clock."""
    clock = FakeClock()
    before = clock.now()

    clock.sleep(90)
    clock.advance(10)

    assert (clock.now() - before, clock.monotonic(), clock.slept) == (timedelta(seconds=100), 100.0, [90])


def test_host_answers_as_scripted() -> None:
    """Commands end by their first word, programs answer requests, and both are kept."""
    host = FakeHost(commands={"git": Completed(1, b"", b"no")}, answer=lambda request: {"got": request["a"]})

    assert host.run(["git", "status"]).exit_code == 1
    assert host.run(["true"]).exit_code == 0
    with host.hold(PROGRAM, {"a": 1}) as answer:
        assert answer == {"got": 1}
        assert host.held == [{"a": 1}]
    assert (host.ran, host.requests, host.held) == ([("git", "status"), ("true",)], [{"a": 1}], [])


def test_host_can_be_out_of_reach() -> None:
    """An error instead of an end is raised: for one command, or for the whole host."""
    lost = UnreachableError("no answer")
    with pytest.raises(UnreachableError):
        FakeHost(commands={"git": lost}).run(["git"])
    with pytest.raises(UnreachableError):
        FakeHosts({MACHINE.name: lost}).host(MACHINE)


def test_hosts_are_made_once() -> None:
    """The same machine is the same host; findings are per site."""
    finding = Finding("git", Verdict.GOOD, "2.39")
    hosts = FakeHosts(findings={"fra1": (finding,)})

    assert hosts.host(MACHINE) is hosts.host(MACHINE)
    assert hosts.doctor(SITE) == (finding,)
    hosts.close()
    assert hosts.is_closed


def test_locks_exclude_as_the_real_ones() -> None:
    """Shared locks go together, an exclusive one stands alone, all or none are taken, and fences grow."""
    locks, host = FakeLocks(), FakeHost()
    site, instance = Lock("site", exclusive=False), Lock("instance/viatris", exclusive=True)
    with locks.hold(host, REPOSITORY, [site, instance], run="one", who="ops") as fences:
        assert fences == {"instance/viatris": 1}
        with locks.hold(host, REPOSITORY, [site], run="two", who="cron") as shared:
            assert shared == {}
        with (
            pytest.raises(LockedError, match=r"instance/viatris on fra1-prod-dep01 is locked by ops \(one\)"),
            locks.hold(host, REPOSITORY, [Lock("site", exclusive=False), instance], run="two", who="cron"),
        ):
            pass
        with locks.hold(FakeHost("ams2-prod-dep01"), REPOSITORY, [instance], run="two", who="cron"):
            pass

    with locks.hold(host, REPOSITORY, [Lock("site", exclusive=True), instance], run="two", who="cron") as fences:
        assert fences == {"site": 1, "instance/viatris": 2}


def test_clones_sync_without_trouble() -> None:
    """What others push is received, a change lands on top, and every revision can be read afterwards."""
    clones, host = FakeClones({REPOSITORY.name: {"viatris.json": b"A"}}), FakeHost()
    first = clones.sync(host, REPOSITORY)
    pushed = clones.push(REPOSITORY.name, {"viatris.json": b"B", "acme.json": b"C"})
    state = clones.inspect(host, REPOSITORY)
    second = clones.sync(host, REPOSITORY)
    third = clones.sync(host, REPOSITORY, Change("edit", (Edit("acme.json", b"D", "base"),)))

    assert isinstance(state, CloneState)
    assert (state.head, state.remote) == (first.after, pushed)
    assert [one.status for one in (first, second, third)] == ["in-sync", "received", "landed"]
    assert second.revision == pushed
    assert clones.files(REPOSITORY.name) == {"viatris.json": b"B", "acme.json": b"D"}
    assert {path: data for path, (_, data) in clones.read(host, REPOSITORY, pushed).items()} == {
        "viatris.json": b"B",
        "acme.json": b"C",
    }
    assert clones.read(host, REPOSITORY, "HEAD") == clones.read(host, REPOSITORY, third.change)


def test_clones_fail_as_scripted() -> None:
    """Scripted ends come first, in order; then syncs go well again."""
    clones, host = FakeClones({REPOSITORY.name: {}}), FakeHost()
    later = SyncResult(host.name, REPOSITORY.path, "main", SyncStatus.RETRY_LATER, "a", "a", "")
    clones.scripted[REPOSITORY.name] = [later, HelperFailedError("no answer")]
    work = ManualWork("id", host.name, REPOSITORY.path, "git pull", "conflict", "line", "detail", ())
    clones.manual[REPOSITORY.name] = work

    assert clones.sync(host, REPOSITORY) == later
    with pytest.raises(HelperFailedError):
        clones.sync(host, REPOSITORY)
    assert clones.sync(host, REPOSITORY).status is SyncStatus.IN_SYNC
    assert clones.inspect(host, REPOSITORY) == work


def test_missing_clone_is_made_empty() -> None:
    """A clone that nobody gave files has none."""
    clones = FakeClones({})

    clones.clone(FakeHost(), REPOSITORY)

    assert clones.cloned == [REPOSITORY.name]
    assert clones.read(FakeHost(), REPOSITORY, "HEAD") == {}


def test_manifests_are_flat_json() -> None:
    """Each key is a field that can be set; what is no JSON, or not there, is an error of the real class."""
    manifests = FakeManifests()
    data = manifests.set_value("viatris.json", b'{"name": "viatris", "version": "A", "n": 1}', "version", "B", {})

    assert manifests.parse("viatris.json", data, {}).fields == {"name": "viatris", "version": "B"}
    (difference,) = manifests.compare("viatris.json", b'{"name": "viatris", "version": "A"}', data)
    assert (difference.path, difference.before, difference.after) == ("version", "A", "B")
    with pytest.raises(UsageError):
        manifests.set_value("viatris.json", data, "nothing", "B", {})
    with pytest.raises(ManifestError, match=r"viatris\.json:1: "):
        manifests.parse("viatris.json", b"{", {})


def test_driver_plays_its_script() -> None:
    """Each run of a target takes its next outcome, the last one holds; without a script it is changed."""
    driver, listener = FakeDriver({"viatris.fra1": [Outcome.FAILED, Outcome.OK]}), RecordingListener()

    played = [[result.outcome for result in driver.run(PLAYBOOK, listener, NeverStop())] for _ in range(3)]

    assert played == [["failed", "changed"], ["ok", "changed"], ["ok", "changed"]]
    assert [result.running for result in listener.results] == ["unknown", "B", "B", "B", "B", "B"]
    assert [event.text for event in listener.events[:2]] == ["viatris.fra1 failed", "acme.fra1 changed"]
    assert driver.runs == [PLAYBOOK] * 3


def test_driver_stops_at_once() -> None:
    """Targets that a stop finds at work are interrupted."""
    stop = FakeStop()
    listener = RecordingListener(on_result=lambda _: setattr(stop, "now", True))

    results = FakeDriver().run(PLAYBOOK, listener, stop)

    assert [result.outcome for result in results] == ["changed", "interrupted"]


def test_driver_fails_to_start() -> None:
    """An error is raised in place of any result."""
    with pytest.raises(HelperFailedError):
        FakeDriver(error=HelperFailedError("no ansible")).run(PLAYBOOK, RecordingListener(), NeverStop())
