"""Real playbooks through the driver: what becomes of each target."""

from __future__ import annotations

import shlex
import socket
import stat
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.errors import InventoryError, UsageError
from deployer.model.options import PlaybookOptions
from deployer.model.run import Outcome
from deployer.model.site import Machine
from deployer.playbook.errors import PlaybookError

if TYPE_CHECKING:
    from tests.integration.playbook.conftest import Project

ONLY_VIATRIS = "when: inventory_hostname == 'viatris.fra1'"


def test_ok_and_changed(project: Project) -> None:
    """A target that a task changed is changed, the other is ok; a result says what the module reported."""
    tasks = f"- ping:\n- command: echo done\n  {ONLY_VIATRIS}\n"

    assert project.outcomes(tasks) == {"viatris": Outcome.CHANGED, "adler": Outcome.OK}
    assert {"viatris.fra1", "adler.fra1"} == {result.target for result in project.heard.results}
    assert "command: changed" in [e.text for e in project.heard.events if e.target == "viatris.fra1"]


def test_what_the_module_reports(project: Project) -> None:
    """Versions and what runs come from the keys of the module instance_release."""
    (library := project.top / "my playbooks" / "library").mkdir(parents=True)
    (library / "instance_release.py").write_text(
        "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n"
        "AnsibleModule({}).exit_json(changed=True, version_before='2.9', version_after='2.10', running='2.10',\n"
        "  steps=['unpacked'], diff={'before': 'a\\n', 'after': 'b\\n'})\n",
        encoding="utf-8",
    )
    result = project.run(project.batch(project.playbook("- instance_release:\n")))["viatris"]

    assert (
        result.version_before,
        result.version_after,
        result.running,
        result.outcome,
    ) == ("2.9", "2.10", "2.10", Outcome.CHANGED)
    assert result.diff == "--- before\n+++ after\n@@ -1 +1 @@\n-a\n+b"
    assert result.started is not None
    assert ["unpacked"] in [event.data.get("steps") for event in project.heard.events]


def test_failed_names_task_and_first_line(project: Project) -> None:
    """A failed target has its task and the first line of the error; the others go on."""
    tasks = f'- name: Switch the release\n  fail: {{msg: "no space\\nmore"}}\n  {ONLY_VIATRIS}\n- command: echo\n'
    results = project.run(project.batch(project.playbook(tasks)))

    assert (
        results["viatris"].outcome,
        results["viatris"].task,
        results["viatris"].error,
    ) == (Outcome.FAILED, "Switch the release", "no space")
    assert Outcome.CHANGED is results["adler"].outcome


def test_skipped_ignored_rescued(project: Project) -> None:
    """A failure that the playbook ignores or rescues is none; a target whose every task was skipped is skipped."""
    tasks = (
        f"- fail:\n  ignore_errors: true\n  {ONLY_VIATRIS}\n"
        "- block:\n  - fail:\n  rescue:\n  - ping:\n  when: inventory_hostname == 'adler.fra1'\n"
    )
    targets = tuple(map(project.target, ("viatris", "adler", "celan")))
    results = project.run(project.batch(project.playbook(tasks), targets))

    assert [result.outcome for result in results.values()] == [Outcome.OK, Outcome.OK, Outcome.SKIPPED]


def test_the_error_after_a_rescue(project: Project) -> None:
    """Where one failure was rescued, the error is that of the one that was not."""
    tasks = "- block:\n  - fail: {msg: first}\n  rescue:\n  - ping:\n- fail: {msg: second}\n"

    assert project.run(project.batch(project.playbook(tasks)))["adler"].error == "second"


def test_unreachable_is_not_failed(project: Project) -> None:
    """A machine whose port refuses connections is unreachable."""
    with socket.socket() as bound:  # bound, and nobody listens: the port stays closed
        bound.bind(("127.0.0.1", 0))
        ssh = {"ansible_host": "127.0.0.1", "ansible_port": bound.getsockname()[1], "ansible_ssh_retries": 0}
        project.machine = Machine("fra1-test-dep01", {**ssh, "ansible_ssh_common_args": "-F /dev/null"})
        results = project.run(project.batch(project.playbook("- ping:\n")))

    assert {Outcome.UNREACHABLE} == {result.outcome for result in results.values()}
    assert "Connection refused" in results["viatris"].error


