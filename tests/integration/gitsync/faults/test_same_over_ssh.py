"""The sixteenth: a deployer host behind ssh tells the same of a situation as this machine does."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from deployer.gitsync.manual import report
from deployer.hosts.factory import HostPool
from deployer.model.json import JsonValue
from deployer.model.site import Machine
from deployer.model.sync import ManualWork
from deployer.settings import SshSettings
from tests.budget.marks import sampled
from tests.budget.pace import limit
from tests.integration.gitsync.faults.catalogue import CATALOGUE
from tests.integration.gitsync.faults.scene import Scene
from tests.integration.gitsync.faults.test_faults import met

NAMES = (
    "a rebase stopped at a conflict",
    "git am stopped at a mail that does not apply",
    "both sides changed a line",
    "somebody changed the line that automation changes",
    "an ignored file where the remote adds one",
    "index.lock of yesterday that nobody holds",
    "the branch's ref is empty",
    "a file of a local commit is an empty object",
    "the clone has another remote",
    "a pre-receive hook refuses",
    "the remote is gone",
    "the remote's branch was deleted",
    "the remote's history was rewritten",
    "a pre-push hook in the clone refuses",
    "a required filter (LFS) is not installed",
    "the clone is gone",
)
"""Of situations that change nothing: they are met twice."""


@pytest.fixture
def pool() -> Iterator[HostPool]:
    """Hosts, closed at the end."""
    pool = HostPool(SshSettings(connect_timeout=round(limit(20))))
    yield pool
    pool.close()


def told(work: ManualWork) -> str:
    """The report; a commit that is made twice has the time of each in its id."""
    return re.sub(r"\b[0-9a-f]{7,40}\b", "commit", report(work))


@pytest.mark.parametrize("name", sampled(NAMES, 4, 1))
def test_the_same_is_told(scene: Scene, pool: HostPool, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The report, with its id, and whatever else the sync says, but for the time that it took."""
    situation = next(one for one in CATALOGUE if (one.name, one.transport) == (name, "path"))
    change = met(scene, situation)
    assert scene.lan is not None
    lan = scene.lan()
    monkeypatch.setenv("HOME", str(lan.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    home = str(scene.root / "home")
    at: dict[str, JsonValue] = {"ansible_host": "127.0.0.1", "ansible_port": lan.servers[0].port, "deployer_home": home}
    machine = Machine(scene.host.name, at)

    here = scene.made_engine().sync(scene.host, scene.repository, change)
    there = scene.made_engine().sync(pool.host(machine), scene.repository, change)

    assert here.manual is not None
    assert there.manual is not None
    assert there.manual.id == here.manual.id
    assert told(there.manual) == told(here.manual)
    assert (there.status, there.attempts, there.left) == (here.status, here.attempts, here.left)
    assert [one.subject for one in there.unlanded] == [one.subject for one in here.unlanded]
