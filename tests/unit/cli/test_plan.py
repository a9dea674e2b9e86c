"""`deployer plan` of a site where a person is needed first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.app import Deployer
from deployer.cli.main import main
from deployer.cli.options import Context
from deployer.model.site import Inventory, Machine, Repository, Site
from deployer.model.sync import ManualWork
from deployer.settings import Settings
from deployer.testing import FakeClones, FakeHosts

LINE = "manual intervention needed on fra1-prod-dep01"


def _site(name: str) -> Site:
    machine = Machine(f"{name}-prod-dep01", {})
    repository = Repository(f"clusterconfig-{name}", f"~/deployer/clusterconfig-{name}")
    return Site("prod", name, machine, repository, machines={machine.name: machine})


@pytest.fixture
def deployer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployer]:
    """Two sites; the clone of the first is missing."""
    files = {"nord.json": b'{"name": "nord", "release": {"version": "1.4.2"}}'}
    clones = FakeClones({"clusterconfig-fra1": {}, "clusterconfig-ams2": files})
    place = ("fra1-prod-dep01", "~/deployer/clusterconfig-fra1")
    work = ManualWork("1", *place, "git clone", "missing", LINE, "there is no clone", ("git clone it",))
    clones.manual["clusterconfig-fra1"] = work
    made = Deployer(settings=Settings(state=tmp_path))
    inventory = Inventory("prod", "inventories/prod", {name: _site(name) for name in ("fra1", "ams2")})
    made.__dict__.update(inventory=inventory, _clones=clones, _hosts=FakeHosts())
    monkeypatch.setattr(Context, "deployer", lambda _context: made)
    yield made
    made.close()


def test_a_plan_says_what_a_person_must_do_first(deployer: Deployer, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 5 as the run would, with the commands to paste; and like all of a plan it is put on no record."""
    code = main(["plan", "redeploy", "fra1"])
    said = capsys.readouterr().out

    assert code == 5
    assert said.startswith(f"fra1: {LINE}\n")
    assert "git clone it" in said
    assert "would r" not in said
    assert deployer.attention() == ()


@pytest.mark.usefixtures("deployer")
def test_the_other_site_is_planned_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """What would be rolled out there, and for a program the manual work as everywhere."""
    shown = main(["plan", "redeploy", "fra1", "ams2"]), capsys.readouterr().out
    document = main(["plan", "redeploy", "fra1", "ams2", "--json"]), json.loads(capsys.readouterr().out)

    assert (shown[0], document[0]) == (5, 5)
    assert "ams2: clone at " in shown[1]
    assert "nord.ams2" in shown[1]
    assert [(work["site"], work["kind"]) for work in document[1]["data"]["manual"]] == [("fra1", "missing")]
    assert document[1]["data"]["buckets"][0]["batches"][0]["targets"][0]["instance"] == "nord"


@pytest.mark.usefixtures("deployer")
def test_the_targets_of_a_site_whose_clone_is_missing_are_not_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the other site are listed, stderr says what is wrong, and the exit code does."""
    code = main(["redeploy", "fra1", "ams2", "--list-targets"])
    said = capsys.readouterr()

    assert (code, said.out) == (5, "nord.ams2\n")
    assert f"fra1: {LINE}" in said.err
