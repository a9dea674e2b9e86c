"""Arguments, environment, forks and ssh connections of a run are values before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.errors import UsageError
from deployer.model.json import JsonObject
from deployer.model.options import PlaybookOptions
from deployer.model.plan import Target
from deployer.model.site import Machine, Site
from deployer.playbook import invocation, job
from deployer.playbook.inventory import interleaved
from deployer.playbook.reach import AnsibleReach
from deployer.ports import PlaybookRun
from deployer.settings import AnsibleSettings, SshSettings

Make = Callable[..., Target]


def a_job() -> job.Job:
    """A job in folders that are not there."""
    return job.Job(1, "/r/events", "/r/log", "/r/private", "/tmp/s", "/p/op/playbook.yml", ("/i",), ("-v",), "/w")


def test_job_round_trip(tmp_path: Path) -> None:
    """The child reads what the driver wrote."""
    task = replace(a_job(), masters=(("ssh", "a"),), wake=7)
    task.write(tmp_path / "job.json")

    assert job.Job.read(tmp_path / "job.json") == task


def test_arguments(site: Site) -> None:
    """Every option of a run has Ansible's own spelling; the raw ones come last."""
    run = PlaybookRun(
        "r1",
        "fra1",
        "/p/op/playbook.yml",
        "/i",
        site,
        (),
        variables={"a": 1},
        options=PlaybookOptions(
            check=True,
            diff=True,
            tags=("a", "b"),
            skip_tags=("c",),
            verbosity=2,
            become=True,
            vault_ids=("dev@file",),
            raw=("--flush-cache",),
        ),
    )

    assert " ".join(invocation.arguments(run, Path("/private"), Path("/private/hosts"), 5)) == (
        "--limit @/private/hosts --forks 5 --extra-vars @/private/variables.yml --check --diff --become -vv "
        "--tags a,b --skip-tags c --vault-id dev@file --flush-cache"
    )
    with pytest.raises(UsageError, match="nobody is asked"):
        invocation.arguments(
            replace(run, options=PlaybookOptions(vault_ids=("dev@prompt",))),
            Path("/private"),
            Path("/private/hosts"),
            5,
        )


def test_environment_is_an_allow_list() -> None:
    """Nothing of the user's environment passes but what is named."""
    environ = {"HOME": "/home/x", "AWS_SECRET": "x", "REGION": "north", "PATH": "/bin", "ANSIBLE_BECOME": "1"}
    settings = (AnsibleSettings(environment=("REGION",)), SshSettings(known_hosts="/etc/our hosts"))
    made = invocation.environment(environ, "/own/op/playbook.yml", Path("/shipped"), a_job(), settings)

    assert {"AWS_SECRET", "ANSIBLE_BECOME"}.isdisjoint(made)
    assert (made["HOME"], made["REGION"], made["LC_ALL"]) == ("/home/x", "north", "C.UTF-8")
    assert made["PATH"].endswith(":/bin")
    assert made["ANSIBLE_LIBRARY"] == "/own/library:/shipped/library"
    assert made["ANSIBLE_ROLES_PATH"].startswith("/own/roles:/shipped/roles:")
    assert made["ANSIBLE_SSH_ARGS"].endswith("""~/.ssh/known_hosts2 "/etc/our hosts"'""")


def test_interleaved(target: Make) -> None:
    """Targets go round their hosts, and keep their order on each."""
    targets = [target("a", "h1"), target("b", "h1"), target("c", "h1"), target("d", "h2")]

    assert [one.instance for one in interleaved(targets)] == ["a", "d", "b", "c"]


@pytest.mark.parametrize(
    ("counts", "wanted", "forks"),
    [
        ({"dep01": 24}, 16, 8),
        ({"dep01": 24, "app07": 24}, 16, 16),
        ({"dep01": 24, "app07": 1}, 16, 8),
        ({"here": 24}, 16, 16),
        ({"dep01": 3}, 16, 3),
        ({"dep01": 24}, 4, 4),
    ],
)
def test_forks(site: Site, target: Make, counts: dict[str, int], wanted: int, forks: int) -> None:
    """No more than eight of one remote host are worked on at once, and no more at all than were asked for."""
    targets = [target(f"{host}-{number}", host) for host, count in counts.items() for number in range(count)]

    assert invocation.forks(targets, site, wanted, 8) == forks


def test_masters(site: Site, target: Make) -> None:
    """One connection for each remote machine, to where Ansible will connect; none for a local one."""
    targets = [target("a"), target("b"), target("c", "app07"), target("d", "here")]
    first, second = invocation.masters(targets, site, SshSettings(), "/tmp/s")

    assert first[-3:] == ("-f", "-N", "dep01")
    assert 'User="deployer"' in first
    assert "ControlPath=/tmp/s/%C" in first
    assert second[-1] == "10.0.0.7"
    assert 'Port="2222"' in second


def test_masters_leave_templates_to_ansible(site: Site, target: Make) -> None:
    """A machine whose variables are not known here is left to Ansible."""
    for value in ("{{ user }}", {"__ansible_vault": "x"}):
        machine = Machine("dep01", {"ansible_user": value})
        assert invocation.masters([target("a")], replace(site, machines={"dep01": machine}), SshSettings(), "/s") == ()


def test_checks_see_the_variables_of_a_machine_but_no_secrets() -> None:
    """Left out is what is in a vault, has a secret's name, or says how the machine is reached; nothing else."""
    shown: JsonObject = {"role": "app", "port": 8080, "paths": {"logs": "/var/log"}, "tags": ["a"], "none": None}
    hidden: JsonObject = {
        "db_password": "hunter2",
        "key": {"__ansible_vault": "$ANSIBLE_VAULT"},
        "ansible_user": "erin",
    }
    reach = AnsibleReach(AnsibleSettings(), SshSettings(), environ={})

    assert reach.variables(Machine("app07", {**shown, **hidden})) == shown


def test_checks_reach_a_machine_as_ansible_would(site: Site, target: Make, tmp_path: Path) -> None:
    """Where the inventory is silent Ansible's own variables hold, but never over the inventory."""
    reach = AnsibleReach(
        AnsibleSettings(),
        SshSettings(connect_timeout=7),
        environ={"ANSIBLE_REMOTE_USER": "erin", "HOME": str(tmp_path)},
    )
    run = PlaybookRun("r1", "fra1", "/p/op/playbook.yml", "/i", site, ())
    machines = [reach.machine(run, target("viatris", host)) for host in ("app07", "dep01")]

    assert [machine.variables.get("ansible_user") for machine in machines] == ["erin", "deployer"]
    assert [
        ("ConnectTimeout=7" in reach.ssh(each), f'User="{name}"' in reach.ssh(each))
        for each, name in zip(machines, ("erin", "deployer"), strict=True)
    ] == [(True, True), (True, True)]
