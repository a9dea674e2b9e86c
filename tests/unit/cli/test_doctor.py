"""`deployer doctor`: what its exit code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.app import Deployer
from deployer.cli.main import main
from deployer.model.facts import Finding, Verdict

GOOD = Finding("ssh", Verdict.GOOD, "reached, as deployer")
ODD = Finding("clock", Verdict.WARNING, "its clock is 60 s ahead of ours", "timedatectl")
BAD = Finding("git", Verdict.BAD, "there is no git", "install git 2.39 or later")


@pytest.mark.parametrize(("findings", "code"), [((GOOD,), 0), ((GOOD, ODD), 0), ((GOOD, BAD, ODD), 5)])
def test_a_host_that_lacks_something_needs_a_person(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    findings: tuple[Finding, ...],
    code: int,
) -> None:
    """Exit 5, so that a script can look at a host before it is used; what is only odd is shown."""
    monkeypatch.setenv("DEPLOYER_STATE", str(tmp_path))
    monkeypatch.setattr(Deployer, "doctor", lambda _deployer, _site: findings)

    assert main(["doctor", "fra1"]) == code

    told = capsys.readouterr().out
    assert all(finding.text in told and finding.hint in told for finding in findings)
