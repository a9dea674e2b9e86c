"""Sandboxes of real hosts: what a user and the machine see of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.errors import UsageError
from deployer.sandboxes import Sandbox, Sandboxes
from deployer.sandboxes.base import Power
from deployer.sandboxes.faults import parse
from deployer.sandboxes.nspawn import network
from deployer.sandboxes.nspawn.cgroups import Group
from deployer.sandboxes.nspawn.plan import sandbox_id
from tests.budget.marks import sampled
from tests.budget.pace import limit
from tests.integration.sandboxes import plain
from tests.nspawn import IMAGES, needed, traces

PARTS = 12
"""Of the steps at which `create` is killed: one is played every day, the others in turn."""
HEAD, NODE = "fra1-sandbox-dep01", "fra1-sandbox-app01"


@pytest.fixture(scope="module", autouse=True)
def _images() -> Iterator[None]:
    needed()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in IMAGES.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the sandboxes are: in a folder with a space, a comma and a colon. None is left when the tests fail."""
    root = tmp_path_factory.mktemp("real") / "a state, of: tests"
    yield root
    for box in Sandboxes(root).list():
        Sandboxes(root).destroy(box.name)


@pytest.fixture(scope="module")
def lab(root: Path) -> Sandbox:
    """A sandbox with a hub, a deployer host and a node; tests leave it as it was."""
    return Sandboxes(root).create("lab", instances=2, backend="nspawn")


def _ssh(box: Sandbox, host: str, command: str, *, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    argv = ["ssh", "-F", str(box.folder / "ssh_config"), "-o", "BatchMode=yes", host, command]
    return subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=limit(300))


def _said(box: Sandbox, host: str, command: str) -> str:
    done = _ssh(box, host, command)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def _address(box: Sandbox, host: str) -> str:
    lines = (box.folder / "known_hosts").read_text().splitlines()
    return next(line.split()[0].split(",")[1] for line in lines if line.startswith(f"{host},"))


def test_hosts_are_debian_with_systemd_behind_ssh(lab: Sandbox) -> None:
    """Each host says its own name, runs systemd as its first process without a failed unit, and gives root by sudo."""
    for host in (HEAD, NODE, "hub"):
        said = _said(
            lab, host, "hostname; cat /proc/1/comm; id -un; sudo -n id -un; systemctl is-system-running --wait"
        )
        assert said.split() == [host, "systemd", "deployer", "root", "running"]


def test_a_node_is_reached_through_its_deployer_host_alone(lab: Sandbox) -> None:
    """From the controller there is no way to a node's address."""
    with pytest.raises(OSError, match=r"timed out|unreachable|No route"):
        socket.create_connection((_address(lab, NODE), 22), timeout=0.5).close()
    assert _said(lab, NODE, "hostname") == NODE


def test_plain_ansible_reaches_every_host(lab: Sandbox, tmp_path: Path) -> None:
    """`ansible -i` works with the inventory as it is, and becomes root."""
    done = plain.ansible("ansible", "-i", str(lab.inventory), "all", "-m", "command", "-a", "id -un", home=tmp_path)
    assert done.count("CHANGED") == 2
    assert done.count("\nroot\n") == 2


def test_the_clone_pushes_to_the_hub(lab: Sandbox) -> None:
    """The deployer host's clone has its remote on another host, and pushes there by its own key."""
    clone = "cd deployer/clusterconfig-fra1"
    assert _said(lab, HEAD, f"{clone} && git remote get-url origin").startswith("ssh://git@hub/")
    _said(lab, HEAD, f"{clone} && git push -q origin HEAD:refs/heads/proof")
    bare = lab.folder / "remotes" / "clusterconfig-fra1.git"
    pushed = subprocess.run(["git", "-C", str(bare), "rev-parse", "proof"], capture_output=True, text=True, check=True)
    assert pushed.stdout.strip() == _said(lab, HEAD, f"{clone} && git rev-parse HEAD")
    assert _ssh(lab, HEAD, "ssh git@hub id").returncode != 0


def test_a_host_that_lost_its_power_keeps_its_files(root: Path, lab: Sandbox) -> None:
    """Kill takes a host away in the middle of what it does; start brings it back with what it had written."""
    _said(lab, NODE, "echo kept > kept; sync")
    Sandboxes(root).power("lab", NODE, Power.KILL)
    assert _ssh(lab, NODE, "true").returncode == 255
    Sandboxes(root).power("lab", NODE, Power.START)
    assert _said(lab, NODE, "cat kept") == "kept"


