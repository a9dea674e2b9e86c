"""Every command, with hostile words in all that committers, hosts and the record have a say in.

A command that is not in the table fails here, and so does a field of the model that is printed uncleaned.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from deployer.app import Deployer
from deployer.cli.commands import COMMANDS, load_command
from deployer.cli.main import main
from deployer.cli.operations import operations
from deployer.cli.options import Context
from deployer.model.check import Verification
from deployer.model.facts import Finding
from deployer.model.plan import Plan
from deployer.model.run import Event, Outcome, Run, RunState, TargetResult
from deployer.model.site import Inventory, Site
from deployer.model.sync import ManualWork, Snapshot, Undone
from deployer.rollout.request import Wanted
from deployer.rollout.status import Status
from deployer.rollout.syncing import SiteSync
from deployer.sandboxes.base import Sandbox
from deployer.sandboxes.facade import Pruned
from deployer.settings import Settings
from tests.hostile import BREAK, WORD, acting, grown, planted

WORDS = (WORD, BREAK)
"""The long one is folded in tables, where a part of it may begin a line; the short one is not."""
CALLS: dict[str, tuple[tuple[str, ...], ...]] = {
    "attention": (("attention",),),
    "compare": (("compare", "before.json", "after.json"),),
    "doctor": (("doctor", "fra1"),),
    "history": (("history",),),
    "logs": (("logs", "last"),),
    "merge": (("merge", "before.json", "after.json", "other.json", "-o", "out.json"), ("merge", "--install")),
    "plan": (("plan", "redeploy", "fra1"),),
    "retry": (("retry", "last"), ("retry", "last", "--list-targets")),
    "run": (("run", "instance-redeploy", "fra1"),),
    "sandbox": (
        ("sandbox", "create", "box"),
        ("sandbox", "list"),
        ("sandbox", "prune"),
    ),
    "settings": (("settings", "--origin"),),
    "show": (("show", "last"),),
    "status": (("status",),),
    "sync": (("sync",), ("sync", "--check")),
    "undo": (("undo", "fra1", "--yes"), ("undo", "fra1", "--list"), ("undo", "fra1")),
    "verify": (("verify", "fra1"), ("verify", "fra1", "--verbose")),
    **{each.command: ((each.command, "fra1"), (each.command, "fra1", "--list-targets")) for each in operations()},
}
OWN_WORDS = {"completion": "a program of ours", "demo": "starts the others"}
QUIET = {"start", "destroy", "fault", "host"}
"""Of `sandbox`: they repeat what was typed."""


class Boxes:
    """Sandboxes that say hostile things while they are made."""

    def __init__(self, word: str) -> None:
        self._word = word

    def create(self, *_names: str, say: Callable[[str], object], **_options: object) -> Sandbox:
        """Say it, and be made."""
        say(self._word)
        return grown(Sandbox, self._word)

    def list(self) -> tuple[Sandbox, ...]:
        """One."""
        return (grown(Sandbox, self._word),)

    def prune(self) -> tuple[Pruned, ...]:
        """One that could not be destroyed."""
        return (grown(Pruned, self._word),)

    def warning(self, _name: str) -> str:
        """What is said before all else."""
        return self._word


class Record:
    """A record of runs that somebody else may write."""

    def __init__(self, word: str) -> None:
        owed = grown(TargetResult, word, outcome=Outcome.FAILED)
        self._run = replace(grown(Run, word, environment="prod", operation="instance-redeploy"), results=(owed,))
        self._event = replace(grown(Event, word), sequence=1)

    is_private = False

    def run(self, _name: str) -> Run:
        """The only one."""
        return self._run

    def runs(self, **_wanted: object) -> tuple[Run, ...]:
        """That one, and as it would be if it went on."""
        return (self._run, replace(self._run, state=RunState.RUNNING))

    def events(self, _run: str, *, after: int) -> tuple[Event, ...]:
        """One."""
        return () if after else (self._event,)

    def close(self) -> None:
        """Nothing."""


def _inventory(word: str) -> Inventory:
    made = grown(Inventory, word, environment="prod", is_production=True)
    return replace(made, sites={word: grown(Site, word), "fra1": grown(Site, word, name="fra1")})


def _synced(word: str) -> tuple[SiteSync, ...]:
    whole = grown(SiteSync, word)
    return (whole, replace(whole, manual=None), replace(whole, result=None, manual=None))


def _looked(word: str) -> tuple[SiteSync, ...]:
    whole = replace(grown(SiteSync, word), result=None)
    return (whole, replace(whole, manual=None), replace(whole, state=None), replace(whole, state=None, manual=None))


class Hostile(Deployer):
    """The library, with answers that are full of a word."""

    word: str

    def __init__(self, word: str, folder: Path) -> None:
        super().__init__(settings=Settings(state=folder, sandbox="box", inventories=folder))
        self.word = word
        self.__dict__.update(inventory=_inventory(word), store=Record(word), sandboxes=Boxes(word))

    def attention(self) -> tuple[ManualWork, ...]:
        """Two pieces of work, the run's site among them."""
        return (grown(ManualWork, self.word), grown(ManualWork, self.word, environment="prod"))

    def doctor(self, _site: str) -> tuple[Finding, ...]:
        """One finding."""
        return (grown(Finding, self.word),)

    def plan(self, _wanted: Wanted) -> Plan:
        """One of everything."""
        return grown(Plan, self.word)

    def running_versions(self) -> dict[str, str]:
        """One version."""
        return {self.word: self.word}

    def status(self) -> Status:
        """One of everything."""
        return grown(Status, self.word)

    def sync(self, *_sites: str, check: bool = False, clone_missing: bool = False) -> tuple[SiteSync, ...]:  # noqa: ARG002  as the library
        """In each way that a sync ends."""
        return _looked(self.word) if check else _synced(self.word)

    def snapshots(self, _site: str = "", *, clone: Path | None = None) -> tuple[Snapshot, ...]:  # noqa: ARG002  as the library
        """One."""
        return (grown(Snapshot, self.word),)

    def undo(self, _site: str = "", **_options: object) -> Undone:  # type: ignore[override]  # they are not looked at
        """One of everything."""
        return grown(Undone, self.word)

    def install_merge_driver(self, _folder: Path) -> tuple[str, ...]:
        """One line."""
        return (self.word,)

    def verify(self, _wanted: Wanted, **_options: object) -> Verification:  # type: ignore[override]  # they are not looked at
        """One of everything."""
        return grown(Verification, self.word)

    def run(self, _wanted: Wanted, *, approve: Any, listener: Any, **_options: object) -> Run:  # type: ignore[override]  # noqa: ANN401  they are not looked at
        """Shown, asked for, told of, ended."""
        run, plan = self.store.run("last"), grown(Plan, self.word)
        approve(run, replace(plan, revisions={"fra1": ("a", self.word)}))
        for kind in ("sync", "start", "task"):
            listener.event(grown(Event, self.word, kind=kind))
            listener.event(grown(Event, self.word, kind=kind, target=""))
        listener.result(grown(TargetResult, self.word))
        return run


