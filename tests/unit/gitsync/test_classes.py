"""Evidence -> class."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.gitsync.classes import CLASSES, Retry, classify
from deployer.model.json import JsonObject, JsonValue

PUSH = ["git", "push", "-q", "--porcelain", "url", "x:refs/heads/main"]

FULL = "fatal: unable to write new index file: No space left on device"


def refused(rejected: str, reason: str, *, moved: bool = False) -> JsonObject:
    """A push that gave a porcelain line."""
    facts: JsonObject = {"scheme": "ssh", "moved": moved, "rejected": rejected, "reason": reason}
    return {"kind": "", "argv": PUSH, "exit": 1, "stdout": "!\t…\nDone", "facts": facts}


def failed(scheme: str, stderr: str = "", **more: JsonValue) -> JsonObject:
    """A fetch that failed without a session."""
    facts: JsonObject = {"scheme": scheme}
    return {"kind": "", "argv": ["git", "fetch"], "exit": 128, "stderr": stderr, "facts": facts, **more}


def answering(argv: list[str], scheme: str, **more: JsonValue) -> JsonObject:
    """A failure after which the remote answered."""
    facts: JsonObject = {"scheme": scheme, "answers": True}
    return {"kind": "", "argv": argv, "exit": 128, "stdout": "", "facts": facts, **more}


@pytest.mark.parametrize(
    ("evidence", "kind"),
    [
        (refused("rejected", "fetch first", moved=True), "lost-race"),
        (refused("remote rejected", "failed to update ref", moved=True), "lost-race"),
        (refused("rejected", "non-fast-forward"), "lost-race"),
        (refused("remote rejected", "failed to update ref"), "server-lock"),
        (refused("remote rejected", "incorrect old value provided"), "server-lock"),
        (refused("remote rejected", "cannot lock ref 'refs/heads/main': is at 1 but expected 2"), "server-lock"),
        (refused("remote rejected", "reference already exists"), "server-lock"),
        (refused("remote rejected", "pre-receive hook declined"), "server-refused"),
        (refused("remote rejected", "a reason of next year"), "server-refused"),
        (refused("remote failure", "remote failed to report status"), "network"),
        ({"kind": "", "argv": PUSH, "exit": 1, "stdout": "", "facts": {"scheme": "ssh"}}, "push-hook"),
        (failed("ssh", "…", timed_out=True), "timeout"),
        (failed("ssh", "ben@h: Permission denied (publickey).", ssh_exit=255), "auth"),
        (failed("ssh", "Host key verification failed.", ssh_exit=255), "host-key"),
        (failed("ssh", "words of next year", ssh_exit=255), "network"),
        (failed("ssh", "Permission denied", ssh_exit=128), "remote-gone"),
        (failed("ssh", "", ssh_exit=0), "network"),
        (failed("http", "fatal: unable to access 'u': The requested URL returned error: 403"), "auth"),
        (failed("http", "The requested URL returned error: 503"), "server-trouble"),
        (failed("http", "fatal: repository 'u' not found"), "remote-gone"),
        (failed("http", "Could not resolve host: h"), "network"),
        (failed("git", "…"), "network"),
        (failed("file", "…"), "remote-gone"),
        (failed("http", "words of next year", http_status=503), "server-trouble"),
        (failed("http", "words of next year", http_status=403), "auth"),
        (failed("http", "words of next year", http_status=200), "network"),
        (failed("http", "words of next year", http_status=200, is_page=True), "remote-gone"),
        (failed("http", "words of next year", facts={"scheme": "http", "untrusted": True}), "host-key"),
        (failed("http", "SSL certificate problem", facts={"scheme": "http", "untrusted": False}), "network"),
        (answering(["git", "fetch"], "file"), "network"),
        (answering(PUSH, "ssh", ssh_exit=128), "server-refused"),
        (answering(PUSH, "git", stderr="fatal: remote error: access denied"), "server-refused"),
        (failed("git", "fatal: remote error: access denied"), "remote-gone"),
        ({"kind": "", "argv": PUSH, "exit": 128, "facts": {"scheme": "file", "denied": ["objects"]}}, "permission"),
        ({"kind": "rebase-in-progress"}, "rebase-in-progress"),
        ({"kind": "git-failed", "argv": ["git", "update-index"], "exit": 128, "stderr": FULL}, "disk-full"),
        (failed("ssh", FULL, ssh_exit=0), "disk-full"),
        (failed("ssh", f"remote: {FULL}", ssh_exit=0), "network"),
    ],
)
def test_classes(evidence: JsonObject, kind: str) -> None:
    """Each kind of evidence has its class."""
    assert classify(evidence).kind == kind


def test_the_page_has_the_table() -> None:
    """doc/sync.md shows the table of the code, row by row."""
    page = Path("doc/sync.md").read_text(encoding="utf-8")

    rows = "".join(f"| `{entry.kind}` | {entry.retry} | {entry.by} | {entry.told} |\n" for entry in CLASSES.values())
    assert f"|---|---|---|---|\n{rows}\n" in page


def test_only_what_can_mend_itself_is_tried_again() -> None:
    """A login, a key, a rule of the server and a person's work are never tried again."""
    for kind in ("auth", "host-key", "server-refused", "remote-gone", "conflict", "dirty-overlap", "stale-lock"):
        assert CLASSES[kind].retry is Retry.NEVER
