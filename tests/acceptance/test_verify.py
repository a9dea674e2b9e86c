"""`deployer verify` and `--verify`: checks of live instances, the shipped ones and a user's own."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.sandboxes.supervisor.client import ask
from tests.budget.marks import deep

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box, Done
    from tests.acceptance.far import Far

SITE = "fra1"
VIATRIS = f"viatris.{SITE}"


class Live:
    """A sandbox that is rolled out, and a folder of checks of a user's own."""

    def __init__(self, box: Box, own: Path) -> None:
        self.box = box
        self.own = own

    def drop_in(self, text: str, *, operation: str = "instance-redeploy", name: str = "test_own.py") -> None:
        """A user puts a test file beside an operation."""
        folder = self.own / operation / "checks"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    def deployer(self, *arguments: str, **variables: str) -> Done:
        """Run `deployer` with the user's own folder."""
        return self.box.deployer(*arguments, **{"DEPLOYER_PLAYBOOKS": str(self.own), **variables})

    def service(self, do: str, instance: str = "viatris") -> None:
        """Stop or restart a service by hand."""
        ask(self.box.home.parent / "run" / "supervisor.sock", {"do": do, "name": f"instance-{instance}"}, seconds=20)


@pytest.fixture(scope="module")
def rolled_out(shared: Box) -> Box:
    """A sandbox whose first site is rolled out."""
    done = shared.deployer("redeploy", SITE)
    assert done.code == 0, done.out + done.err
    return shared


@pytest.fixture
def live(rolled_out: Box, tmp_path: Path) -> Live:
    """The same, with an empty folder of one's own."""
    return Live(rolled_out, tmp_path / "own")


def outcomes(done: Done) -> dict[str, str]:
    """Target -> outcome."""
    return {one["target"]: one["outcome"] for one in done.document["data"]["results"]}


def failures(done: Done) -> dict[str, list[tuple[str, str]]]:
    """Target -> (check, error) of what failed."""
    return {
        one["target"]: [(check["check"], check["error"]) for check in one["checks"] if check["outcome"] == "failed"]
        for one in done.document["data"]["results"]
    }


def test_verify_passes_after_a_redeploy(live: Live) -> None:
    """Every instance passes every shipped check; no run is recorded and nothing is locked for it."""
    before = live.deployer("history", "--json").document["data"]
    done = live.deployer("verify", SITE, "--json")
    configured = live.deployer("verify", SITE, "viatris", "--operation", "configure", "--json")
    after = live.deployer("history", "--json").document["data"]

    assert done.code == 0, done.out + done.err
    assert set(outcomes(done).values()) == {"ok"}
    checks = [check["check"] for check in done.document["data"]["results"][0]["checks"]]
    assert "test_release.py::test_current_points_to_the_release" in checks
    assert "test_service.py::test_health_is_good" in checks
    assert outcomes(configured) == {VIATRIS: "ok"}
    assert len(before) == len(after)


def test_only_the_broken_instance_fails(live: Live) -> None:
    """A service stopped by hand: exit 3, the table says which check of which instance, the others are ok."""
    live.service("stop")
    try:
        done = live.deployer("verify", SITE)
        told = live.deployer("verify", SITE, "--json")
    finally:
        live.service("restart")

    assert done.code == 3, done.out + done.err
    assert f"{VIATRIS}: instance-viatris does not run" in done.out
    assert "in: test_service.py::test_the_service_runs" in done.out
    assert outcomes(told).pop(VIATRIS) == "failed"
    assert [target for target, failed in failures(told).items() if failed] == [VIATRIS]


@deep(7)
def test_a_check_beside_a_shipped_operation_is_run(live: Live) -> None:
    """It gets host, instance, variables and params, and comes on top of the shipped checks."""
    live.drop_in(
        "def test_own(host, instance, variables, params):\n"
        "    assert host.file(variables['instances_home'] + '/' + instance['name']).is_directory\n"
        "    assert params['keep_releases'] == 5\n"
        "    assert instance['name'] != 'viatris', 'not for viatris'\n"
    )

    done = live.deployer("verify", SITE, "--param", "keep_releases=5", "--json")

    assert done.code == 3, done.out + done.err
    assert failures(done).pop(VIATRIS) == [("test_own.py::test_own", "not for viatris")]
    assert all(len(one["checks"]) == 10 for one in done.document["data"]["results"])


