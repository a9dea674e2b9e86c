"""How long a sandbox lives, clusters without nodes, and hosts that are folders but can be stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployer.errors import DeployerError, UsageError
from deployer.model.json import JsonObject
from deployer.sandboxes import Sandbox, Sandboxes
from deployer.sandboxes.base import Power
from deployer.sandboxes.faults import parse
from deployer.sandboxes.layout import SiteLayout
from deployer.sandboxes.supervisor.client import is_answering

Find = Callable[[Path], list[int]]


def _age(sandbox: Sandbox, left: timedelta) -> None:
    """Let it expire in that time."""
    file = sandbox.folder / "sandbox.json"
    content = json.loads(file.read_text()) | {"expires": (datetime.now(UTC) + left).isoformat()}
    file.write_text(json.dumps(content))


def test_a_sandbox_lives_for_90_days_unless_told_otherwise(sandboxes: Sandboxes) -> None:
    """As certificates of clusters do."""
    made = sandboxes.create("demo", instances=1)
    assert made.expires - made.created == timedelta(days=90)
    other = sandboxes.create("other", instances=1, ttl=timedelta(hours=12))
    assert other.expires - other.created == timedelta(hours=12)
    assert sandboxes.list() == (made, other)


def test_prune_destroys_what_has_expired(sandboxes: Sandboxes, processes_of: Find) -> None:
    """And nothing else."""
    old, young = (sandboxes.create(name, instances=1) for name in ("old", "young"))
    _age(old, timedelta(seconds=-1))
    assert ("old", "") in [(one.name, one.error) for one in sandboxes.prune()]
    assert sandboxes.list() == (young,)
    assert processes_of(old.folder) == []
    assert "old" not in [one.name for one in sandboxes.prune()]


def test_one_that_cannot_be_destroyed_keeps_no_other(sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prune says which and why, and goes on."""
    for name in ("first", "second"):
        _age(sandboxes.create(name, instances=1), timedelta(seconds=-1))
    destroy = Sandboxes.destroy

    def fail(self: Sandboxes, name: str) -> None:
        if name == "first":
            raise DeployerError("it is held")
        destroy(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(Sandboxes, "destroy", fail)
        pruned = {one.name: one.error for one in sandboxes.prune()}
        assert (pruned["first"], pruned["second"]) == ("it is held", "")


def test_whoever_works_in_it_is_warned_for_a_week_before(sandboxes: Sandboxes, demo: Sandbox) -> None:
    """And told when it has expired; not a day earlier, and not of a sandbox that is not there."""
    assert sandboxes.warning("demo") == ""
    assert sandboxes.warning("none") == ""
    _age(demo, timedelta(days=8))
    assert sandboxes.warning("demo") == ""
    _age(demo, timedelta(days=6))
    assert "sandbox demo expires on 20" in sandboxes.warning("demo")
    _age(demo, timedelta(days=-1))
    assert "sandbox demo has expired" in sandboxes.warning("demo")


def test_a_sandbox_of_an_older_release_expires_too(sandboxes: Sandboxes, demo: Sandbox) -> None:
    """Its file does not say when: 90 days after it was made."""
    file = demo.folder / "sandbox.json"
    content = json.loads(file.read_text())
    del content["expires"], content["clusters"]
    file.write_text(json.dumps(content))
    assert sandboxes.get("demo") == demo


def test_clusters_of_a_local_sandbox_have_no_nodes(sandboxes: Sandboxes) -> None:
    """The same options give the same clusters and instances; all run on the deployer host."""
    made = sandboxes.create("demo", sites=("fra1", "ams2"), clusters=3, instances=5)
    assert made.total == 5
    fra1, ams2 = (SiteLayout(made.folder, site) for site in made.sites)
    assert (len(list(fra1.clone.glob("*.xml"))), len(list(ams2.clone.glob("*.yaml")))) == (3, 2)
    assert 'cluster="c02"' in (fra1.clone / "acme-logistics.xml").read_text()
    hosts = (made.inventory / "hosts.yml").read_text()
    assert "fra1_c02" in hosts
    assert "ams2_c02" not in hosts


@pytest.mark.parametrize(("clusters", "instances"), [(1, 9), (4, 3)])
def test_a_number_of_clusters_that_cannot_be(sandboxes: Sandboxes, clusters: int, instances: int) -> None:
    """Each site has one at least, and each of them an instance."""
    with pytest.raises(UsageError):
        sandboxes.create("demo", sites=("fra1", "ams2"), clusters=clusters, instances=instances)


def test_hosts_of_a_local_sandbox_stop_and_start(
    sandboxes: Sandboxes, fra1: SiteLayout, supervisor: Callable[..., JsonObject], processes_of: Find
) -> None:
    """Stopped or killed, nothing of a host runs; started, its services run again."""
    supervisor("apply", "sleeper", argv=["/bin/sleep", "1000"], cwd=str(fra1.host), log=str(fra1.log / "s.log"))
    for action in (Power.STOP, Power.KILL):
        sandboxes.power("demo", fra1.host_name, action)
        assert processes_of(fra1.host) == []
        assert not is_answering(fra1.socket)
        sandboxes.power("demo", fra1.host_name, Power.START)
        assert supervisor("status", "sleeper")["state"] == "running"


def test_folders_have_no_links_to_hurt(sandboxes: Sandboxes, demo: Sandbox) -> None:
    """The refusal names the backend that has."""
    with pytest.raises(UsageError, match="no link for cut") as refused:
        sandboxes.fault(demo.name, "fra1", parse("cut"))
    assert "nspawn" in refused.value.hint
    with pytest.raises(UsageError, match="no host moon"):
        sandboxes.power(demo.name, "moon", Power.KILL)
