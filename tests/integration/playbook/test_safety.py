"""What must never happen: orphans, leaked secrets, evaluated manifests, crowded connections."""

from __future__ import annotations

import base64
import contextlib
import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from deployer.inventory.reader import InventoryReader
from deployer.model.json import JsonObject
from deployer.model.options import PlaybookOptions
from deployer.model.run import Outcome
from deployer.model.site import Machine
from deployer.playbook import processes
from deployer.settings import SshSettings
from tests.budget.marks import deep

if TYPE_CHECKING:
    from tests.integration.playbook.conftest import Project

    AllEnd = Callable[[dict[int, int]], bool]
    Started = tuple[Path, Callable[[], int]]

OWN_SESSION = """\
- ping:
- name: A long task in a session of its own
  shell: setsid sh -c 'echo $$ > "{fifo}"; exec sleep 600'
  when: inventory_hostname == 'viatris.fra1'
- ping:
"""


def handles(pids: tuple[int, ...]) -> dict[int, int]:
    """Process -> handle that becomes readable at its end; a process id alone can be given away again."""
    return {pid: os.pidfd_open(pid) for pid in pids}


def test_stop_now(
    project: Project, started: Started, in_thread: Callable[[Callable[[], None]], None], all_end: AllEnd
) -> None:
    """The second Ctrl-C ends Ansible and what it started, also in a session of its own; targets say interrupted."""
    fifo, wait_for_start = started
    seen: dict[int, int] = {}
    others = set(processes.descendants(os.getpid()))

    def stop() -> None:
        seen.update(handles((wait_for_start(), *(set(processes.descendants(os.getpid())) - others))))
        project.stop.now = True

    in_thread(stop)
    results = project.run(project.batch(project.playbook(OWN_SESSION.format(fifo=fifo))))

    assert {Outcome.INTERRUPTED} == {result.outcome for result in results.values()}
    assert len(seen) > 2
    assert all_end(seen)


CONTROLLER = """\
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import LOCAL, Project
from deployer.model.site import Machine
top = Path(sys.argv[2])
project = Project(top, Machine("fra1-test-dep01", LOCAL), environ={"HOME": str(top / "home"), "PATH": sys.argv[3]})
project.run(project.batch(Path(sys.argv[4])))
"""


