"""The main job over a real sshd: the controller is somewhere else, the deployer host is reached by SSH."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.acceptance import waiting
from tests.budget.marks import deep

if TYPE_CHECKING:
    from tests.acceptance.far import Far

SITE = "fra1"


def test_redeploy_configure_and_sync_are_the_same_over_ssh(far: Far) -> None:
    """Three instances, a colleague's commit, a person's push and a change of automation, through one sshd."""
    box = far.box
    first = far.deployer("redeploy", SITE, "--json")
    box.edit(box.clone, 'min="2" max="8"', 'min="2" max="12"')
    box.commit(box.clone, "More workers")
    box.edit(box.erin, 'max="12000" burst="400"', 'max="15000" burst="400"')
    box.push("More requests")
    changed = far.deployer("configure", SITE, "viatris", "--set", "version=1.5.0", "--json")
    checked = far.deployer("redeploy", SITE, "viatris", "--check", "--json")
    upgraded = far.deployer("redeploy", SITE, "--json")

    assert first.code == 0, first.out + first.err
    assert list(first.outcomes.values()) == ["changed"] * 3
    assert changed.code == 0, changed.out + changed.err
    assert all(text in box.on_remote() for text in ('max="12"/>', 'max="15000"', 'version="1.5.0" channel'))
    assert (checked.code, upgraded.code) == (8, 0), checked.err + upgraded.err
    assert box.get(box.port())["version"] == "1.5.0"


@deep(6)
def test_a_conflict_is_told_in_the_same_words(far: Far) -> None:
    """The report over SSH is the one that the deployer host itself would give."""
    box = far.box
    box.edit(box.clone, 'min="2" max="8"', 'min="2" max="12"')
    box.commit(box.clone, "More workers")
    box.edit(box.erin, 'min="2" max="8"', 'min="2" max="4"')
    box.push("Fewer workers")

    away = far.deployer("sync", SITE, "--json")
    here = box.deployer("sync", SITE, "--json")
    told = [done.document["data"][0]["manual"] | {"since": "", "environment": ""} for done in (away, here)]

    assert (away.code, here.code) == (5, 5)
    assert told[0] == told[1]


@deep(6)
def test_undo_over_ssh(far: Far) -> None:
    """The clone behind the sshd goes back with its edits, and forward again; the check knows the last good sync."""
    box = far.box
    before = box.git(box.clone, "rev-parse", "HEAD")
    (box.clone / "todo.txt").write_text("mine\n")
    box.edit(box.erin, 'min="2" max="8"', 'min="2" max="9"')
    tip = box.push("More workers")
    synced = far.deployer("sync", SITE)
    (box.clone / "todo.txt").unlink()

    undone = far.deployer("undo", SITE, "--json")
    head = box.git(box.clone, "rev-parse", "HEAD")
    checked = far.deployer("sync", SITE, "--check", "--json")
    again = far.deployer("sync", SITE)

    assert (synced.code, undone.code, checked.code, again.code) == (0, 0, 8, 0), undone.err
    assert (head, box.git(box.clone, "rev-parse", "HEAD")) == (before, tip)
    assert (box.clone / "todo.txt").read_text() == "mine\n"
    assert [commit["subject"] for commit in undone.document["data"]["landed"]] == ["More workers"]
    assert checked.document["data"][0]["last_good"] is not None


def test_an_unknown_host_key_is_never_accepted(far: Far) -> None:
    """Exit 4, a hint, and known_hosts as it was."""
    far.known.write_text("")

    done = far.deployer("redeploy", SITE)

    assert done.code == 4, done.out + done.err
    assert "host key" in done.err
    assert far.known.read_text() == ""


@deep(11)
def test_a_host_that_goes_away_in_the_middle_leaves_nothing_locked(far: Far) -> None:
    """The targets are unreachable, not failed; with the host back the next run finishes."""
    process = far.started_waiting()

    # As a host that loses power: its connections end, and there are no new ones.
    far.server.stop()
    out, err = process.communicate()
    cut = far.deployer("show", "last", "--json")
    far.lan.restart(far.server)
    waiting.go_on(far.box.shell.folder)
    after = far.deployer("redeploy", SITE, "--json")

    assert process.returncode == 4, out + err
    assert cut.outcomes == {"viatris.fra1": "unreachable"}
    assert after.code == 0, after.out + after.err


def _stopped_in_the_push(far: Far, go: Path, **variables: str) -> subprocess.Popen[str]:
    """A sync whose push has reached the remote when its host goes away; the remote's hook waits for a word in `go`."""
    box = far.box
    box.edit(box.clone, 'min="2" max="8"', 'min="2" max="12"')
    box.commit(box.clone, "More workers")
    began = go.with_name("began")
    for pipe in (began, go):
        os.mkfifo(pipe)
    hook = box.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho >'{began}'; read line <'{go}'\n")
    hook.chmod(0o755)
    known = {"DEPLOYER_SSH__KNOWN_HOSTS": str(far.known), "DEPLOYER_SYNC__NETWORK_ATTEMPTS": "1"}
    process = box.shell.start("sync", SITE, "-i", str(far.inventory), **known, **variables)
    began.read_text()
    far.server.stop()
    hook.unlink()
    return process


