"""The supervisor's protocol and its patience with services that die: real processes; nothing is faked."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import urllib.error
import urllib.request
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from deployer.errors import UnreachableError
from deployer.model.json import JsonObject
from deployer.sandboxes import Sandbox
from deployer.sandboxes.layout import SiteLayout
from deployer.sandboxes.processes import identity_of, wait_until_gone
from deployer.sandboxes.supervisor.client import ask
from tests.budget.pace import limit

Ask = Callable[..., JsonObject]
Wait = Callable[[Callable[[], bool]], None]


@pytest.fixture
def where(fra1: SiteLayout) -> JsonObject:
    """What every definition needs besides its command."""
    return {"cwd": str(fra1.host), "environment": {}, "log": str(fra1.log / "service.log")}


def test_a_release_from_the_store_answers(
    supervisor: Ask, unpacked: Callable[[str], JsonObject], eventually: Wait
) -> None:
    """The service of the store, unpacked and applied, tells its version, instance and configuration."""
    definition = unpacked("1.4.2")
    answer = supervisor("apply", "instance-viatris", **definition)
    assert (answer["ok"], answer["state"], answer["starts"]) == (True, "running", 1)
    argv = definition["argv"]
    assert isinstance(argv, list)
    eventually(lambda: _health(argv[2])[0] == 200)
    configuration = Path(argv[4]).read_bytes()
    assert _health(argv[2])[1] == {
        "status": "ok",
        "version": "1.4.2",
        "configuration": sha256(configuration).hexdigest(),
        "instance": "viatris",
    }
    assert "shopfront 1.4.2 for viatris" in _get(argv[2], "/")[1]
    assert not list(Path(argv[0]).parent.parent.rglob("*.pyc"))


def test_another_version_takes_the_port_over(
    supervisor: Ask, unpacked: Callable[[str], JsonObject], eventually: Wait
) -> None:
    """Apply answers when the old process has ended, so the new one gets the same port; 1.5.1 never becomes healthy."""
    for count, (version, status) in enumerate((("1.4.2", 200), ("1.5.0", 200), ("1.5.1", 503)), start=1):
        definition = unpacked(version)
        argv = definition["argv"]
        assert isinstance(argv, list)
        assert supervisor("apply", "instance-viatris", **definition)["starts"] == count
        eventually(lambda port=argv[2], want=(status, version): _status_and_version(port) == want)  # type: ignore[misc]
    assert supervisor("status", "instance-viatris")["state"] == "running"


def test_status_tells_the_definition(supervisor: Ask, where: JsonObject) -> None:
    """What was applied comes back as it was, so that a client can see that nothing changed."""
    supervisor("apply", "sleeper", argv=["/bin/sleep", "1000"], **where)
    answer = supervisor("status", "sleeper")
    assert answer["definition"] == {"name": "sleeper", "argv": ["/bin/sleep", "1000"], **where}


def test_restart_gives_another_process(supervisor: Ask, where: JsonObject) -> None:
    """The old process has ended when restart answers."""
    old = supervisor("apply", "sleeper", argv=["/bin/sleep", "1000"], **where)["pid"]
    new = supervisor("restart", "sleeper")
    assert isinstance(old, int)
    assert new["state"] == "running"
    assert new["pid"] != old
    assert identity_of(old) is None


def test_stop_remove_and_what_is_not_there(supervisor: Ask, where: JsonObject) -> None:
    """A stopped service is known and rests; a removed one is absent, as is one that never was."""
    supervisor("apply", "sleeper", argv=["/bin/sleep", "1000"], **where)
    assert supervisor("stop", "sleeper")["state"] == "stopped"
    assert supervisor("stop", "sleeper")["pid"] is None
    assert supervisor("remove", "sleeper")["state"] == "absent"
    assert supervisor("status", "sleeper") == {
        "ok": True,
        "state": "absent",
        "pid": None,
        "starts": 0,
        "definition": None,
    }
    assert supervisor("remove", "sleeper")["state"] == "absent"
    assert supervisor("restart", "sleeper") == {"ok": False, "error": "there is no service sleeper"}


def test_a_service_that_dies_is_started_again(supervisor: Ask, where: JsonObject, eventually: Wait) -> None:
    """A killed process is replaced."""
    pid = supervisor("apply", "sleeper", argv=["/bin/sleep", "1000"], **where)["pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: supervisor("status", "sleeper")["starts"] == 2)
    assert supervisor("status", "sleeper")["state"] == "running"


def test_a_service_that_keeps_dying_fails_and_can_be_tried_again(
    supervisor: Ask, where: JsonObject, eventually: Wait
) -> None:
    """After five quick deaths it rests as failed; restart gives it five more."""
    supervisor("apply", "mayfly", argv=["/bin/false"], **where)
    eventually(lambda: supervisor("status", "mayfly")["state"] == "failed")
    assert supervisor("status", "mayfly")["starts"] == 5
    supervisor("restart", "mayfly")
    eventually(lambda: supervisor("status", "mayfly")["state"] == "failed")
    assert supervisor("status", "mayfly")["starts"] == 10


def test_a_deaf_service_is_killed_with_its_family(
    supervisor: Ask, fra1: SiteLayout, where: JsonObject, eventually: Wait
) -> None:
    """SIGTERM ignored: after a while SIGKILL, for its descendants too, since they could hold the port."""
    ready = fra1.log / "ready"
    script = f"trap '' TERM; sleep 1000 & echo $! >'{ready}.new'; mv '{ready}.new' '{ready}'; while :; do wait; done"
    supervisor("apply", "deaf", argv=["/bin/sh", "-c", script], **where)
    eventually(ready.exists)
    assert supervisor("stop", "deaf")["state"] == "stopped"
    eventually(lambda: identity_of(int(ready.read_text())) is None)


def test_what_a_service_started_ends_with_it(
    supervisor: Ask, fra1: SiteLayout, where: JsonObject, eventually: Wait
) -> None:
    """The service itself ends at once; a helper of it that ignores SIGTERM would keep the port, and is killed."""
    ready = fra1.log / "ready"
    script = f"""trap "" TERM; echo $$ >"{ready}.new"; mv "{ready}.new" "{ready}"; exec sleep 1000"""
    supervisor("apply", "parent", argv=["/bin/sh", "-c", f"sh -c '{script}' & exec sleep 2000"], **where)
    eventually(ready.exists)
    helper = identity_of(int(ready.read_text()))
    assert helper
    supervisor("stop", "parent")
    assert wait_until_gone((helper,), limit(120)) == ()


def test_what_cannot_be_started_is_said(supervisor: Ask, where: JsonObject) -> None:
    """A program that is not there: not ok, with the reason, and failed."""
    answer = supervisor("apply", "ghost", argv=["/no/such/program"], **where)
    assert answer["ok"] is False
    assert "/no/such/program" in str(answer["error"])
    assert supervisor("status", "ghost")["state"] == "failed"


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "fly", "name": "a"},
        {"do": "status", "name": "../a"},
        {"do": "status"},
        {"do": "apply", "name": "a", "argv": [], "cwd": "/", "log": "/tmp/a"},
        {"do": "apply", "name": "a", "argv": "/bin/true", "cwd": "/", "log": "/tmp/a"},
        {"do": "apply", "name": "a", "argv": ["/bin/true"], "cwd": ".", "log": "/tmp/a"},
        {"do": "apply", "name": "a", "argv": ["/bin/true"], "cwd": "/", "log": "/tmp/a", "environment": {"A": 1}},
    ],
)
def test_a_wrong_request_is_refused_and_the_supervisor_lives(fra1: SiteLayout, request_: JsonObject) -> None:
    """Each wrong request gets a reason."""
    answer = ask(fra1.socket, request_)
    assert answer["ok"] is False
    assert answer["error"]
    assert ask(fra1.socket, {"do": "status", "name": "a"})["ok"] is True


def test_several_requests_on_one_connection(fra1: SiteLayout) -> None:
    """Lines are answered one by one, whole or in pieces, and no JSON is refused."""
    folder = os.open(fra1.run, os.O_DIRECTORY)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"/proc/self/fd/{folder}/{fra1.socket.name}")
        os.close(folder)
        with connection.makefile("rb") as answers:
            connection.sendall(b'{"do": "status", "name": "a"}\nno json\n{"do": "sta')
            states = [json.loads(answers.readline())["ok"] for _ in range(2)]
            connection.sendall(b'tus", "name": "b"}\n')
            states.append(json.loads(answers.readline())["ok"])
    assert states == [True, False, True]


def test_only_the_owner_can_talk_to_it(fra1: SiteLayout) -> None:
    """The socket's mode is 0600."""
    assert stat.S_IMODE(fra1.socket.stat().st_mode) == 0o600