@pytest.fixture(params=WORDS, ids=["all", "line"])
def hostile(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hostile]:
    """A library that answers so, in a folder with manifests that say so; production, and a person who says yes."""
    made = Hostile(request.param, tmp_path)
    for name, said in (("before", "1"), ("after", WORD), ("other", f"{WORD}2")):
        (tmp_path / f"{name}.json").write_text(json.dumps({"name": said, WORD: said}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEPLOYER_ENVIRONMENT", request.param.replace("\0", ""))
    monkeypatch.setattr("deployer.app.Deployer", lambda **_given: made)
    monkeypatch.setattr(Context, "is_interactive", True)
    monkeypatch.setattr(click, "confirm", _confirmed)
    yield made
    made.close()


def _confirmed(text: str, *, err: bool) -> bool:
    click.echo(f"{text} [y/N]: y", err=err)
    return True


def test_every_command_is_called() -> None:
    """One that is added needs a line in the table, or its reason beside it."""
    subcommands = load_command("sandbox")
    assert isinstance(subcommands, click.Group)

    assert set(CALLS) | set(OWN_WORDS) == set(COMMANDS) | {each.command for each in operations()}
    assert {call[1] for call in CALLS["sandbox"]} | QUIET == set(subcommands.commands)


@pytest.mark.parametrize("call", [call for calls in CALLS.values() for call in calls], ids=" ".join)
def test_nothing_of_it_acts_or_begins_a_line(
    hostile: Hostile, call: tuple[str, ...], capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On stdout and stderr, in a pipe, as a document and in colour."""
    main(call)
    piped = capfdbinary.readouterr()
    assert b"fault of deployer" not in piped.err, piped.err
    assert b"FORGED" in piped.out + piped.err
    assert acting(piped.out) + acting(piped.err) == []
    if hostile.word == BREAK:
        assert planted(piped.out) + planted(piped.err) == []
        return
    main((*call, "--json"))
    document = capfdbinary.readouterr()
    assert json.loads(document.out)
    assert acting(document.out) + acting(document.err) == []
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(call)
    coloured = capfdbinary.readouterr()
    assert acting(coloured.out, coloured=True) + acting(coloured.err, coloured=True) == []
