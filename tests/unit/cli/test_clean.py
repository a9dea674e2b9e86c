"""Hostile words on the ways out that no command's result takes: live lines, faults, the Tab key, logs, git's driver."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from rich.console import Console

from deployer.app import Deployer
from deployer.cli import console
from deployer.cli.completing import complete_runs
from deployer.cli.main import main
from deployer.cli.output.live import LiveLines
from deployer.cli.streams import write_anything
from deployer.errors import DeployerError
from deployer.gitsync.classes import CLASSES
from deployer.gitsync.manual import Case, manual_work, report
from deployer.model.json import JsonObject
from deployer.model.plan import Plan
from deployer.model.run import Event, Run, TargetResult
from deployer.model.site import Repository
from deployer.model.sync import ManualWork
from deployer.playbook.child import Recording
from deployer.playbook.job import Job
from deployer.rollout.telling import Telling
from deployer.secrets.redactor import Redactor
from deployer.settings import Settings
from deployer.testing import FakeClock, MemoryStore
from tests.hostile import ACTING, BREAK, FILE, FORGED, WORD, acting, grown, planted, raw

Bytes = pytest.CaptureFixture[bytes]
IN_FILE = WORD.replace(ACTING["undecodable"], "")
"""What a manifest can say."""


def test_live_lines_are_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """What scrolls by, and what changes in place."""
    screen = io.StringIO()
    wide = Console(file=screen, force_terminal=True, highlight=False, width=4000)
    lines = LiveLines()
    monkeypatch.setattr(lines, "_console", wide)
    run, plan = grown(Run), grown(Plan)

    with lines:
        lines.header((WORD, f"  {BREAK}"), run, plan)
        lines.begin()
        for target in ("", "other", plan.targets[0].name):
            lines.event(grown(Event, WORD, target=target))
        for target in ("other", plan.targets[0].name):
            lines.result(grown(TargetResult, WORD, target=target))

    seen = screen.getvalue().encode()
    assert acting(seen, coloured=True, live=True) == []
    assert planted(seen) == []
    assert FORGED.encode() in seen


def test_a_fault_of_ours_is_clean(capfdbinary: Bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its message on the terminal, and the report that it names."""

    def breaks(*_arguments: object) -> object:
        raise LookupError(WORD)

    monkeypatch.setattr("deployer.cli.operations.split_names", breaks)

    assert main(["redeploy", "fra1"]) == 1
    said = capfdbinary.readouterr().err
    written = Path(said.decode().strip().rpartition(" ")[2]).read_bytes()
    assert raw(said) == raw(written) == []
    assert b"LookupError" in said
    assert b"FORGED" in written


def test_what_was_typed_wrong_is_clean(capfdbinary: Bytes) -> None:
    """A name may come from a list that somebody else wrote; click's own lines of choices stay readable."""
    assert main([WORD, "fra1"]) == main(["completion", BREAK]) == main(["show", "--nothing"]) == 2
    assert main(["completion"]) == 2
    said = capfdbinary.readouterr().err

    assert raw(said) == []
    assert b"Choose from: bash, zsh, fish" in said