def test_shutdown_ends_it_and_then_nobody_answers(
    supervisor: Ask,
    demo: Sandbox,
    fra1: SiteLayout,
    where: JsonObject,
    processes_of: Callable[[Path], list[int]],
    eventually: Wait,
) -> None:
    """Its services end first; a caller hears afterwards that nobody is there."""
    supervisor("apply", "sleeper", argv=["/bin/sleep", "1000"], **where)
    assert supervisor("shutdown")["ok"] is True
    with pytest.raises(UnreachableError):
        supervisor("status", "sleeper")
    assert not fra1.socket.exists()
    # The answer leaves before the process does.
    eventually(lambda: [pid for pid in processes_of(demo.folder) if identity_of(pid)] == [])


def test_a_service_has_a_small_environment(
    supervisor: Ask, fra1: SiteLayout, where: JsonObject, eventually: Wait
) -> None:
    """It gets the host's home and what the definition says, and nothing of who created the sandbox."""
    supervisor("apply", "printer", argv=["/usr/bin/env"], **{**where, "environment": {"COLOUR": "red"}})
    log = fra1.log / "service.log"
    eventually(lambda: supervisor("status", "printer")["state"] == "failed")
    names = {line.partition("=")[0] for line in log.read_text().splitlines()}
    assert f"HOME={fra1.home}" in log.read_text()
    assert "COLOUR" in names
    assert names <= {"HOME", "PATH", "LC_ALL", "LD_LIBRARY_PATH", "TZ", "TMPDIR", "COLOUR", "PWD"}


def _get(port: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=limit(60)) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, "{}"


def _health(port: str) -> tuple[int, dict[str, str]]:
    status, text = _get(port, "/health")
    return status, json.loads(text)


def _status_and_version(port: str) -> tuple[int, str]:
    status, health = _health(port)
    return status, health.get("version", "")