def test_a_host_that_is_stopped_ends_its_services_in_order(root: Path, lab: Sandbox) -> None:
    """Stop is a shutdown: a service is told, and what it writes then is there after the start."""
    unit = "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/touch /home/deployer/told\n"
    install = "sudo tee /etc/systemd/system/polite.service >/dev/null && sudo systemctl start polite"
    assert _ssh(lab, NODE, install, stdin=unit.encode()).returncode == 0
    Sandboxes(root).power("lab", NODE, Power.STOP)
    Sandboxes(root).power("lab", NODE, Power.START)
    assert _said(lab, NODE, "ls told") == "told"


def test_a_slow_link(root: Path, lab: Sandbox) -> None:
    """With a delay of 100 ms an answer comes after 200 ms at the earliest, and what is sent arrives as it was."""
    boxes = Sandboxes(root)
    boxes.fault("lab", "fra1", parse("delay", "100ms"))
    try:
        began = time.monotonic()
        socket.create_connection((_address(lab, HEAD), 22), timeout=limit(60)).close()
        assert time.monotonic() - began >= 0.2
        data = os.urandom(3_000_000)
        done = _ssh(lab, HEAD, "sha256sum", stdin=data)
        assert done.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()
    finally:
        boxes.fault("lab", "fra1", parse("heal"))


def test_a_lossy_link(root: Path, lab: Sandbox) -> None:
    """What TCP repairs arrives; where everything is lost nothing does."""
    boxes = Sandboxes(root)
    try:
        boxes.fault("lab", "fra1", parse("loss", "10%"))
        data = os.urandom(300_000)
        assert _ssh(lab, HEAD, "sha256sum", stdin=data).stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()
        boxes.fault("lab", "fra1", parse("loss", "100%"))
        with pytest.raises(OSError, match=r"timed out|No route"):
            socket.create_connection((_address(lab, HEAD), 22), timeout=0.5).close()
    finally:
        boxes.fault("lab", "fra1", parse("heal"))
    assert _said(lab, HEAD, "hostname") == HEAD


def test_a_cut_link_cuts_the_site_from_the_git_server_too(root: Path, lab: Sandbox) -> None:
    """A connection that is open hangs while the link is cut, and goes on when it heals."""
    boxes = Sandboxes(root)
    command = (
        "read line; git -C deployer/clusterconfig-fra1 ls-remote origin main >/dev/null; echo $?; read line; echo on"
    )
    argv = ["ssh", "-F", str(lab.folder / "ssh_config"), "-o", "ServerAliveInterval=0", HEAD]
    reading = "git() { timeout 5 git -c core.sshCommand='ssh -o ConnectTimeout=2' \"$@\"; };"
    with subprocess.Popen([*argv, f"echo in; {reading} {command}"], stdin=-1, stdout=-1, text=True) as open_one:
        assert open_one.stdin
        assert open_one.stdout
        assert open_one.stdout.readline() == "in\n"
        open_one.stdin.write("go\n")
        boxes.fault("lab", "fra1", parse("cut"))
        try:
            open_one.stdin.flush()
            with pytest.raises(OSError, match=r"timed out|No route"):
                socket.create_connection((_address(lab, HEAD), 22), timeout=0.5).close()
        finally:
            boxes.fault("lab", "fra1", parse("heal"))
        open_one.stdin.write("go\n")
        open_one.stdin.flush()
        assert open_one.stdout.read().split()[-1] == "on"


def test_unknown_hosts_and_sites(root: Path, lab: Sandbox) -> None:
    """A name that is not there is answered with those that are."""
    with pytest.raises(UsageError, match=f"no host moon; it has hub, {HEAD}, {NODE}"):
        Sandboxes(root).power(lab.name, "moon", Power.KILL)
    with pytest.raises(UsageError, match="no site moon; it has fra1"):
        Sandboxes(root).fault(lab.name, "moon", parse("cut"))


def test_start_after_a_reboot(root: Path, lab: Sandbox) -> None:
    """A reboot leaves files alone: start makes namespaces and hosts anew, at the same addresses, with their files."""
    _said(lab, HEAD, "echo kept > kept; sync")
    group = Group(sandbox_id(lab.folder))
    group.kill()
    group.remove()
    network.remove(sandbox_id(lab.folder))
    Sandboxes(root).start("lab")
    assert _said(lab, HEAD, "cat kept") == "kept"
    assert _said(lab, NODE, "hostname") == NODE


