"""What the facts of a deployer host mean: each lack that is hard to bring about for real."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest

from deployer.hosts.doctor import examine, judge
from deployer.model.facts import Verdict
from deployer.model.json import JsonObject
from deployer.model.site import Machine, Repository, Site
from deployer.testing.hosts import FakeHost

URL = "https://git.example.net/fra1.git"
SITE = Site("prod", "fra1", Machine("fra1-prod-dep01", {}), Repository("clusterconfig-fra1", "~/c", URL))
CLONE: Mapping[str, object] = {
    "exists": True,
    "repository": True,
    "error": "",
    "url": URL,
    "branch": "main",
    "dirty": 0,
    "in_progress": [],
    "index_lock": False,
    "writable": True,
    "answers": {"exit_code": 0, "tip": "0123456789abcdef", "error": ""},
}
DISK: Mapping[str, object] = {
    "path": "/srv",
    "free": 10 << 30,
    "total": 20 << 30,
    "free_inodes": 10**6,
    "total_inodes": 10**7,
    "writable": True,
}
FACTS: Mapping[str, object] = {
    "python": "3.11.2",
    "user": "deployer",
    "git": "2.39.5",
    "identity": "prod-deployer <d@example.net>",
    "keys": ["id_ed25519"],
    "agent": 0,
    "disk": DISK,
    "become": True,
    "clone": CLONE,
}


def test_a_host_that_has_all_lacks_nothing() -> None:
    """Every finding is good, and none has a hint."""
    assert {(finding.verdict, finding.hint) for finding in judge(FACTS, SITE)} == {(Verdict.GOOD, "")}


@pytest.mark.parametrize(
    ("changed", "check", "verdict", "text"),
    [
        ({"clone": {**CLONE, "writable": False}}, "clone", Verdict.BAD, "~/c/.git cannot be written"),
        ({"clone": {**CLONE, "index_lock": True}}, "state", Verdict.WARNING, "index.lock is there"),
        ({"clone": {**CLONE, "dirty": None}}, "state", Verdict.BAD, "git status fails"),
        ({"clone": {**CLONE, "answers": None}}, "remote", Verdict.BAD, "no remote is known"),
        (
            {"clone": {**CLONE, "repository": False}},
            "clone",
            Verdict.BAD,
            "~/c is not a git repository (it is part of another repository)",
        ),
        ({"disk": {**DISK, "writable": False}}, "disk", Verdict.BAD, "/srv cannot be written"),
        ({"become": False}, "become", Verdict.WARNING, "sudo -n true fails"),
    ],
)
def test_a_lack_is_the_only_one_and_says_how_to_mend_it(
    changed: Mapping[str, object], check: str, verdict: Verdict, text: str
) -> None:
    """All else of the host stays good."""
    (lack,) = (finding for finding in judge({**FACTS, **changed}, SITE) if finding.verdict is not Verdict.GOOD)

    assert (lack.check, lack.verdict, lack.text) == (check, verdict, text)
    assert lack.hint


def test_keys_are_needed_for_the_remote_that_the_clone_really_has() -> None:
    """The inventory says https, the clone was made over ssh: a sync logs in with a key."""
    facts = {**FACTS, "keys": [], "clone": {**CLONE, "url": "git@git.example.net:fra1.git"}}

    assert {finding.check: finding.verdict for finding in judge(facts, SITE)}["keys"] is Verdict.WARNING


@pytest.mark.parametrize("secret", ["ghp-S3CRET", "robot:S3/C@RET x"])
def test_no_finding_holds_the_secret_of_a_remote(secret: str) -> None:
    """Neither that of the clone nor that of the inventory: not in what was found, and in no command to mend it."""
    there, wanted = f"https://{secret}-1@git.example.net/a.git", f"https://{secret}-2@git.example.net/b.git"
    answers = {"exit_code": 128, "tip": "", "error": f"fatal: unable to access '{there}': {secret}-1"}
    clone = {**CLONE, "url": there, "answers": answers, "repository": True}
    facts = {**FACTS, "clone": clone, "began": 0.0, "ended": 0.0}
    site = Site("prod", "fra1", Machine("d", {}), Repository("clusterconfig-fra1", "~/c", wanted))

    findings = examine(FakeHost(answer=lambda _: cast("JsonObject", facts)), site)

    told = " ".join(f"{finding.text} {finding.hint}" for finding in findings)
    assert "~/c is a clone of https://[redacted]@git.example.net/a.git" in told
    assert "https://[redacted]@git.example.net/a.git does not answer" in told
    assert not [part for part in ("S3CRET", "S3/C", "RET x") if part in told]
