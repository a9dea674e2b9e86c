"""What follows from what was asked for: who is in a sandbox of real hosts, and where. Nothing runs."""

from __future__ import annotations

import ipaddress
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.errors import DeployerError, UsageError
from deployer.sandboxes import Sandbox, Sandboxes
from deployer.sandboxes.faults import Fault, Kind, parse
from deployer.sandboxes.nspawn import cgroups, command, limits, network
from deployer.sandboxes.nspawn.plan import Plan, Role, check, sandbox_id
from deployer.sandboxes.spread import Spread, shares

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def box(sites: tuple[str, ...], instances: int, clusters: int, folder: Path = Path("/state/lab")) -> Sandbox:
    """A sandbox that was asked for."""
    return Sandbox(folder.name, "nspawn", folder, "sandbox", folder / "i", sites, instances, NOW, NOW, clusters)


counts = st.integers(1, 5).flatmap(
    lambda sites: st.integers(sites, 40).flatmap(
        lambda clusters: st.tuples(st.just(sites), st.just(clusters), st.integers(clusters, 150))
    )
)


@given(counts)
def test_clusters_and_instances_are_spread_evenly(asked: tuple[int, int, int]) -> None:
    """As many as were asked for, no cluster without an instance, no site with two more clusters than another."""
    sites, clusters, instances = asked
    names = tuple(f"s{number}" for number in range(sites))
    spread = Spread(box(names, instances, clusters))
    found = [len(spread.clusters(name)) for name in names]
    assert sum(found) == clusters
    assert max(found) - min(found) <= 1
    placed = [(name, place) for name in names for _, place in spread.instances(name)]
    assert len(placed) == instances
    assert {spread.instances(name)[0][0] for name in names} == {"viatris"}


def test_without_clusters_each_site_has_its_own() -> None:
    """One cluster and as many instances as were asked for, in each site."""
    spread = Spread(box(("fra1", "ams2"), 3, 0))
    assert [spread.clusters(site) for site in ("fra1", "ams2")] == [("c01",), ("c01",)]
    assert [len(spread.instances(site)) for site in ("fra1", "ams2")] == [3, 3]


def test_shares() -> None:
    """The larger shares come first, and nothing is lost."""
    assert shares(10, 4) == (3, 3, 2, 2)


def test_every_host_has_a_name_and_an_address_of_its_own() -> None:
    """Of 3 sites and 30 clusters: a hub, 3 deployer hosts, 30 nodes, all in the network of the sandbox."""
    plan = Plan(box(("fra1", "ams2", "iad1"), 120, 30), 207)
    assert [host.role for host in plan.hosts].count(Role.NODE) == 30
    assert len(plan.hosts) == 34
    assert len({host.name for host in plan.hosts}) == 34
    addresses = {ipaddress.ip_address(host.address) for host in plan.hosts}
    assert len(addresses) == 34
    assert all(address in ipaddress.ip_network("10.207.0.0/16") for address in addresses)
    assert plan.site("ams2").nodes[0].name == "ams2-sandbox-app01"


def test_names_of_the_machine_are_short_and_differ_by_folder() -> None:
    """Two sandboxes of the same name in two folders share no namespace; an interface's name has 15 characters."""
    plans = [Plan(box(("fra1",), 1, 0, Path(f"/{place}/lab")), 201) for place in ("here", "there")]
    assert plans[0].backbone != plans[1].backbone
    assert all(len(plan.interface) <= 15 for plan in plans)
    assert plans[0].id == sandbox_id(Path("/here/lab"))


def test_more_than_there_are_addresses_for() -> None:
    """It is refused before anything is made."""
    with pytest.raises(UsageError, match="200 clusters at most, not 201"):
        check(box(("fra1",), 500, 201))
    with pytest.raises(UsageError, match="200 sites at most"):
        check(box(tuple(f"s{number}" for number in range(201)), 500, 0))


def test_the_network_is_one_that_nobody_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine has a route to is left alone; the default route is no such one."""
    routes = '[{"dst": "default"}, {"dst": "10.201.0.0/16"}, {"dst": "10.202.3.4"}]'
    monkeypatch.setattr(command, "run", lambda *_: routes)
    assert network.choose() == 203
    with pytest.raises(DeployerError, match=r"10\.202\.0\.0/16 is in use"):
        network.choose(202)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("cut",), Fault(Kind.CUT)),
        (("heal",), Fault(Kind.HEAL)),
        (("delay", "100ms"), Fault(Kind.DELAY, 0.1)),
        (("delay", "1.5s"), Fault(Kind.DELAY, 1.5)),
        (("loss", "5%"), Fault(Kind.LOSS, 0.05)),
    ],
)
def test_faults_as_they_are_typed(words: tuple[str, ...], fault: Fault) -> None:
    """Milliseconds, seconds and percent."""
    assert parse(*words) == fault


@pytest.mark.parametrize(
    "words",
    [
        *[("burn",), ("cut", "5%"), ("delay",), ("delay", "5%"), ("delay", "0ms"), ("loss", "5"), ("loss", "101%")],
        *[("delay", "2h"), ("loss", "100ms"), ("delay", "61s"), ("loss", "-5%")],
    ],
)
def test_faults_that_cannot_be_meant(words: tuple[str, ...]) -> None:
    """They are usage errors."""
    with pytest.raises(UsageError):
        parse(*words)


def test_only_root_can_make_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else is told what needs no privileges, and nothing is left."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UsageError, match="needs root") as refused:
        Sandboxes(tmp_path / "boxes").create("lab", backend="nspawn")
    assert "--backend local" in refused.value.hint
    assert Sandboxes(tmp_path / "boxes").list() == ()


def test_missing_programs_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the packages that bring them."""
    monkeypatch.setattr(shutil, "which", lambda name, **_: None if name in {"ip", "ssh"} else name)
    with pytest.raises(DeployerError, match="not installed: ip, ssh") as refused:
        command.check_programs()
    assert refused.value.hint == "apt-get install iproute2 openssh-client"


def test_the_limit_is_as_before_when_the_last_sandbox_has_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised for the hosts there are, and put back; what somebody set meanwhile stays."""
    limit, record = tmp_path / "limit", tmp_path / "record"
    limit.write_text("128\n")
    monkeypatch.setattr(limits, "_LIMIT", limit)
    monkeypatch.setattr(limits, "_RECORD", record)
    there: list[Path] = []
    monkeypatch.setattr(cgroups, "all_sandboxes", lambda: iter(there))
    limits.make_room(34)
    assert limit.read_text() == "468\n"
    there.append(tmp_path / "group")
    (there[0] / "hub").mkdir(parents=True)
    limits.make_room(4)
    assert limit.read_text() == "468\n"
    limits.restore()
    assert limit.read_text() == "468\n"
    there.clear()
    limits.restore()
    assert limit.read_text() == "128\n"
    assert not record.exists()
    limits.make_room(4)
    limit.write_text("1024\n")
    limits.restore()
    assert limit.read_text() == "1024\n"
