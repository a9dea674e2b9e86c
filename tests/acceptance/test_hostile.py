"""Committers who choose subjects, names, file names and values against whoever looks at them: real git, real bytes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.budget.marks import deep
from tests.hostile import ACTING, FILE, FORGED, SUBJECT, raw

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box, Done

SITE = "fra1"
NAME = SUBJECT.replace("<", "").replace(">", "")
"""What an author can be called."""
VALUE = "".join(ACTING[name] for name in ("csi", "override", "isolate", "zero width", "delete", "line"))
"""What XML can hold of it."""


CALLS = (("redeploy", SITE), ("show", "last"), ("logs", "last"), ("history",), ("undo", SITE, "--list"))


def _commit(box: Box, clone: Path, value: str) -> None:
    """A change of viatris.xml and a new file, by somebody with such a name, and such a subject."""
    line = next(line for line in box.on_remote().splitlines() if "<workers" in line).strip()
    box.edit(clone, line, f'<workers min="2" max="{value}"/>')
    other = clone / f"{value[:1]}{FILE[:80]}{ACTING['undecodable']}.xml"
    other.write_text((clone / "viatris.xml").read_text().replace("viatris", f"x{FORGED}{VALUE}"))
    box.git(clone, "add", "-A")
    identity = ("-c", f"user.name={NAME}", "-c", f"user.email={NAME.replace(' ', '')}")
    box.git(clone, *identity, "commit", "-q", "-m", f"{SUBJECT}\n\nto mend it, on {FORGED}:")


def _clean(done: Done) -> str:
    """What was said, when nothing of it acts."""
    said = done.out + done.err
    assert raw(said.encode("utf-8", "surrogateescape")) == [], done
    return said


@pytest.fixture
def met(box: Box) -> Box:
    """A commit in the clone and one on the remote, of the same value, by such people."""
    _commit(box, box.clone, f"1{VALUE}")
    _commit(box, box.erin, f"2{VALUE}")
    box.git(box.erin, "push", "-q", "origin", "HEAD:main")
    return box


def test_what_committers_chose_is_shown_and_does_nothing(met: Box) -> None:
    """The report of their conflict, its notice and every look at the site."""
    mail = met.shell.folder / "mail"
    synced = met.deployer("sync", SITE, DEPLOYER_ON_ATTENTION__COMMAND=f"sh,-c,cat > {mail}")
    report = _clean(met.deployer("attention"))

    assert synced.code == 5
    assert FORGED in _clean(synced)
    assert raw(mail.read_bytes()) == []
    assert r"\u202e" in report
    assert report.count("to mend it, on ") == 1
    (met.clone / FILE[:100]).touch()
    for looks in (("sync", SITE, "--check"), ("plan", "redeploy", SITE), ("attention", "--json")):
        assert FORGED in _clean(met.deployer(*looks))
    _clean(met.deployer("status"))


@deep(8)
def test_a_rollout_of_it_is_clean_in_every_place(met: Box) -> None:
    """Progress, table, record, log, snapshots."""
    met.git(met.clone, "reset", "-q", "--hard", "HEAD~1")
    shown = [met.deployer(*call) for call in CALLS]

    assert [FORGED in _clean(each) for each in shown[:2]] == [True, True]
    assert "" not in [_clean(each) for each in shown]
    logs = [Path(folder, name) for folder, _, names in os.walk(met.shell.folder / "state" / "runs") for name in names]
    assert [raw(log.read_bytes()) for log in logs if log.suffix == ".log"] == [[]]
