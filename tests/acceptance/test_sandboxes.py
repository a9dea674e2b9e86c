"""`deployer sandbox` as a person types it; the hosts are folders here."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.acceptance.conftest import Shell
from tests.budget.marks import deep


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A command line that works in a sandbox that is needed for half a day."""
    shell = Shell(tmp_path_factory.mktemp("lab"))
    shell.environment["DEPLOYER_SANDBOX"] = "lab"
    options = ("--sites", "fra1,ams2", "--clusters", "3", "--instances", "4", "--ttl", "12h")
    made = shell("sandbox", "create", "lab", *options)
    assert made.code == 0, made.err
    yield shell
    shell("sandbox", "destroy", "lab")


def test_list_tells_what_there_is_and_until_when(lab: Shell) -> None:
    """Clusters and instances of all sites, and the hours that are left."""
    words = lab("sandbox", "list").out.splitlines()[-1].split()
    assert words[:9] == ["lab", "local", "fra1", "ams2", "3", "4", "in", "12", "hours"]
    (listed,) = lab("sandbox", "list", "--json").document["data"]
    assert (listed["clusters"], listed["instances"], listed["expires"][:2]) == (3, 4, "20")


def test_who_works_in_one_that_expires_is_told(lab: Shell) -> None:
    """On stderr, so that what reads the result is not disturbed."""
    done = lab("status", "--json")
    assert "sandbox lab expires on 20" in done.err
    assert done.document["exit_code"] == 0


@deep(6)
def test_a_host_is_stopped_and_started(lab: Shell) -> None:
    """What it serves comes back with it."""
    assert lab("redeploy", "fra1", "viatris").code == 0
    assert lab("sandbox", "host", "kill", "fra1-sandbox-dep01").out == "fra1-sandbox-dep01: kill\n"
    assert lab("verify", "fra1", "viatris").code == 3
    assert lab("sandbox", "host", "start", "fra1-sandbox-dep01").code == 0
    assert lab("verify", "fra1", "viatris").code == 0


@deep(6)
def test_one_knows_nothing_of_what_runs_in_another(lab: Shell) -> None:
    """The same site and instance with the same record: what was rolled out there does not run here."""
    assert lab("redeploy", "fra1", "viatris").code == 0
    assert lab("sandbox", "create", "other", "--instances", "1").code == 0
    try:
        there, here = (lab("plan", "redeploy", "fra1", "viatris", "--sandbox", name).out for name in ("lab", "other"))
    finally:
        lab("sandbox", "destroy", "other")

    # The version that is wanted, and where it was rolled out the one that runs too.
    assert (there.count("1.4.2"), here.count("1.4.2")) == (2, 1)


def test_what_cannot_be_meant(lab: Shell) -> None:
    """It is a usage error with a sentence, and nothing happens."""
    for words in (
        ("create", "other", "--ttl", "soon"),
        ("create", "other", "--clusters", "5", "--instances", "3"),
        ("fault", "fra1", "cut"),
        ("fault", "fra1", "delay", "5%"),
        ("host", "stop", "moon"),
    ):
        done = lab("sandbox", *words)
        assert (done.code, done.out) == (2, ""), words
        assert done.err.splitlines()[-1].strip()
    assert len(lab("sandbox", "list", "--json").document["data"]) == 1


def test_a_fault_needs_a_sandbox(shell: Shell) -> None:
    """Which one is meant is never guessed."""
    done = shell("sandbox", "fault", "fra1", "cut")
    assert done.code == 2
    assert "--sandbox NAME" in done.err


def test_prune_destroys_what_has_expired(lab: Shell) -> None:
    """And says so; there is nothing to do the second time."""
    file = lab.folder / "state" / "sandboxes" / "lab" / "sandbox.json"
    content = json.loads(file.read_text()) | {"expires": datetime(2026, 1, 1, tzinfo=UTC).isoformat()}
    file.write_text(json.dumps(content))
    assert "expired" in lab("sandbox", "list").out
    assert "lab: destroyed\n" in lab("sandbox", "prune").out
    assert "lab: " not in lab("sandbox", "prune").out
    assert not file.parent.exists()


@pytest.fixture
def _keys() -> Iterator[None]:
    """Ctrl-C reaches what a test starts, also where the tests run in the background: there it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_keys")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_create_that_is_stopped_leaves_nothing(shell: Shell, number: int, code: int) -> None:
    """By a service manager or by keys: the name is free again, and the exit code says what stopped it."""
    folder = shell.folder / "state" / "sandboxes" / "many"
    with shell.start("sandbox", "create", "many", "--instances", "1500") as process:
        while not (folder / "remotes").exists():
            assert process.poll() is None, process.communicate()
            os.sched_yield()
        process.send_signal(number)
        _, said = process.communicate()

    assert (process.returncode, said.strip()) == (code, "deployer: stopped")
    assert not folder.exists()
    assert shell("sandbox", "list", "--json").document["data"] == []
