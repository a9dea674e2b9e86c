"""The checks of a batch with real processes: machines side by side, every kind of connection."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from deployer.checks.runner import TestinfraChecks
from deployer.errors import OperationError, UsageError
from deployer.model.check import TargetChecks
from deployer.model.json import JsonValue
from deployer.model.operation import Operation
from deployer.model.plan import Target
from deployer.model.site import Machine, Repository, Site
from deployer.playbook.reach import AnsibleReach
from deployer.ports import PlaybookRun
from deployer.settings import AnsibleSettings, CheckSettings, SshSettings
from deployer.testing import FakeStop
from tests.budget.pace import limit

LOCAL: Mapping[str, JsonValue] = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}


@dataclass
class Bench:
    """A folder of checks, and machines that are this one."""

    folder: Path
    machines: dict[str, Machine] = field(default_factory=lambda: {"m1": Machine("m1", LOCAL)})
    settings: CheckSettings = field(default_factory=lambda: CheckSettings(seconds=limit(60)))
    environ: dict[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"], "HOME": "/nonexistent"})

    def write(self, text: str) -> None:
        """The only test file."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "test_it.py").write_text(text)

    def target(self, instance: str, host: str) -> Target:
        """An instance on a machine."""
        return Target(
            instance, "test", "fra1", "", host, f"{instance}.xml", "1.0", {"port": "1"}, {"token": "s3cr3t-9"}
        )

    def run(self, *targets: Target, stop: bool = False) -> dict[str, TargetChecks]:
        """Check `viatris` on the first machine, or these: results by instance."""
        site = Site("test", "fra1", Machine("m1", LOCAL), Repository("c", "~/c"), machines=self.machines)
        targets = targets or (self.target("viatris", "m1"),)
        batch = PlaybookRun("r1", "fra1", "playbook.yml", "inventory", site, targets, checks=(str(self.folder),))
        reach = AnsibleReach(AnsibleSettings(), SshSettings(), environ=self.environ)
        found = TestinfraChecks(self.settings, reach).run(batch, FakeStop(asked=stop, now=stop))
        assert [one.target for one in found] == [target.name for target in targets]
        return {one.target.split(".")[0]: one for one in found}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench with an empty folder."""
    return Bench(tmp_path / "my checks")


def test_machines_are_checked_side_by_side(bench: Bench, tmp_path: Path) -> None:
    """The check of each machine waits for the other one's: in turn neither would end."""
    bench.machines = {name: Machine(name, LOCAL) for name in ("m1", "m2")}
    bench.write(
        "import os, pathlib\n"
        "def test_it(instance):\n"
        f"    here = pathlib.Path({str(tmp_path)!r})\n"
        "    (here / instance['host']).touch()\n"
        "    while not ((here / 'm1').exists() and (here / 'm2').exists()):\n"
        "        os.sched_yield()\n"
    )

    found = bench.run(bench.target("viatris", "m1"), bench.target("acme", "m2"))

    assert {name: one.outcome for name, one in found.items()} == {"viatris": "ok", "acme": "ok"}


def test_one_at_a_time_when_the_settings_say_so(bench: Bench, tmp_path: Path) -> None:
    """`checks.side_by_side` bounds the processes: with one, a check of the second machine sees the first one done."""
    bench.machines = {name: Machine(name, LOCAL) for name in ("m1", "m2")}
    bench.settings = CheckSettings(seconds=limit(60), side_by_side=1)
    bench.write(
        "import pathlib\n"
        "def test_it(instance):\n"
        f"    here = pathlib.Path({str(tmp_path)!r})\n"
        "    assert not (here / 'busy').exists()\n"
        "    (here / 'busy').touch()\n"
        "    (here / 'busy').unlink()\n"
    )

    found = bench.run(bench.target("viatris", "m1"), bench.target("acme", "m2"))

    assert [one.outcome for one in found.values()] == ["ok", "ok"]


def test_what_only_ansible_can_reach_is_reached_by_ansible(bench: Bench) -> None:
    """A connection variable that is a template: every command goes through Ansible's own command line."""
    bench.machines = {"m1": Machine("m1", {**LOCAL, "kind": "local", "ansible_connection": "{{ kind }}"})}
    bench.write("def test_it(host):\n    assert host.check_output('echo %s', 'a b') == 'a b'\n")

    assert bench.run()["viatris"].outcome == "ok"


