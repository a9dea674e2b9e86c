"""The question for production: when it is asked, and what the answer does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployer.app import Deployer
from deployer.cli.options import Context
from deployer.cli.output.approval import Approver
from deployer.cli.output.base import Silent
from deployer.errors import RefusedError
from deployer.model.plan import Batch, Bucket, Plan, Target
from deployer.model.run import Run
from deployer.model.site import Inventory, Machine, Repository, Site
from deployer.rollout.stopping import StopSwitch
from deployer.settings import Settings
from deployer.testing import FakeClock, MemoryStore

RUN = Run("run-1", "instance-redeploy", "prod", ("fra1",), (), "erin", "box", FakeClock().now())
TARGET = Target("viatris", "prod", "fra1", "", "fra1-dep01", "viatris.xml", "1.5.0")
PLAN = Plan("instance-redeploy", "prod", (Bucket("all", (Batch("fra1", (TARGET,)),)),), {"fra1": ("a", "b")})
NOTHING = replace(PLAN, buckets=())


class Person(Silent):
    """Somebody at a terminal, with an answer."""

    def __init__(self, *, answer: bool) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.shown: list[str] = []

    def header(self, lines: tuple[str, ...], run: Run, plan: Plan) -> None:  # noqa: ARG002  as the listener
        """Keep it."""
        self.shown += lines

    def ask(self, question: str) -> bool:
        """Keep the question, and answer it."""
        self.asked.append(question)
        return self.answer

    def begin(self) -> None:
        """Keep that too."""
        self.shown.append("begin")


class Desk:
    """Where runs in production are approved."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.deployer = Deployer(settings=Settings(state=folder))
        self.monkeypatch = monkeypatch
        self.has_terminal(is_there=True)

    def has_terminal(self, *, is_there: bool) -> None:
        """Whether somebody can be asked."""
        self.monkeypatch.setattr(Context, "is_interactive", is_there)

    def approve(
        self, person: Person, run: Run = RUN, plan: Plan = PLAN, *, yes: bool = False, is_production: bool = True
    ) -> bool:
        """Put a plan before the person."""
        site = Site("prod", "fra1", Machine("fra1-dep01", {}), Repository("c", "~/c"))
        inventory = Inventory("prod", "inventories/prod", {"fra1": site}, is_production=is_production)
        self.deployer.__dict__.update(inventory=inventory, store=MemoryStore())
        return Approver(Context(), self.deployer, person, StopSwitch(), yes=yes)(run, plan)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk with a terminal on it."""
    return Desk(tmp_path, monkeypatch)


@pytest.mark.parametrize("answer", [True, False])
def test_production_asks_with_the_count_and_the_place(desk: Desk, *, answer: bool) -> None:
    """After the header; only a yes begins."""
    person = Person(answer=answer)

    assert desk.approve(person) is answer
    assert person.asked == ["instance-redeploy on 1 target in prod?"]
    assert person.shown[0].startswith("instance-redeploy  run run-1  by erin  in prod")
    assert (person.shown[-1] == "begin") is answer


def test_what_changes_nothing_in_production_is_not_asked(desk: Desk) -> None:
    """A check, a plan without targets, another environment, and what --yes confirmed: also without a terminal."""
    person = Person(answer=False)
    desk.has_terminal(is_there=False)

    assert desk.approve(person, replace(RUN, check=True))
    assert desk.approve(person, plan=NOTHING)
    assert desk.approve(person, is_production=False)
    assert desk.approve(person, yes=True)
    assert person.asked == []


def test_nobody_to_ask_is_a_refusal(desk: Desk) -> None:
    """Exit 7, and how to confirm from a job."""
    desk.has_terminal(is_there=False)

    with pytest.raises(RefusedError, match="prod is production") as error:
        desk.approve(Person(answer=True))

    assert "--yes" in error.value.hint
