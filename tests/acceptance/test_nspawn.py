"""The main job on real hosts: systemd, sshd, nodes behind a deployer host, links and hosts that fail."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance import waiting
from tests.acceptance.conftest import Done, Shell
from tests.budget.marks import deep
from tests.budget.pace import limit
from tests.nspawn import IMAGES, needed

SITE = "fra1"
HEAD, FIRST, SECOND = f"{SITE}-sandbox-dep01", f"{SITE}-sandbox-app01", f"{SITE}-sandbox-app02"
IMPATIENT = {"DEPLOYER_SSH__CONNECT_TIMEOUT": "3"}
"""Where a host is dead, every attempt waits that long."""


class Lab:
    """A sandbox of one site: a deployer host and two nodes with two and one instances."""

    def __init__(self, folder: Path) -> None:
        self.shell = Shell(folder)
        self.shell.environment |= IMAGES
        self.folder = folder / "state" / "sandboxes" / "lab"

    def deployer(self, *arguments: str, **variables: str) -> Done:
        """Run `deployer` in this sandbox."""
        return self.shell(*arguments, DEPLOYER_SANDBOX="lab", **variables)

    def ssh(self, host: str, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command on a host, as the login."""
        argv = ["ssh", "-F", str(self.folder / "ssh_config"), host, command]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=limit(300))

    def said(self, host: str, command: str) -> str:
        """What a command on a host prints."""
        done = self.ssh(host, command)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def must(self, *arguments: str) -> Done:
        """Run `deployer`, which must succeed."""
        done = self.deployer(*arguments)
        assert done.code == 0, done.out + done.err
        return done


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The hosts with everything rolled out, for the whole module."""
    needed()
    lab = Lab(tmp_path_factory.mktemp("real hosts"))
    lab.must("sandbox", "create", "lab", "--backend", "nspawn", "--clusters", "2", "--instances", "3")
    first = lab.must("redeploy", SITE, "--json")
    assert set(first.outcomes.values()) == {"changed"}
    yield lab
    lab.must("sandbox", "destroy", "lab")


@pytest.fixture
def lab(made: Lab) -> Iterator[Lab]:
    """The hosts; what a test broke is whole again after it."""
    yield made
    made.must("sandbox", "fault", SITE, "heal")
    made.must("sandbox", "start", "lab")


def test_redeploy(lab: Lab) -> None:
    """Instances are services of systemd on their nodes, enabled, with the version of the manifest, and stay so."""
    again = lab.must("redeploy", SITE, "--json")
    assert set(again.outcomes.values()) == {"ok"}
    for host, instances in ((FIRST, ("viatris", "northwind")), (SECOND, ("acme-logistics",))):
        units = " ".join(f"instance-{instance}" for instance in instances)
        assert set(lab.said(host, f"systemctl is-active {units}; systemctl is-enabled {units}").split()) == {
            "active",
            "enabled",
        }
    assert '"version": "1.4.2"' in lab.said(FIRST, _health(8101))


def _health(port: int) -> str:
    address = f"http://127.0.0.1:{port}/health"
    return f"python3 -c 'import urllib.request as u; print(u.urlopen(\"{address}\").read().decode())'"


@deep(15)
def test_services_survive_a_reboot_of_their_node(lab: Lab) -> None:
    """A node that lost its power runs its instances again when it comes back."""
    lab.must("sandbox", "host", "kill", SECOND)
    lab.must("sandbox", "host", "start", SECOND)
    assert lab.said(SECOND, "systemctl is-active --wait instance-acme-logistics") == "active"
    assert set(lab.must("redeploy", SITE, "--json").outcomes.values()) == {"ok"}


def test_configure(lab: Lab) -> None:
    """A value is committed on the deployer host, pushed to the git server by ssh, and served by the node."""
    done = lab.must("configure", SITE, "viatris", "--set", "limits/sessions/@max=450", "--json")
    assert done.outcomes == {"viatris.fra1": "changed"}
    bare = lab.folder / "remotes" / f"clusterconfig-{SITE}.git"
    shown = subprocess.run(
        ["git", "-C", str(bare), "show", "main:viatris.xml"], capture_output=True, text=True, check=True
    )
    assert '<sessions max="450"/>' in shown.stdout
    assert "450" in lab.said(FIRST, "sudo cat /srv/instances/viatris/configuration.json")


@deep(15)
def test_doctor_and_verify(lab: Lab) -> None:
    """The deployer host is in order, and the checks of redeploy pass on the nodes."""
    findings = lab.must("doctor", SITE, "--json").document["data"]
    assert {finding["verdict"] for finding in findings} == {"good"}
    lab.must("verify", SITE)


@deep(15)
def test_a_dead_node(lab: Lab) -> None:
    """Its instance is unreachable and exit code 4 says so; the others go on, and retry finishes it later."""
    lab.must("sandbox", "host", "kill", SECOND)
    done = lab.deployer("redeploy", SITE, "--json", **IMPATIENT)
    assert done.code == 4, done.out + done.err
    assert done.outcomes == {"viatris.fra1": "ok", "northwind.fra1": "ok", "acme-logistics.fra1": "unreachable"}
    lab.must("sandbox", "host", "start", SECOND)
    again = lab.must("retry", done.document["data"]["id"], "--json")
    assert again.outcomes == {"acme-logistics.fra1": "ok"}


@deep(15)
def test_a_host_that_dies_in_the_middle_of_a_playbook(lab: Lab) -> None:
    """The instance of the host that lost its power is unreachable; those of the other node end as they would have."""
    variables = {**IMPATIENT, **waiting.make(lab.shell.folder, "/run"), "DEPLOYER_SANDBOX": "lab"}
    with lab.shell.start("wait", SITE, "--json", **variables) as process:
        for host, instance in ((FIRST, "viatris"), (FIRST, "northwind"), (SECOND, "acme-logistics")):
            while lab.ssh(host, f"test -e /run/began-{instance}").returncode:
                assert process.poll() is None, process.communicate()
        lab.must("sandbox", "host", "kill", SECOND)
        lab.said(FIRST, "sudo touch /run/go-on")
        out, err = process.communicate(timeout=limit(600))
    done = Done(process.returncode, out, err)
    assert done.code == 4, out + err
    assert done.outcomes["acme-logistics.fra1"] == "unreachable"
    assert {done.outcomes["viatris.fra1"], done.outcomes["northwind.fra1"]} <= {"ok", "changed"}


@deep(15)
def test_a_cut_link_that_heals(lab: Lab) -> None:
    """A site that is cut off is unreachable, and nothing of it changes; after it heals, retry lands."""
    lab.must("sandbox", "fault", SITE, "cut")
    done = lab.deployer("configure", SITE, "viatris", "--set", "limits/sessions/@max=475", "--json", **IMPATIENT)
    assert done.code == 4, done.out + done.err
    assert "refused" not in done.out + done.err
    lab.must("sandbox", "fault", SITE, "heal")
    again = lab.must("configure", SITE, "viatris", "--set", "limits/sessions/@max=475", "--json")
    assert again.outcomes == {"viatris.fra1": "changed"}


def test_a_host_whose_key_changed(lab: Lab) -> None:
    """A deployer host that proves itself with another key than the one that is known is not talked to."""
    known = lab.folder / "known_hosts"
    before = known.read_text()
    lines = {line.split(",")[0]: line.split(" ", 1) for line in before.splitlines()}
    lines[HEAD][1] = lines["hub"][1]
    known.write_text("".join(f"{' '.join(line)}\n" for line in lines.values()))
    try:
        done = lab.deployer("sync", SITE)
        assert done.code == 4, done.out + done.err
        assert "key" in done.out + done.err
    finally:
        known.write_text(before)