def test_the_tab_key_offers_nothing_that_acts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The shell would take a line break in a name for two names."""
    made = Deployer(settings=Settings(state=tmp_path))
    store = _Store(FakeClock())
    for word in (WORD, BREAK, "plain"):
        with store.begin(grown(Run, id=word)):
            pass
    made.__dict__.update(store=store)
    monkeypatch.setattr("deployer.app.Deployer", lambda **_given: made)
    context = click.Context(click.Command("show"))

    assert complete_runs(context, click.Argument(["run"]), "") == ["last", "plain"]


def test_the_merge_driver_says_it_clean_and_merges_it_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Bytes
) -> None:
    """What a file holds is data: only the messages about it are for people."""
    monkeypatch.chdir(tmp_path)
    for name, value in (("base", "1"), ("ours", BREAK), ("theirs", IN_FILE)):
        (tmp_path / f"{name}.json").write_text(json.dumps({IN_FILE: value, "a": 1}, indent=1))
    files = ("base.json", "ours.json", "theirs.json")

    printed = main(["merge", "--path", f"{FILE}.json", *files])
    shown = capfdbinary.readouterr()
    code = main(["merge", "--driver", "--path", f"{FILE}.json", *files])
    driven = capfdbinary.readouterr()

    assert (printed, code) == (5, 1)
    assert raw(shown.err) == raw(driven.err) == []
    assert b"FORGED" in shown.err
    assert b"FORGED" in driven.err
    assert shown.out.count(b"\n") > 3
    assert json.dumps(BREAK).encode() in (tmp_path / "ours.json").read_bytes()


def test_content_that_somebody_asked_for_is_as_it_is(tmp_path: Path, capfdbinary: Bytes) -> None:
    """A file that is piped on must not change."""
    content = json.dumps({"a": "\x7f\u202e é", "b": "\x9b"}, ensure_ascii=False).encode()
    files = [tmp_path / name for name in ("base.json", "ours.json", "theirs.json")]
    for file in files:
        file.write_bytes(content)

    assert main(["merge", *map(str, files)]) == 0
    assert capfdbinary.readouterr().out == content


def test_a_report_has_no_line_that_was_planted() -> None:
    """Subjects, authors, files, values, the branch, the host and what git said."""
    commit: JsonObject = {"oid": "1" * 40, "author": BREAK, "date": "2026", "subject": BREAK, "paths": [BREAK]}
    told: JsonObject = {
        BREAK: [{"path": BREAK, "kind": "changed", "base": BREAK, "ours": BREAK, "theirs": BREAK}, BREAK]
    }
    asked: JsonObject = {"kind": "conflict", "argv": ["git", BREAK], "paths": [BREAK], "stderr": f"x\n{BREAK}"}
    failure: JsonObject = {**asked, "ours": [commit], "theirs": [commit], "facts": {"told": told}}
    case = Case(BREAK, Repository("c", BREAK, BREAK, BREAK), failure, {"branch": BREAK, "upstream": BREAK})

    text = report(manual_work(case, CLASSES["conflict"]))

    assert raw(text.encode()) == []
    assert f"\n  | {FORGED}\n" in text


def test_a_whole_report_is_clean() -> None:
    """Whatever a record says."""
    assert acting(report(grown(ManualWork)).encode()) == []


class _Store(MemoryStore):
    def close(self) -> None:
        """Nothing."""


class _Deaf:
    name = "deaf"

    def tell(self, _work: ManualWork) -> None:
        """Never."""
        raise DeployerError(WORD)


def test_a_log_is_clean(caplog: pytest.LogCaptureFixture) -> None:
    """That somebody could not be told."""
    store = MemoryStore(FakeClock())
    store.open_work(grown(ManualWork))

    with caplog.at_level(logging.WARNING):
        Telling(store, (_Deaf(),)).tell()

    assert FORGED in caplog.text
    assert raw(caplog.records[0].getMessage().encode()) == []


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    """Of a run of Ansible."""
    with (tmp_path / "wake").open("wb") as wake:
        files = {name: str(tmp_path / name) for name in ("events", "log")}
        yield Recording(grown(Job, "x", wake=wake.fileno(), **files), Redactor(()))


def test_the_log_of_ansible_is_clean(recording: Recording, tmp_path: Path) -> None:
    """People follow it on a terminal; its lines are Ansible's, and stay."""
    recording.event({"event": "verbose", "stdout": f"one\r\n\ttwo {WORD}"})
    log = (tmp_path / "log").read_bytes()

    assert acting(log) == []
    assert log.startswith(b"one\n        two a\nFORGED\\x1b[2K")


def test_what_an_encoding_does_not_know_is_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of the old days gets text all the same, and a program a document."""
    screen = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(screen, encoding="latin-1"))
    write_anything()

    console.line("größer 👩")
    console.document({"größer": "👩"})
    console.flush()

    text, _, document = screen.getvalue().partition(b"\n")
    assert text == "größer ".encode("latin-1") + b"\\U0001f469"
    assert json.loads(document) == {"größer": "👩"}