def test_an_operation_of_ones_own_has_its_own_checks(live: Live) -> None:
    """They are found beside its playbook, a conftest.py in their folder counts, and only they are run."""
    folder = live.own / "instance-ping"
    folder.mkdir(parents=True)
    (folder / "operation.yml").write_text("command: ping\nsummary: Ping\n")
    (folder / "playbook.yml").write_text("- hosts: instances\n  gather_facts: false\n  tasks: []\n")
    live.drop_in(
        "import pytest\n@pytest.fixture\ndef name(instance):\n    return instance['name']\n",
        operation="instance-ping",
        name="conftest.py",
    )
    live.drop_in(
        "import pytest\n"
        "@pytest.mark.parametrize('letter', ['v', 'x'])\n"
        "def test_name(name, letter):\n    assert letter in name\n"
        "@pytest.mark.skip\ndef test_not_here(): pass\n",
        operation="instance-ping",
    )

    done = live.deployer("verify", SITE, "viatris", "--operation", "ping", "--json")

    assert done.code == 3, done.out + done.err
    found = [(one["check"], one["outcome"]) for one in done.document["data"]["results"][0]["checks"]]
    assert found == [
        ("test_own.py::test_name[v]", "passed"),
        ("test_own.py::test_name[x]", "failed"),
        ("test_own.py::test_not_here", "skipped"),
    ]


def test_redeploy_verify_counts_a_failed_check_as_a_failed_target(live: Live) -> None:
    """Exit 3: that target failed with the check's name, the others are as the playbook left them; retry owes it."""
    live.drop_in("def test_own(instance):\n    assert instance['name'] != 'viatris', 'not for viatris'\n")

    done = live.deployer("redeploy", SITE, "--verify", "--json")
    shown = live.deployer("show", "last")
    owed = live.deployer("retry", "last", "--list-targets", "--json").document["data"]
    unchecked = live.deployer("redeploy", SITE, "--json")

    assert done.code == 3, done.out + done.err
    assert done.outcomes.pop(VIATRIS) == "failed"
    assert sorted(done.outcomes.values()) == ["failed", "ok", "ok"]
    assert done.errors[VIATRIS] == "not for viatris"
    assert "check test_own.py::test_own" in shown.out
    assert owed == [VIATRIS]
    assert unchecked.code == 0


@deep(6)
def test_a_hung_check_has_a_deadline(live: Live) -> None:
    """It fails, the process that it waits for is gone, and the instances after it are checked all the same."""
    note = live.own.parent / "pid"
    live.drop_in(
        "import pathlib\n"
        "def test_own(host, instance):\n"
        "    if instance['name'] == 'northwind':\n"
        f"        host.run('echo $$ > {note}; exec sleep 1000')\n"
    )

    done = live.deployer("verify", SITE, "--json", DEPLOYER_CHECKS__SECONDS="2")

    assert done.code == 3, done.out + done.err
    assert failures(done).pop(f"northwind.{SITE}") == [("test_own.py::test_own", "it did not end within 2 s")]
    assert sorted(outcomes(done).values()) == ["failed", "ok", "ok"]
    while Path(f"/proc/{note.read_text().strip()}").exists():
        os.sched_yield()


def test_a_killed_controller_leaves_nothing(live: Live) -> None:
    """`kill -9` of deployer in the middle of a check ends the check and what it started."""
    note = live.own.parent / "pid"
    live.drop_in(f"def test_own(host):\n    host.run('echo $$ > {note}.new; mv {note}.new {note}; exec sleep 1000')\n")
    process = live.box.shell.start(
        "verify", SITE, "viatris", DEPLOYER_SANDBOX=live.box.name, DEPLOYER_PLAYBOOKS=str(live.own)
    )
    while not note.exists():
        assert process.poll() is None, process.communicate()
        os.sched_yield()

    process.send_signal(signal.SIGKILL)
    process.communicate()

    while Path(f"/proc/{note.read_text().strip()}").exists():
        os.sched_yield()


@deep(2)
def test_ctrl_c_twice_ends_the_checks(live: Live) -> None:
    """Exit 130, and the instance counts as interrupted."""
    note = live.own.parent / "begun"
    live.drop_in(f"import pathlib, time\ndef test_own():\n    pathlib.Path('{note}').touch()\n    time.sleep(1000)\n")
    process = live.box.shell.start(
        "verify", SITE, "viatris", "--json", DEPLOYER_SANDBOX=live.box.name, DEPLOYER_PLAYBOOKS=str(live.own)
    )
    while not note.exists():
        assert process.poll() is None, process.communicate()
        os.sched_yield()

    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()

    assert process.returncode == 143, out + err
    assert '"outcome": "interrupted"' in out


