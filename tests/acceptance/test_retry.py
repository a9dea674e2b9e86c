"""`deployer retry` does what the run was asked to do, for what it owes, and nothing more."""

from __future__ import annotations

import shlex
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.budget.marks import deep

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box

SITE = "fra1"


def test_a_change_that_did_not_land_lands_with_the_retry(deployed: Box) -> None:
    """The value is set, pushed and rolled out by the retry: it never reports success without the change."""
    gone = deployed.remote.rename(deployed.remote.with_name("away.git"))
    failed = deployed.deployer("configure", SITE, "viatris", "--set", "version=1.5.0", "--json")
    gone.rename(deployed.remote)

    done = deployed.deployer("retry", "last", "--json")

    assert (failed.code, failed.outcomes) == (5, {"viatris.fra1": "held"})
    assert (done.code, done.outcomes) == (0, {"viatris.fra1": "changed"}), done.err
    assert 'version="1.5.0" channel' in deployed.on_remote()
    assert done.document["data"]["asked"]["sets"] == [["version", "1.5.0"]]


def test_a_run_that_did_nothing_is_not_repeated_wider(box: Box) -> None:
    """A limit that matched nothing had no targets: retry refuses, and names the command."""
    typo = box.deployer("redeploy", SITE, "-l", "nope")

    done = box.deployer("retry", "last")

    assert (typo.code, done.code) == (2, 2)
    assert "owes nothing" in done.err
    assert f"deployer redeploy {SITE} -l nope" in done.err
    assert not list(box.folder.glob("hosts/*/srv/*/current"))


@deep(4)
def test_the_retry_of_a_check_changes_nothing(deployed: Box) -> None:
    """What was only looked at is only looked at again."""
    deployed.edit(deployed.erin, 'version="1.4.2" channel', 'version="1.5.0" channel')
    deployed.push()
    away = deployed.remote.rename(deployed.remote.with_name("away.git"))
    deployed.deployer("redeploy", SITE, "viatris", "--check")
    away.rename(deployed.remote)

    done = deployed.deployer("retry", "last", "--json")

    assert (done.code, done.outcomes) == (8, {"viatris.fra1": "changed"}), done.err
    assert done.document["data"]["check"]
    assert deployed.get(deployed.port())["version"] == "1.4.2"


def test_a_record_that_others_can_write_runs_nothing(deployed: Box) -> None:
    """A script for vault passwords that somebody put into the record is shown, and not run."""
    canary, script = deployed.shell.folder / "canary", deployed.shell.folder / "script"
    script.write_text(f"#!/bin/sh\ntouch {canary}\necho secret\n")
    script.chmod(0o755)
    gone = deployed.remote.rename(deployed.remote.with_name("away.git"))
    deployed.deployer("redeploy", SITE, "viatris")
    gone.rename(deployed.remote)
    record = deployed.shell.folder / "state" / "deployer.db"
    with closing(sqlite3.connect(record)) as database, database:
        query = "UPDATE runs SET asked = json_set(asked, '$.options.vault_ids', json_array(?)) WHERE asked != 'null'"
        database.execute(query, (f"x@{script}",))
    record.chmod(0o606)

    refused = deployed.deployer("retry", "last")
    ran = canary.exists()
    again = shlex.split(refused.err.splitlines()[-1].partition(": ")[2])
    done = deployed.deployer(*again[1:])

    assert (refused.code, ran) == (7, False), refused.err
    assert again[-2:] == ["--vault-id", f"x@{script}"]
    assert (done.code, canary.exists()) == (0, True), done.err
