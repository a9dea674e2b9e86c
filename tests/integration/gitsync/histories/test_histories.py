"""Random histories: people and automation at work in the same clone, faults among them; then all heals.

The one that fails is printed as a story; the seed in the name of its case plays it again, and with `DEPLOYER_SHRINK=1`
it is made as short as can be first.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from deployer.model.sync import Change
from tests.budget.marks import rotating
from tests.integration.gitsync.histories import people
from tests.integration.gitsync.histories.scene import Scene
from tests.integration.gitsync.swept import Template

HISTORIES = 3
"""Of each seed."""
DEEP_SEEDS = 100
CALLS = 275
"""Of system calls that change files, in a whole sync."""

Action = Callable[[str, str, int], str]
files = st.sampled_from(people.FILES)
lines = st.integers(1, people.LINES)
anything: st.SearchStrategy[Action] = st.sampled_from(people.ANYTHING)


class Histories(RuleBasedStateMachine):
    """Ben works in the clone, Ada elsewhere, automation in between."""

    template: ClassVar[Template]
    ended: ClassVar[list[Scene]]

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(self.template.fresh())

    @rule(action=anything, file=files, line=lines)
    def ben(self, action: Action, file: str, line: int) -> None:
        """Ben does something in the clone."""
        self.scene.do(self.scene.world.clone, action(file, self.scene.mark(), line))

    @rule(action=st.sampled_from((people.edit, people.create, people.move, people.remove)), file=files, line=lines)
    def ada(self, action: Action, file: str, line: int) -> None:
        """Ada lands something from elsewhere."""
        work = action(file, self.scene.mark(), line)
        land = "git add -A; git commit -q -m ada; git push -q origin HEAD:main || git reset -q --hard origin/main"
        self.scene.do(self.scene.world.ada, f"git pull -q --rebase; {work}; {land}".replace("wrote ", ": "))

    @rule(action=anything, file=files, line=lines, call=st.integers(1, 25))
    def meanwhile(self, action: Action, file: str, line: int, call: int) -> None:
        """Ben will do something between two gits of the next sync."""
        self.scene.plan(action(file, self.scene.mark(), line), call)

    @rule()
    def sync(self) -> None:
        """A sync of what there is."""
        self._told(lambda: self.scene.sync(None))

    @rule(file=st.sampled_from(people.FILES[:3]), line=lines)
    def automation(self, file: str, line: int) -> None:
        """A change of automation."""
        self._told(lambda: self.scene.sync(self._change(file, line)))

    @rule(file=st.sampled_from(people.FILES[:3]), line=lines)
    def answer_lost(self, file: str, line: int) -> None:
        """The server takes the push, and the answer gets lost."""
        self._told(lambda: self.scene.sync(self._change(file, line), loses=True))

    @rule(file=st.sampled_from(people.FILES[:3]), line=lines, at=st.integers(1, CALLS))
    def killed(self, file: str, line: int, at: int) -> None:
        """A change of automation, and SIGKILL at one of its system calls."""
        self._told(lambda: self.scene.sync(self._change(file, line), die_at=at))

    def _change(self, file: str, line: int) -> Change | None:
        """Of a line of a file as the clone has it; None where there is none."""
        world, mark = self.scene.world, self.scene.mark()
        text = world.git(world.clone, "show", f"HEAD:{file}", check=False).splitlines()
        if len(text) < line:
            return None
        text[line - 1] += f" {mark}"
        return world.change("\n".join(text) + "\n", file, f"automation {mark}")

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every mark is somewhere, the remote only grows, each change is there once."""
        self._told(self.scene.check)

    def teardown(self) -> None:
        """All heals."""
        self._told(self.scene.heal)
        self._told(self.scene.check_end)
        self.ended.append(self.scene)

    def _told(self, check: Callable[[], object]) -> None:
        try:
            check()
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *self.scene.story])) from error


@pytest.mark.parametrize("drawn_by", rotating(2, DEEP_SEEDS, 6))
def test_histories(template: Template, drawn_by: str) -> None:
    """Whatever people and automation did: nothing is lost, nothing is wedged, nothing lands twice.

    The machine asserts it: `nothing_is_lost` after each step, `teardown` when all has healed.
    """
    played = settings(
        max_examples=HISTORIES,
        stateful_step_count=12 if drawn_by.startswith("daily") else 16,
        deadline=None,
        print_blob=True,
        database=None,
        phases=(Phase.generate, Phase.shrink) if os.environ.get("DEPLOYER_SHRINK") else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    ended: list[Scene] = []
    histories = type("PlayedHistories", (Histories,), {"template": template, "ended": ended})
    run_state_machine_as_test(seed(drawn_by)(histories), settings=played)
    assert len(ended) >= HISTORIES
