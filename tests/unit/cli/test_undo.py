"""`deployer undo` in production: what was confirmed is what is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from deployer.app import Deployer
from deployer.cli.main import main
from deployer.cli.options import Context
from deployer.model.site import Inventory, Machine, Repository, Site
from deployer.settings import Settings
from deployer.testing import FakeClones, FakeHosts

NAME = "clusterconfig-fra1"
SITE = Site("prod", "fra1", Machine("fra1-prod-dep01", {}), Repository(NAME, f"~/deployer/{NAME}"))


class World:
    """A production site whose clone was synced twice, and a person who answers."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clones = FakeClones({NAME: {"viatris.json": b"0"}})
        self.deployer = Deployer(settings=Settings(state=folder))
        inventory = Inventory("prod", "inventories/prod", {"fra1": SITE}, is_production=True)
        self.deployer.__dict__.update(inventory=inventory, _clones=self.clones, _hosts=FakeHosts())
        self.asked: list[str] = []
        self.meanwhile: Callable[[], object] = str
        monkeypatch.setattr(Context, "deployer", lambda _context: self.deployer)
        monkeypatch.setattr(Context, "is_interactive", True)
        monkeypatch.setattr(click, "confirm", self._answer)
        self.heads = [self.synced(b"1"), self.synced(b"2")]

    def synced(self, content: bytes) -> str:
        """The clone after it received somebody's change."""
        self.clones.push(NAME, {"viatris.json": content})
        self.deployer.sync("fra1")
        return self.head

    @property
    def head(self) -> str:
        """What the clone is at."""
        state = self.clones.inspect(FakeHosts().host(SITE.deployer_host), SITE.repository)
        return getattr(state, "head", "")

    def _answer(self, question: str, *, err: bool) -> bool:
        assert err
        self.asked.append(question)
        self.meanwhile()
        return True


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A production site."""
    world = World(tmp_path, monkeypatch)
    yield world
    world.deployer.close()


def test_the_snapshot_that_was_confirmed_is_the_one(world: World) -> None:
    """Though cron syncs between the question and the answer, and another snapshot is the newest then."""
    first, second = world.heads
    world.meanwhile = lambda: world.synced(b"3")

    assert main(["undo", "fra1"]) == 0
    assert first[:10] in world.asked[0]
    assert second[:10] not in world.asked[0]
    assert world.head == first


@pytest.mark.parametrize("to", ["1999", "0"])
def test_an_unknown_snapshot_is_refused_before_any_question(
    world: World, capsys: pytest.CaptureFixture[str], to: str
) -> None:
    """Exit 2, also for a beginning that several have; nothing is changed."""
    assert main(["undo", "fra1", "--to", to]) == 2
    assert world.asked == []
    assert world.head == world.heads[1]
    assert f"has no snapshot {to}, or several begin so" in capsys.readouterr().err


def test_the_line_to_return_acts_on_the_same_inventory(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Pasted as it is, it undoes this undo and no other environment's."""
    assert main(["undo", "fra1", "-i", "far away"]) == 0

    assert "to undo this: deployer undo fra1 --to 0002 -i 'far away'" in capsys.readouterr().out
    assert world.head == world.heads[0]
