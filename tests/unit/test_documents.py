"""doc/json.md names what `--json` prints."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from deployer.model.check import CheckResult, TargetChecks, Verification
from deployer.model.facts import Finding
from deployer.model.merge import Conflict, Difference
from deployer.model.plan import Plan
from deployer.model.run import Asked, Event, Run, TargetResult
from deployer.model.sync import Commit, FieldConflict, ManualWork, Snapshot, Undone
from deployer.rollout.status import SiteStatus

TEXT = (Path(__file__).parents[2] / "doc" / "json.md").read_text(encoding="utf-8")
LISTS = [set(re.findall(r"[a-z_]+", listed)) for listed in re.findall(r"`([^`]+)`", TEXT)]

DOCUMENTS = (
    Run, Asked, TargetResult, Event, Plan, Difference, ManualWork, FieldConflict, Commit, Snapshot, Undone, SiteStatus,
    Conflict, Finding, Verification, TargetChecks, CheckResult,
)  # fmt: skip


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_field_of_a_document_is_documented(document: type) -> None:
    """Together, in one list of names."""
    names = {field.name for field in fields(document)}

    assert any(names <= listed for listed in LISTS), names