def test_kill_9_of_the_controller(project: Project, started: Started, all_end: AllEnd) -> None:
    """When the controller is killed, the child, Ansible and what it started end, and nothing private is left."""
    fifo, wait_for_start = started
    playbook = project.playbook(OWN_SESSION.format(fifo=fifo))
    arguments = [str(Path(__file__).parent), str(project.top), os.environ["PATH"], str(playbook)]
    controller = subprocess.Popen([sys.executable, "-c", CONTROLLER, *arguments], cwd=Path(__file__).parents[3])
    seen = handles((wait_for_start(), *processes.descendants(controller.pid)))
    controller.kill()
    controller.wait()

    assert len(seen) > 2
    assert all_end(seen)
    assert {"events.jsonl", "ansible.log"} == {path.name for path, _ in project.written()}
    last = (project.top / "runs/r1/fra1/events.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert (json.loads(last)["event"], json.loads(last)["status"]) == ("end", "canceled")


def test_what_a_killed_child_leaves(
    project: Project, started: Started, in_thread: Callable[[Callable[[], None]], None], all_end: AllEnd
) -> None:
    """When the child itself is killed, the driver ends what it left and says so of each target."""
    fifo, wait_for_start = started
    seen: dict[int, int] = {}
    others = set(processes.descendants(os.getpid()))

    def kill_child() -> None:
        seen.update(handles((wait_for_start(), *(set(processes.descendants(os.getpid())) - others))))
        child = next(p for p in seen if b"deployer.playbook.child" in Path(f"/proc/{p}/cmdline").read_bytes())
        signal.pidfd_send_signal(seen[child], signal.SIGKILL)

    in_thread(kill_child)
    results = project.run(project.batch(project.playbook(OWN_SESSION.format(fifo=fifo))))

    assert {Outcome.FAILED} == {result.outcome for result in results.values()}
    assert results["viatris"].error == (
        "Ansible ended without a summary: the process that runs Ansible was ended by SIGKILL, as the kernel does when"
        " memory runs out"
    )
    assert all_end(seen)


HOSTILE = "{{{{ lookup('pipe', 'touch \"{}\"') }}}}"


def test_a_hostile_manifest(project: Project) -> None:
    """No template in a value, attribute, key, field or name is evaluated, and no key becomes a variable."""
    marker = project.top / "evaluated"
    evil = HOSTILE.format(marker)
    value: JsonObject = {
        "@attribute": evil,
        evil: "in a key",
        "ansible_become": "true",
        "ansible_connection": "nosuch",
        "list": [evil, {"deep": evil, "deeper": [evil]}],
        "number": "2.10",
        "surrogate": "\ud800\0",
        "ansible_host": evil,
    }
    target = replace(project.target("viatris", value), version=evil, fields={"port": evil, evil: evil})
    target = replace(target, cluster=evil, manifest=evil, revision=evil)
    tasks = (
        "- debug: {var: instance}\n"
        '- debug: {msg: "{{ instance.manifest }} {{ instance.version }} {{ instance.fields.port }}"}\n'
        '- debug: {msg: "{{ item.key }} {{ item.value }}"}\n'
        '  loop: "{{ instance.manifest | dict2items }}"\n'
        "- assert:\n"
        "    that:\n"
        "    - ansible_become is not defined\n"
        "    - ansible_connection == 'local'\n"
        "    - ansible_host is not defined or 'lookup' not in ansible_host\n"
        "    - instance.manifest.number == '2.' ~ '10'\n"
        "    - \"'lookup' in instance.manifest.list[1].deeper[0]\"\n"
        "    - groups['instances'] == ['viatris.fra1']\n"
    )
    named = project.target(evil)
    results = project.run(project.batch(project.playbook(tasks), (target, named)))

    assert (results["viatris"].outcome, results["viatris"].error) == (Outcome.OK, "")
    assert Outcome.HELD is next(result for name, result in results.items() if name != "viatris").outcome
    assert not marker.exists()


SECRETS = ("s3cret-of-inventory", "s3cret-of-environment", "s3cret-of-vault", "s3cret-of-no-log", "s3cret-of-manifest")


def test_no_secret_is_written(project: Project) -> None:
    """Secrets of inventory, environment, vault, manifest and a no_log task are in no file and in no event."""
    password = project.top / "vault-password"
    password.write_text("s3cret-password\n", encoding="utf-8")
    vaulted = subprocess.run(
        [Path(sys.executable).parent / "ansible-vault", "encrypt_string", "--vault-id", f"dev@{password}"],
        input="s3cret-of-vault",
        capture_output=True,
        check=True,
        text=True,
        env={**project.environ, "LC_ALL": "C.UTF-8"},
    ).stdout.partition("\n")[2]
    text = "\n".join(line.strip() for line in vaulted.splitlines())
    project = project.with_variables(db_password="s3cret-of-inventory", harmless={"__ansible_vault": text})
    project = replace(
        project,
        settings=project.settings.model_copy(update={"environment": ("API_TOKEN", "REGION")}),
        environ={**project.environ, "API_TOKEN": "s3cret-of-environment", "REGION": "north", "UNNAMED": "hidden"},
    )
    tasks = (
        "- shell: \"env; echo '{{ db_password }} {{ harmless }}' {{ token }}; exit 1\"\n"
        "  vars: {token: \"{{ instance.manifest.service['@apiToken'] }}\"}\n"
        "  ignore_errors: true\n"
        "- debug: {msg: '{{ db_password }} {{ harmless }}'}\n"
        "- command: cat hidden\n  no_log: true\n  args: {chdir: '{{ playbook_dir }}'}\n"
        "- fail: {msg: 'it was {{ harmless }}'}\n"
    )
    target = project.target("viatris", {"service": {"@apiToken": "s3cret-of-manifest"}})
    batch = project.batch(project.playbook(tasks), (target,))
    (Path(batch.playbook).parent / "hidden").write_text("s3cret-of-no-log", encoding="utf-8")
    options = PlaybookOptions(vault_ids=(f"dev@{password}",), verbosity=3)
    results = project.run(replace(batch, options=options))

    everything = b"".join(data for _, data in project.written()) + repr(project.heard).encode()
    assert [secret for secret in (*SECRETS, "s3cret-password") if secret.encode() in everything] == []
    assert b"REGION=north" in everything
    assert b"UNNAMED" not in everything
    assert results["viatris"].error == "it was [redacted]"


PLANTED = {
    "variable": "S3/cret@of:a variable",
    "short variable": "h7nt3r",
    "url": "S3:cret/of@url",
    "proxy": "s3cret-of-proxy",
    "extra": "S3cret'of\"extra",
    "extra file": "s3cret-of-extra-file",
    "vaulted file": "s3cret-of-vaulted-file",
    "vaulted value of a file": "s3cret-of-inline-vault",
    "manifest": "s3cret-of-manifest",
}
SPELT = """\
- debug:
    msg: >-
      {{ item }} {{ item | to_json | to_json }} {{ item | urlencode }} {{ item | b64encode }}
      {{ ('erin:' ~ item) | b64encode }} {{ item | quote | quote }} {{ item | regex_escape }}
  loop: "{{ all }}"
- shell: "echo {{ all | map('quote') | join(' ') }} >&2; env; exit 3"
  ignore_errors: true
- fail: {msg: "{{ all | join(' ') }}"}
"""


def _encrypt(project: Project, text: str, password: Path, *command: str) -> str:
    program = str(Path(sys.executable).parent / "ansible-vault")
    return subprocess.run(
        [program, *command, "--vault-id", f"dev@{password}"],
        input=text,
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={**project.environ, "LC_ALL": "C.UTF-8"},
    ).stdout


@deep(12)
def test_no_secret_is_written_in_any_spelling(project: Project) -> None:
    """With -vvvv and in failures: of inventory, URLs, proxies, `-e`, files of variables, vaulted files, manifest."""
    password = project.top / "vault-password"
    password.write_text("s3cret-password\n", encoding="utf-8")
    url = f"https://robot:{PLANTED['url']}@releases.example.net"
    project = project.with_variables(
        db_password=PLANTED["variable"], pin_secret=PLANTED["short variable"], release_store=url
    )
    project = replace(
        project,
        settings=project.settings.model_copy(update={"environment": ("HTTPS_PROXY",)}),
        environ={**project.environ, "HTTPS_PROXY": f"http://erin:{PLANTED['proxy']}@127.0.0.1:3128"},
    )
    extra = project.top / "extra.yml"
    extra.write_text(f"extra_token: {PLANTED['extra file']}\n", encoding="utf-8")
    names = ("variable", "short variable", "url", "proxy", "extra", "extra file", "vaulted file", "manifest")
    known = [PLANTED[name] for name in names] + [PLANTED["vaulted value of a file"]]
    target = project.target("viatris", {"login": {"@password": PLANTED["manifest"]}, "mount": {"@key": "disk"}})
    batch = project.batch(project.playbook(SPELT), (target,))
    folder = Path(batch.playbook).parent
    (folder / "vars").mkdir()
    whole = _encrypt(project, f"smtp: {PLANTED['vaulted file']}\n", password, "encrypt", "--output", "-")
    (folder / "vars" / "whole.yml").write_text(whole, encoding="utf-8")
    inline = _encrypt(project, PLANTED["vaulted value of a file"], password, "encrypt_string", "--name", "harmless")
    (folder / "vars" / "inline.yml").write_text(inline, encoding="utf-8")
    raw = ("-e", json.dumps({"api_token": PLANTED["extra"]}), "-e", f"@{extra}", "-e", json.dumps({"all": known}))
    results = project.run(replace(batch, options=PlaybookOptions(vault_ids=(f"dev@{password}",), verbosity=4, raw=raw)))

    everything = b"".join(data for _, data in project.written()) + repr(project.heard).encode()
    forms = {
        name: {
            secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe=""),
            base64.b64encode(secret.encode()).decode().rstrip("="),
            base64.b64encode(f"erin:{secret}".encode()).decode()[8:].rstrip("="),
        }
        for name, secret in PLANTED.items()
    }  # fmt: skip
    assert [(name, form) for name, each in forms.items() for form in each if form.encode() in everything] == []
    assert results["viatris"].error.count("[redacted]") == len(PLANTED)