def test_a_play_that_ends_early(project: Project) -> None:
    """Targets that no play came to are not started, and say why."""
    playbook = project.playbook("- fail:\n").read_text(encoding="utf-8").replace("tasks:", "serial: 1\n  tasks:")
    results = project.run(project.batch(project.text(playbook)))

    assert (results["viatris"].outcome, results["adler"].outcome) == (Outcome.FAILED, Outcome.NOT_STARTED)
    assert results["adler"].error == "the playbook ended before it, or has no play for it"


def test_a_playbook_for_other_hosts(project: Project) -> None:
    """Exit code 0 with no target processed is no success."""
    results = project.run(project.batch(project.playbook("- ping:\n", hosts="others")))

    assert {Outcome.NOT_STARTED} == {result.outcome for result in results.values()}


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("- hosts: instances\n  tasks: [\n", 3, "YAML"),
        ("- hosts: instances\n  roles: [nosuch]\n", 2, "'nosuch'"),
        ("- hosts: instances\n  tasks:\n  - nosuch: {}\n", 3, "'nosuch'"),
    ],
)
def test_a_playbook_that_cannot_be_read(project: Project, text: str, line: int, name: str) -> None:
    """The error has its place and Ansible's own first line, in whatever words; every target is not started."""
    playbook = project.text(text)
    with pytest.raises(PlaybookError) as caught:
        project.run(project.batch(playbook))

    place, _, said = caught.value.message.partition(": ")
    assert place.startswith(f"{playbook}:{line}:")
    assert name in said
    assert {Outcome.NOT_STARTED} == {result.outcome for result in caught.value.results}


def test_ansible_is_not_installed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ansible-playbook there is an error and no silence."""
    python = project.top / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    project.environ["PATH"] = str(python.parent)
    with pytest.raises(PlaybookError, match="ansible-playbook"):
        project.run(project.batch(project.playbook("- ping:\n")))


def test_other_hosts_of_the_users_group_are_left_alone(project: Project) -> None:
    """A group `instances` in the user's own inventory does not widen the run."""
    hosts = "instances: {hosts: {stranger: {ansible_connection: local}}}\n"
    (project.top / "inventory" / "more.yml").write_text(hosts, encoding="utf-8")
    project.run(project.batch(project.playbook("- command: echo\n")))

    assert {"", "viatris.fra1", "adler.fra1"} >= {event.target for event in project.heard.events}


def test_check_and_variables(project: Project) -> None:
    """--check changes nothing, and a template in a variable is not evaluated."""
    marker = project.top / "marker"
    tasks = f"- copy: {{content: x, dest: '{marker}'}}\n- debug: {{msg: '{{{{ word }}}}'}}\n"
    hostile = "{{ lookup('pipe', 'echo e' ~ 'vil') }}"
    options = PlaybookOptions(check=True, diff=True)
    batch = replace(project.batch(project.playbook(tasks)), options=options, variables={"word": hostile})
    results = project.run(batch)

    assert {Outcome.CHANGED} == {result.outcome for result in results.values()}
    assert not marker.exists()
    assert "+x" in results["viatris"].diff
    assert b"evil" not in b"".join(data for _, data in project.written())


def test_no_inventory_and_a_given_instance(project: Project) -> None:
    """What Ansible would take for a host, or would put in place of the manifest, is refused before anything starts."""
    batch = project.batch(project.playbook("- ping:\n"))
    with pytest.raises(InventoryError):
        project.run(replace(batch, inventory=str(project.top / "gone")))
    with pytest.raises(UsageError, match="instance"):
        project.run(replace(batch, variables={"instance": {}}))


def test_files_are_private_and_few(project: Project) -> None:
    """A run leaves its events and what Ansible printed, for their owner only; a second try of the batch has its own."""
    batch = project.batch(project.playbook("- ping:\n"))
    project.run(batch)
    project.run(batch)
    left = {str(path.relative_to(project.top / "runs")) for path, _ in project.written()}
    logs = [(project.top / "runs" / "r1" / name / "ansible.log").read_text() for name in ("fra1", "fra1.2")]

    assert all("TASK [ping]" in log and "PLAY RECAP" in log for log in logs)
    assert {f"r1/{batch}/{name}" for batch in ("fra1", "fra1.2") for name in ("events.jsonl", "ansible.log")} == left
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path, _ in project.written()}


def test_stop_before_the_start(project: Project) -> None:
    """Nothing new is started once somebody asked to stop."""
    project.stop.asked = True

    assert {Outcome.NOT_STARTED} == set(project.outcomes("- ping:\n").values())
    assert not (project.top / "runs").exists()