@deep(2)
def test_what_is_around_does_not_leak_in(live: Live) -> None:
    """Neither pytest's files in the current folder or above the checks, nor its variables decide how checks run."""
    (live.own / "instance-redeploy").mkdir(parents=True)
    for folder in (live.box.shell.folder, live.own, live.own / "instance-redeploy"):
        (folder / "conftest.py").write_text("raise SystemExit('leaked')\n")
        (folder / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    live.drop_in("def test_own():\n    pass\n")

    done = live.deployer("verify", SITE, "--json", PYTEST_ADDOPTS="--no-such-option", PYTEST_PLUGINS="nothing")
    for name in ("conftest.py", "pytest.ini"):
        (live.box.shell.folder / name).unlink()

    assert done.code == 0, done.out + done.err
    assert not list(live.own.rglob("__pycache__"))


@deep(5)
def test_a_test_file_that_cannot_be_used_is_named(live: Live) -> None:
    """Exit 2 for verify; with --verify the targets failed, for nobody knows whether they are good."""
    live.drop_in("import no_such_module\n")

    done = live.deployer("verify", SITE)
    rolled = live.deployer("redeploy", SITE, "viatris", "--verify", "--json")

    assert done.code == 2, done.out + done.err
    assert f"{live.own}/instance-redeploy/checks/test_own.py cannot be used" in done.err
    assert "no_such_module" in done.err
    assert rolled.code == 3
    assert "cannot be used" in rolled.errors[VIATRIS]


@deep(6)
def test_what_matches_nothing_is_an_error(live: Live) -> None:
    """Exit 2 for an unknown instance, a limit without a match, an operation without checks or without name."""
    folder = live.own / "instance-bare"
    folder.mkdir(parents=True)
    (folder / "operation.yml").write_text("command: bare\nsummary: Bare\n")
    (folder / "playbook.yml").write_text("- hosts: instances\n  tasks: []\n")

    assert live.deployer("verify", SITE, "nobody").code == 2
    assert live.deployer("verify", SITE, "--limit", "nobody").code == 2
    assert live.deployer("verify", SITE, "--operation", "nothing").code == 2
    assert live.deployer("verify", SITE, "--param", "nothing=1").code == 2
    bare = live.deployer("verify", SITE, "--operation", "bare")
    assert bare.code == 2
    assert "put test files (test_*.py) into" in bare.err
    assert live.deployer("bare", SITE, "--verify").code == 2


def test_no_secret_is_told(live: Live) -> None:
    """Neither a manifest's value under a secret name nor one of the inventory, whatever a check says of it."""
    facts = next((live.box.folder / "inventory").iterdir()) / "group_vars" / f"{SITE}.yml"
    before = facts.read_text()
    facts.write_text(f"{before}portal_token: tok-5ca1ab1e-cafe\n")
    live.drop_in(
        "def test_own(instance, variables):\n"
        "    assert 'portal_token' not in variables\n"
        "    assert not 'it is tok-5ca1ab1e-cafe'\n"
    )

    try:
        told = [live.deployer("verify", SITE, "-v", *more) for more in ((), ("--json",))]
        rolled = live.deployer("redeploy", SITE, "viatris", "--verify")
        told += [rolled, live.deployer("show", "last"), live.deployer("logs", "last", "--json")]
    finally:
        facts.write_text(before)

    assert rolled.code == 3, rolled.out + rolled.err
    assert all("tok-5ca1ab1e-cafe" not in done.out + done.err for done in told)
    assert all("[redacted]" in done.out + done.err for done in told[:2])


@deep(15)
def test_over_ssh_the_checks_are_the_same(far: Far, tmp_path: Path) -> None:
    """Through one connection; a host that goes away in the middle is unreachable, and so is one that never answers."""
    live = Live(far.box, tmp_path / "own")
    good = far.deployer("redeploy", SITE, "--verify", "--json")
    pids = far.server.process.pid
    live.drop_in(
        "import os, signal\n"
        "def test_own(host):\n"
        f"    for pid in host.run('pgrep -P {pids}').stdout.split():\n"
        "        os.kill(int(pid), signal.SIGKILL)\n"
        "    host.run('true')\n"
    )
    cut = far.deployer("verify", SITE, "--json", DEPLOYER_PLAYBOOKS=str(live.own))
    far.server.stop()
    away = far.deployer("verify", SITE, "viatris", "--json")

    assert good.code == 0, good.out + good.err
    assert set(good.outcomes.values()) == {"changed"}
    assert cut.code == 4, cut.out + cut.err
    assert set(outcomes(cut).values()) == {"unreachable"}
    assert away.code == 4, away.out + away.err