def test_an_ordinary_word_of_a_manifest_is_left_in_what_is_written(project: Project) -> None:
    """Whatever stands under names that say secret: the message of a run comes through byte for byte."""
    message = "No space left on disk /dev/disk/by-id of fra1 (prod): true, none, token 1, viatris, default 8080"
    value: JsonObject = {
        "mount": {"key": "disk"}, "login": {"password": "none", "token": "1", "secret": "prod"},
        "other": {"api_key": "fra1", "password": "viatris", "token": "true", "secret_key": "default", "pwd": "8080"},
    }  # fmt: skip
    results = project.run(project.batch(project.playbook(f"- fail: {{msg: '{message}'}}\n"), (
        project.target("viatris", value),
    )))  # fmt: skip

    assert results["viatris"].error == message
    assert message.encode() in b"".join(data for path, data in project.written() if path.name == "ansible.log")


SSHD = """\
ListenAddress 127.0.0.1
Port {port}
HostKey "{top}/host_key"
AuthorizedKeysFile "{top}/user_key.pub"
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
MaxStartups 1
MaxSessions 10
LogLevel VERBOSE
"""


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A real sshd on loopback that lets in one new connection at a time: its port and its log."""
    top = tmp_path / "sshd"
    top.mkdir()
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", top / name], check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (top / "config").write_text(SSHD.format(port=port, top=top), encoding="utf-8")
    host_key = (top / "host_key.pub").read_text(encoding="utf-8")
    (top / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}", encoding="utf-8")
    log = top / "log"
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if sshd is None:
        pytest.skip("sshd is not installed")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd of Debian wants it, when it runs as root
    with subprocess.Popen([sshd, "-D", "-f", top / "config", "-E", log]) as process:
        while process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
        yield port, log
        process.terminate()


def test_many_instances_share_one_connection(project: Project, sshd: tuple[int, Path]) -> None:
    """Twelve instances of one host open one connection to its sshd, which would refuse a second one at a time."""
    port, log = sshd
    top = log.parent
    variables: JsonObject = {
        "ansible_host": "127.0.0.1",
        "ansible_port": port,
        "ansible_user": getpass.getuser(),
        "ansible_ssh_private_key_file": str(top / "user_key"),
        "ansible_ssh_common_args": "-F /dev/null -o IdentitiesOnly=yes",
        "ansible_ssh_retries": 0,
        "ansible_python_interpreter": sys.executable,
        "ansible_remote_tmp": str(project.top / "remote"),
    }
    project.machine = Machine("fra1-test-dep01", variables)
    project.ssh = SshSettings(known_hosts=str(top / "known_hosts"))
    targets = tuple(project.target(f"i{number}") for number in range(12))
    results = project.run(project.batch(project.playbook("- ping:\n"), targets))

    assert {Outcome.OK} == {result.outcome for result in results.values()}
    assert log.read_text(encoding="utf-8").count("Accepted publickey") == 1


def test_an_unknown_host_key(project: Project, sshd: tuple[int, Path]) -> None:
    """A host whose key nobody knows is unreachable; its key is not learnt."""
    port, log = sshd
    common = "-F /dev/null -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null"
    variables: JsonObject = {"ansible_host": "127.0.0.1", "ansible_port": port, "ansible_ssh_common_args": common}
    project.machine = Machine("fra1-test-dep01", {**variables, "ansible_ssh_retries": 0})
    # One target: this sshd would close a second connection before it tells its key.
    results = project.run(project.batch(project.playbook("- ping:\n"), (project.target("viatris"),)))

    assert {Outcome.UNREACHABLE} == {result.outcome for result in results.values()}
    assert "host key is known" in results["viatris"].error
    assert "Accepted" not in log.read_text(encoding="utf-8")


def test_the_controller_stays_light() -> None:
    """Before Ansible starts the controller imports neither ansible nor ansible_runner."""
    program = (
        "import sys; import deployer.playbook.driver, deployer.playbook.catalog;"
        "print([name for name in sys.modules if name.split('.')[0] in ('ansible', 'ansible_runner', 'pexpect')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


OTHERS = """\
all:
  children:
    sites:
      children:
        fra1:
          hosts: {fra1-test-dep01: {ansible_connection: local}}
        ams1:
          hosts: {ams1-test-dep01: {}, web.fra1: {}}
    deployer_hosts: {hosts: {fra1-test-dep01: {}, ams1-test-dep01: {}}}
    vault.fra1: {hosts: {ams1-test-dep01: {}}}
"""


def test_an_instance_gets_no_variables_of_a_host_or_group_of_its_name(project: Project) -> None:
    """Whoever may commit a manifest names instances: it is held, also in another case, and the others run."""
    inventory = project.top / "inventory"
    (inventory / "hosts.yml").write_text(OTHERS)
    for place in ("host_vars/web.fra1.yml", "group_vars/vault.fra1.yml"):
        (inventory / place).parent.mkdir()
        (inventory / place).write_text("password: hunter2\n")
    site = InventoryReader(project.top / "cache").read(inventory).sites["fra1"]
    names = ("web", "WEB", "vault", "fra1", "ams1-test-dep01", "all", "localhost")
    targets = tuple(project.target(name) for name in (*names, "viatris"))
    playbook = project.playbook("- debug: {msg: \"{{ password | default('none') }}\"}")

    results = project.run(replace(project.batch(playbook, targets), site=site))

    assert results.pop("viatris").outcome is Outcome.OK
    assert {name: result.outcome for name, result in results.items()} == dict.fromkeys(names, Outcome.HELD)
    assert "web.fra1 is a host or a group of the inventory" in results["web"].error
    assert not [path for path, content in project.written() if b"hunter2" in content]
