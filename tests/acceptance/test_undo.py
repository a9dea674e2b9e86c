"""`deployer undo` and `deployer sync --check`, as a person types them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.budget.marks import deep

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box

SITE = "fra1"


def _news(box: Box) -> str:
    """Erin pushes a change."""
    box.edit(box.erin, 'min="2" max="8"', 'min="2" max="9"')
    return box.push("More workers")


def test_undo_goes_back_says_what_stays_on_the_remote_and_how_to_return(box: Box) -> None:
    """The clone is at the commit before the sync with its edits, the remote is as it was; the line to return works."""
    before = box.git(box.clone, "rev-parse", "HEAD")
    (box.clone / "todo.txt").write_text("mine\n")
    tip = _news(box)
    assert box.deployer("sync", SITE).code == 0
    listed = box.deployer("undo", SITE, "--list", "--json").document["data"]

    undone = box.deployer("undo", SITE)
    head = box.git(box.clone, "rev-parse", "HEAD")
    line = next(line for line in undone.out.splitlines() if line.startswith("to undo this: deployer "))
    returned = box.deployer(*line.removeprefix("to undo this: deployer ").split())

    assert (undone.code, head, box.git(box.remote, "rev-parse", "main")) == (0, before, tip), undone.err
    assert "More workers" in undone.out
    assert "the next sync brings them again" in undone.out
    assert "revert --no-edit" in undone.out
    assert [(one["head"], one["untracked"]) for one in listed] == [(before, ["todo.txt"])]
    assert listed[0]["why"].startswith("sync by ")
    assert (returned.code, box.git(box.clone, "rev-parse", "HEAD")) == (0, tip), returned.err
    assert (box.clone / "todo.txt").read_text() == "mine\n"


@deep(5)
def test_the_list_names_the_run_that_changed_the_clone(box: Box) -> None:
    """`show` of that run tells the rest."""
    _news(box)
    run = box.deployer("redeploy", SITE, "viatris", "--json").document["data"]["id"]

    listed = box.deployer("undo", SITE, "--list")

    assert listed.code == 0
    assert run in listed.out
    assert "none" in listed.out.splitlines()[1]
    assert box.deployer("show", run).code == 0


def test_undo_of_a_clone_on_this_machine(box: Box) -> None:
    """Cron on a deployer host has no inventory, and people there need none either."""
    before = box.git(box.clone, "rev-parse", "HEAD")
    _news(box)
    clone = ("--clone", str(box.clone))
    assert box.shell("sync", *clone, HOME=str(box.home)).code == 0

    done = box.shell("undo", *clone, "--json", HOME=str(box.home))
    both = box.shell("undo", SITE, *clone)
    neither = box.shell("undo")

    assert (done.code, done.document["data"]["after"]) == (0, before), done.err
    assert (both.code, neither.code) == (2, 2)


def test_undo_is_refused_with_the_right_code(box: Box) -> None:
    """2 with no such snapshot, 5 in the middle of a rebase, 7 in production with nobody to ask; nothing changes."""
    none = box.deployer("undo", SITE)
    _news(box)
    box.deployer("sync", SITE)
    unknown = box.deployer("undo", SITE, "--to", "1999")
    head = box.git(box.clone, "rev-parse", "HEAD")
    inventory = next((box.folder / "inventory").iterdir())
    facts = inventory / "group_vars" / "all.yml"
    before = facts.read_text() if facts.exists() else ""
    facts.write_text(before.replace("deployer_production: false", "") + "\ndeployer_production: true\n")
    production = box.deployer("undo", SITE, "--json")
    confirmed = box.deployer("undo", SITE, "--yes")
    back = box.deployer("undo", SITE, "--yes")
    (box.clone / ".git" / "rebase-merge").mkdir()
    busy = box.deployer("undo", SITE, "--yes")

    assert (none.code, unknown.code, production.code, busy.code) == (2, 2, 7, 5), busy.err
    assert production.document["error"]["reason"] == "refused"
    assert (confirmed.code, back.code) == (0, 0), confirmed.err
    assert "git status" in busy.err
    assert box.git(box.clone, "rev-parse", "HEAD") == head


def test_check_says_how_every_site_stands(shared: Box) -> None:
    """Ahead, behind, dirty, untracked and the last good sync, one line per site; 8 when there is work, else 0."""
    started = datetime.now(UTC) - timedelta(seconds=2)
    never = shared.deployer("sync", "--check", "--json")
    shared.deployer("sync")
    clean = shared.deployer("sync", "--check", "--json")
    _news(shared)
    (shared.clone / "todo.txt").write_text("mine\n")
    table = shared.deployer("sync", "--check")
    due = shared.deployer("sync", "--check", "--json").document["data"]
    (shared.clone / "todo.txt").unlink()

    assert (never.code, clean.code, table.code) == (0, 0, 8)
    assert {one["site"]: one["last_good"] for one in never.document["data"]} == {"ams2": None, SITE: None}
    for one in clean.document["data"]:
        assert started < datetime.fromisoformat(one["last_good"]) <= datetime.now(UTC)
    (state,) = (one["state"] for one in due if one["site"] == SITE)
    assert [len(state[name]) for name in ("ahead", "behind", "dirty", "untracked")] == [0, 1, 0, 1]
    head, *rows = table.out.splitlines()
    assert head.split() == ["site", "ahead", "behind", "dirty", "last", "good", "sync"]
    assert any(row.split()[:4] == [SITE, "0", "1", "0"] and "untracked: todo.txt" in row for row in rows)
    assert any(row.split()[:4] == ["ams2", "0", "0", "0"] for row in rows)


@deep(5)
def test_the_last_good_sync_is_known_though_somebody_else_did_it(box: Box) -> None:
    """A cron on the deployer host with a record of its own counts; one that needed a person does not."""
    cron = {"HOME": str(box.home), "DEPLOYER_STATE": str(box.shell.folder / "another state")}
    assert box.shell("sync", "--clone", str(box.clone), **cron).code == 0
    first = box.deployer("sync", SITE, "--check", "--json").document["data"][0]["last_good"]
    box.edit(box.clone, 'min="2" max="8"', 'min="2" max="12"')
    _news(box)
    assert box.shell("sync", "--clone", str(box.clone), **cron).code == 5
    second = box.deployer("sync", SITE, "--check", "--json").document["data"][0]["last_good"]
    box.git(box.clone, "checkout", "-q", "--detach")
    third = box.deployer("sync", SITE, "--check", "--json")

    assert first is not None
    assert first == second == third.document["data"][0]["last_good"]
    assert third.code == 5


def test_check_changes_nothing_of_the_clone(box: Box) -> None:
    """Only objects, refs/deployer and .git/deployer may differ after it."""
    _news(box)
    (box.clone / "viatris.xml").write_text("edited\n")
    before = _files(box.clone)

    assert box.deployer("sync", SITE, "--check").code == 8

    assert _files(box.clone) == before


def _files(clone: Path) -> dict[str, bytes]:
    free = (".git/objects", ".git/deployer", ".git/refs/deployer")
    paths = {path.relative_to(clone).as_posix(): path for path in clone.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in paths.items() if not name.startswith(free)}


@pytest.mark.parametrize("arguments", [("undo", SITE), ("undo", SITE, "--list")])
def test_undo_documents_have_the_schema_of_all(box: Box, arguments: tuple[str, ...]) -> None:
    """One schema version, the command, the exit code."""
    _news(box)
    box.deployer("sync", SITE)

    document = json.loads(box.deployer(*arguments, "--json").out)

    assert {"schema", "command", "exit_code", "data", "error"} == set(document)
    assert (document["command"], document["exit_code"], document["error"]) == ("undo", 0, None)