def test_two_side_by_side_and_nothing_left_of_one(root: Path, lab: Sandbox) -> None:
    """A second sandbox has a network of its own; destroying it leaves no trace of it and the first one alone."""
    other = Sandboxes(root).create("other", sites=("ams2", "iad1"), instances=4, clusters=3, backend="nspawn")
    assert _address(other, "hub") != _address(lab, "hub")
    nodes = [name for name in plain.listed(other.inventory, root)["_meta"]["hostvars"] if "app" in name]
    assert nodes == ["ams2-sandbox-app01", "ams2-sandbox-app02", "iad1-sandbox-app01"]
    Sandboxes(root).fault("other", "iad1", parse("delay", "1s"))
    assert traces(other.folder)
    Sandboxes(root).destroy("other")
    assert traces(other.folder) == []
    assert _said(lab, NODE, "hostname") == NODE


def test_a_folder_that_was_removed_by_hand(root: Path, lab: Sandbox) -> None:
    """`rm -rf` leaves hosts that nobody can name: prune ends them, and no others."""
    gone = Sandboxes(root).create("gone", instances=1, backend="nspawn")
    shutil.rmtree(gone.folder)
    assert traces(gone.folder)
    Sandboxes(root).prune()
    assert traces(gone.folder) == []
    assert _said(lab, NODE, "hostname") == NODE


def _steps(root: Path) -> int:
    """How many programs of the machine one `create` runs, and the wait for its hosts."""
    return len((root.parent / "count").read_text())


_KILLED = """\
import os, sys, pathlib
from deployer.sandboxes import Sandboxes
from deployer.sandboxes.nspawn import command, host
left = [int(sys.argv[2])]
def dying(work):
    def step(*given, **options):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), int(sys.argv[4]))
        with open(sys.argv[3], "a") as file:
            file.write(".")
        return work(*given, **options)
    return step
command.run, host.wait = dying(command.run), dying(host.wait)
Sandboxes(pathlib.Path(sys.argv[1])).create("demo", instances=1, backend="nspawn")
"""


def _create(root: Path, ends_at: int, number: int = signal.SIGKILL) -> int:
    argv = [sys.executable, "-c", _KILLED, str(root), str(ends_at), str(root.parent / "count"), str(number)]
    return subprocess.run(argv, check=False, capture_output=True, timeout=limit(900)).returncode


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many steps a whole `create` has."""
    root = tmp_path_factory.mktemp("steps") / "sandboxes"
    assert _create(root, 0) == 0
    Sandboxes(root).destroy("demo")
    assert traces(root / "demo") == []
    return _steps(root)


@pytest.mark.parametrize("part", sampled(range(PARTS), 1, 4))
def test_a_create_that_is_killed_at_any_step(tmp_path: Path, steps: int, part: int) -> None:
    """Whenever `create` is killed, `destroy` leaves nothing: no process, group, mount, namespace, interface or file."""
    root = tmp_path / "sandboxes"
    for step in range(1 + part, steps + 1, PARTS):
        assert _create(root, step) == -signal.SIGKILL, step
        if Sandboxes(root).list():
            Sandboxes(root).destroy("demo")
        assert traces(root / "demo") == [], step


@pytest.mark.parametrize("part", sampled(range(PARTS), 1, 4))
@pytest.mark.usefixtures("_keys")
def test_a_create_that_is_stopped_at_any_step(tmp_path: Path, steps: int, part: int) -> None:
    """Nothing is left of it when it ends, whenever KeyboardInterrupt came."""
    root = tmp_path / "sandboxes"
    for step in range(1 + part, steps + 1, PARTS):
        assert _create(root, step, signal.SIGINT) == -signal.SIGINT, step
        assert traces(root / "demo") == [], step


@pytest.fixture
def _keys() -> Iterator[None]:
    """SIGINT reaches what a test starts, also where the tests run in the background: there it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_create_that_fails_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a host does not start, create says which and why, and cleans up."""
    monkeypatch.setattr("deployer.sandboxes.nspawn.host._START", 0.0)
    with pytest.raises(Exception, match="hub did not start"):
        Sandboxes(root).create("broken", instances=1, backend="nspawn")
    assert traces(root / "broken") == []