def _is_free(far: Far) -> bool:
    """Whether nobody holds the lock of the clone any more, once who holds it has ended."""
    return (
        subprocess.run(["flock", "-w", "30", far.box.clone / ".git/deployer/lock", "true"], check=False).returncode == 0
    )


def _check_landed_once(far: Far) -> None:
    """The clone's lock is free before its host is back; after the next sync the commit is on the remote, once."""
    is_free = _is_free(far)
    far.lan.restart(far.server)
    after = far.deployer("sync", SITE)

    assert is_free
    assert after.code == 0, after.out + after.err
    assert far.box.git(far.box.remote, "log", "--format=%s", "main").splitlines().count("More workers") == 1
    assert far.box.git(far.box.clone, "rev-parse", "HEAD") == far.box.git(far.box.remote, "rev-parse", "main")


def test_a_push_that_outlives_its_link_lands_once(far: Far, tmp_path: Path) -> None:
    """The controller hears nothing of it; the next sync finds it on the remote."""
    process = _stopped_in_the_push(far, tmp_path / "go")

    out, err = process.communicate()
    (tmp_path / "go").write_text("on\n")

    assert process.returncode == 4, out + err
    _check_landed_once(far)


@deep(6)
def test_a_push_that_hangs_behind_a_dead_link_ends_at_its_deadline(far: Far, tmp_path: Path) -> None:
    """Nobody is there to end it: it ends itself, with all that it started, and holds no lock."""
    process = _stopped_in_the_push(far, tmp_path / "go", DEPLOYER_SYNC__SECONDS="6")

    out, err = process.communicate()

    assert process.returncode == 4, out + err
    _check_landed_once(far)


@deep(6)
def test_a_second_controller_sees_who_holds_the_instance(far: Far, tmp_path: Path) -> None:
    """The lock is on the deployer host: another controller, with a record of its own, is told run and person."""
    process = far.started_waiting()

    second = far.deployer("redeploy", SITE, "viatris", DEPLOYER_STATE=str(tmp_path / "other state"))
    run = far.deployer("show", "last", "--json").document["data"]
    waiting.go_on(far.box.shell.folder)
    process.communicate()

    assert second.code == 6, second.out + second.err
    assert run["id"] in second.err
    assert run["who"] in second.err


def test_the_doctor_looks_over_ssh(far: Far) -> None:
    """And says what is wrong when the host is away."""
    good = far.deployer("doctor", SITE, "--json")
    far.server.stop()
    away = far.deployer("doctor", SITE, "--json")

    assert good.code == 0, good.out
    assert away.code == 5
    assert [item["check"] for item in away.document["data"] if item["verdict"] == "bad"] == ["ssh"]