def test_what_nobody_can_reach_is_unreachable(bench: Bench) -> None:
    """By ssh and by Ansible: it is no failed check."""
    bench.write("def test_it(host):\n    host.check_output('true')\n")
    nowhere: dict[str, JsonValue] = {"ansible_host": "127.0.0.1", "ansible_port": 1}
    bench.machines = {
        "m1": Machine("m1", nowhere),
        "m2": Machine("m2", {**nowhere, "ansible_user": "{{ nobody | default('x') }}"}),
    }

    found = bench.run(bench.target("viatris", "m1"), bench.target("acme", "m2"))

    assert {name: one.outcome for name, one in found.items()} == {"viatris": "unreachable", "acme": "unreachable"}
    assert "Connection refused" in found["viatris"].error


def test_become_is_as_the_inventory_says(bench: Bench, tmp_path: Path) -> None:
    """Commands go through sudo to the inventory's user, and only where it says become."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sudo").write_text('#!/bin/sh\necho "$1 $2" >"$(dirname "$0")/asked"\nshift 2\nexec "$@"\n')
    (tools / "sudo").chmod(0o755)
    bench.environ["PATH"] = f"{tools}:{bench.environ['PATH']}"
    bench.write("def test_it(host):\n    assert host.check_output('echo %s', 'a b') == 'a b'\n")

    plain = bench.run()["viatris"]
    asked = (tools / "asked").exists()
    bench.machines = {"m1": Machine("m1", {**LOCAL, "ansible_become": True, "ansible_become_user": "app"})}
    become = bench.run()["viatris"]

    assert (plain.outcome, asked, become.outcome) == ("ok", False, "ok")
    assert (tools / "asked").read_text() == "-u app\n"


def test_a_secret_of_the_manifest_is_not_told(bench: Bench) -> None:
    """A check that prints the manifest gives it away to nobody."""
    bench.write("def test_it(instance):\n    assert not instance['manifest'], str(instance['manifest'])\n")

    found = bench.run()["viatris"]

    assert found.outcome == "failed"
    assert "s3cr3t-9" not in repr(found)
    assert "[redacted]" in found.checks[0].text


def test_a_check_that_ends_its_process_fails_alone(bench: Bench) -> None:
    """The instances after it are checked by a process of their own."""
    bench.write("import os\ndef test_it(instance):\n    if instance['name'] == 'viatris':\n        os._exit(0)\n")

    found = bench.run(bench.target("viatris", "m1"), bench.target("acme", "m1"))

    assert {name: one.outcome for name, one in found.items()} == {"viatris": "failed", "acme": "ok"}
    assert found["viatris"].error == "it ended the process of the checks"


def test_a_file_without_checks_is_an_error(bench: Bench) -> None:
    """It would look like success."""
    bench.write("def not_a_check():\n    pass\n")

    with pytest.raises(OperationError, match="hold no checks"):
        bench.run()


def test_a_conftest_that_cannot_be_used_is_an_error(bench: Bench) -> None:
    """No check ran, which must not look like success; what pytest says is the hint, less secrets."""
    bench.write("def test_it():\n    pass\n")
    (bench.folder / "conftest.py").write_text("raise ValueError('s3cr3t-9 is not mine')\n")

    with pytest.raises(OperationError, match="could not run") as told:
        bench.run()
    assert "[redacted] is not mine" in told.value.hint


def test_checks_that_are_taken_away_are_no_success(bench: Bench) -> None:
    """A hook of a conftest.py that leaves an instance without a check makes it fail."""
    bench.write("def test_it(instance):\n    pass\n")
    (bench.folder / "conftest.py").write_text(
        "def pytest_collection_modifyitems(items):\n    items[:] = [item for item in items if 'acme' in item.name]\n"
    )

    found = bench.run(bench.target("viatris", "m1"), bench.target("acme", "m1"))

    assert {name: one.outcome for name, one in found.items()} == {"viatris": "failed", "acme": "ok"}


def test_a_stop_starts_nothing(bench: Bench) -> None:
    """Whoever was not checked is interrupted."""
    bench.write("def test_it():\n    pass\n")

    assert bench.run(stop=True)["viatris"].outcome == "interrupted"


def test_without_the_extra_the_command_to_install_it_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is touched."""
    bench.write("def test_it():\n    pass\n")
    operation = Operation("instance-try", "try", "Try", "", str(bench.folder), "", checks=(str(bench.folder),))
    checks = TestinfraChecks(bench.settings, AnsibleReach(AnsibleSettings(), SshSettings(), environ={}))
    real = importlib.util.find_spec

    def find_spec(name: str) -> ModuleSpec | None:
        return None if name == "testinfra" else real(name)

    checks.usable(operation)
    monkeypatch.setattr("deployer.checks.runner.find_spec", find_spec)

    with pytest.raises(UsageError, match="testinfra") as told:
        checks.usable(operation)
    assert "pip install 'deployer-host[verify]'" in told.value.hint
