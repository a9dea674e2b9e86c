"""What the facts of a deployer host mean: each lack that is hard to bring about for real."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from deployer.hosts.doctor import judge
from deployer.model.facts import Verdict
from deployer.model.site import Machine, Repository, Site

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
