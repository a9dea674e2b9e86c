"""The module instance_release on its own: real archives, real processes, a real health endpoint."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.budget.pace import limit

if TYPE_CHECKING:
    from tests.integration.playbooks.conftest import Instance, ModuleResult, Supervisor


def changed_steps(result: ModuleResult) -> list[str]:
    """The names of the steps that changed something."""
    return [step["name"] for step in result["steps"] if step["changed"]]


def text_of(result: ModuleResult, name: str) -> str:
    """What a step tells."""
    return next(str(step["text"]) for step in result["steps"] if step["name"] == name)


def test_first_deploy(instance: Instance) -> None:
    """A host that knows nothing of the instance gets release, configuration, link, service and receipt."""
    result = instance.module()
    assert (result["changed"], result["version_before"], result["version_after"]) == (True, "", "1.0.0")
    assert (result["running"], result["switched"], result["rolled_back"]) == ("1.0.0", True, False)
    assert changed_steps(result) == ["release", "configuration", "current", "service"]
    assert instance.current == "releases/1.0.0"
    assert instance.health()["version"] == "1.0.0"
    assert json.loads((instance.folder / "configuration.json").read_text()) == {"greeting": "hello"}
    assert (instance.receipt["run"], instance.receipt["version"], instance.receipt["switches"]) == ("run-1", "1.0.0", 1)
    assert not (instance.folder / "switch.json").exists()


def test_second_run_changes_nothing(instance: Instance) -> None:
    """The same again starts nothing, switches nothing, and only notes the run in the receipt."""
    instance.module()
    before = instance.files()
    result = instance.module()
    assert (result["changed"], result["switched"], result["running"]) == (False, False, "1.0.0")
    assert instance.starts == 1
    assert (instance.receipt["run"], instance.receipt["switches"]) == ("run-2", 1)
    after = instance.files()
    assert {name for name in after if before.get(name) != after[name]} == {
        "instances/viatris/receipt.json",
        "instances/viatris/.lock",
    }


def test_upgrade(instance: Instance) -> None:
    """A new version is switched to, with one start, and the release before stays."""
    instance.module()
    result = instance.module(version="1.1.0")
    assert (result["version_before"], result["version_after"], result["running"]) == ("1.0.0", "1.1.0", "1.1.0")
    assert instance.current == "releases/1.1.0"
    assert instance.health()["version"] == "1.1.0"
    assert (instance.starts, instance.receipt["switches"], instance.receipt["previous"]) == (2, 2, "1.0.0")
    assert (instance.folder / "releases" / "1.0.0").is_dir()


def test_configure_only(instance: Instance) -> None:
    """Without a version the release stays, and the service is started with the new configuration."""
    instance.module()
    result = instance.module(version="", configuration='{"greeting": "good day"}\n', store="")
    assert changed_steps(result) == ["configuration", "service"]
    assert (result["version_before"], result["version_after"], result["running"]) == ("1.0.0", "1.0.0", "1.0.0")
    assert (instance.folder / "configuration.json").read_text() == '{"greeting": "good day"}\n'
    assert instance.receipt["switches"] == 2


def test_configuration_is_for_the_service_only(instance: Instance) -> None:
    """The configuration may hold secrets: others on the host cannot read it."""
    instance.module()
    assert (instance.folder / "configuration.json").stat().st_mode & 0o777 == 0o600


def test_configure_of_an_instance_without_release(instance: Instance) -> None:
    """Without a release there is nothing to keep, and the message says what to do."""
    result = instance.module(version="")
    assert result["msg"] == "viatris has no release on this host: redeploy it first"
    assert (result["changed"], result["running"], instance.starts) == (False, "down", 0)


def test_restart_keeps_all_and_counts_no_switch(instance: Instance) -> None:
    """A restart that is asked for starts the service once more with what is installed."""
    instance.module()
    result = instance.module(version="", configuration="", restart=True)
    assert changed_steps(result) == ["service"]
    assert (result["running"], result["switched"]) == ("1.0.0", False)
    assert (instance.starts, instance.receipt["switches"]) == (2, 1)


def test_check_touches_nothing_on_a_new_host(instance: Instance) -> None:
    """`--check --diff` before the first deploy tells all that would come, and makes no file."""
    result = instance.module(check=True, diff=True)
    assert (result["changed"], result["version_before"], result["version_after"]) == (True, "", "1.0.0")
    assert result["diff"] == [
        {"before_header": "version", "after_header": "version", "before": "", "after": "1.0.0\n"},
        {
            "before_header": "configuration.json",
            "after_header": "configuration.json",
            "before": "",
            "after": '{"greeting": "hello"}\n',
        },
    ]
    assert not (instance.tmp / "instances").exists()
    assert instance.starts == 0


def test_check_tells_the_truth_later(instance: Instance) -> None:
    """`--check --diff` tells an upgrade and no change apart, and the host stays as it is to the byte."""
    instance.module()
    before = instance.files()
    same = instance.module(check=True, diff=True)
    other = instance.module(check=True, diff=True, version="1.1.0")
    assert (same["changed"], same["diff"], same["running"]) == (False, [], "1.0.0")
    assert (other["changed"], other["switched"], other["running"]) == (True, False, "1.0.0")
    assert [(part["before"], part["after"]) for part in other["diff"]] == [("1.0.0\n", "1.1.0\n")]
    assert instance.files() == before
    assert instance.starts == 1


def test_check_finds_a_missing_version(instance: Instance) -> None:
    """What would fail for want of a release fails in `--check` too."""
    result = instance.module(check=True, version="9.9")
    assert result["msg"] == f"version 9.9 of shopfront is not in the release store {instance.store.address}"


def test_version_that_is_not_in_the_store(instance: Instance) -> None:
    """The running service is not touched when the wanted version is nowhere."""
    instance.module()
    result = instance.module(version="9.9")
    assert result["msg"] == f"version 9.9 of shopfront is not in the release store {instance.store.address}"
    assert (result["changed"], result["running"], result["version_after"]) == (False, "1.0.0", "9.9")
    assert (instance.starts, instance.current) == (1, "releases/1.0.0")


def test_wrong_checksum(instance: Instance) -> None:
    """An archive that is not what the list says is not unpacked, and both checksums are told."""
    sums = instance.store.archive("1.0.0").with_name("SHA256SUMS")
    told = sums.read_text().split()[0]
    sums.write_text(f"{'0' * 64} *shopfront-1.0.0.tar.gz\n")
    result = instance.module()
    assert result["msg"] == f"checksum of shopfront-1.0.0.tar.gz is {told}, SHA256SUMS says {'0' * 64}"
    assert not (instance.folder / "releases" / "1.0.0").exists()
    assert (result["running"], instance.starts) == ("down", 0)


def test_unhealthy_release_is_rolled_back(instance: Instance) -> None:
    """The release and the configuration before run again; cause, what runs now, and the service's words are told."""
    instance.module()
    result = instance.module(version="2.0.0", configuration='{"greeting": "new"}\n')
    first, *log = result["msg"].splitlines()
    assert re.match(
        r"version 2\.0\.0 did not become healthy: after \d+ s its service manager does not try to start it any more: "
        r"no answer on port ",
        first,
    )
    assert first.endswith("; switched back to 1.0.0, which answers")
    assert log[-1] == "cannot find my database"
    assert result["log"] == ["starting 2.0.0", "cannot find my database"]
    assert (result["rolled_back"], result["switched"], result["running"]) == (True, False, "1.0.0")
    assert (instance.current, instance.health()["version"]) == ("releases/1.0.0", "1.0.0")
    assert (instance.folder / "configuration.json").read_text() == '{"greeting": "hello"}\n'
    assert (instance.receipt["version"], instance.receipt["switches"]) == ("1.0.0", 1)
    assert not (instance.folder / "releases" / "2.0.0").exists()


def test_a_release_that_is_slow_to_answer_has_all_of_its_time(instance: Instance) -> None:
    """While its service manager tries, the time that it was given decides."""
    instance.store.release("3.0.0", says="not yet")
    instance.module()
    result = instance.module(version="3.0.0", health_timeout=1)
    assert result["msg"].startswith("version 3.0.0 did not become healthy within 1 s: ")


def test_unhealthy_first_release_leaves_nothing_running(instance: Instance) -> None:
    """Where there is nothing to go back to, the service is stopped and forgotten, and nothing points to the release."""
    result = instance.module(version="2.0.0")
    assert result["msg"].splitlines()[0].endswith("; there was no release before, so it is stopped")
    assert (result["rolled_back"], result["running"]) == (True, "down")
    assert instance.supervisor.definitions == {}
    assert sorted(path.name for path in instance.folder.iterdir()) == [".lock", "log", "receipt.json", "releases"]
    assert instance.module()["running"] == "1.0.0"


def test_another_program_on_the_port(instance: Instance) -> None:
    """A service that answers with another version is not taken for the wanted one."""
    instance.store.release("1.2.0", says="1.2.0-rc1")
    instance.module()
    result = instance.module(version="1.2.0", health_timeout=limit(1))
    assert "it answers with version 1.2.0-rc1 instead of 1.2.0; switched back" in result["msg"]
    assert result["running"] == "1.0.0"


def test_service_that_died_is_started_again(instance: Instance) -> None:
    """A service that does not answer is started, though release and configuration are right: no switch is counted."""
    instance.module()
    instance.supervisor.stop("instance-viatris")
    result = instance.module()
    assert (changed_steps(result), result["running"]) == (["service"], "1.0.0")
    assert (instance.starts, instance.receipt["switches"]) == (2, 1)


def test_older_run_is_refused(instance: Instance) -> None:
    """A run with an older number comes too late and changes nothing."""
    instance.module(fence=7, run="run-new")
    before = instance.files()
    result = instance.module(fence=6, run="run-old", version="1.1.0")
    assert result["msg"] == (
        "run run-new (number 7) was here already, and this run has the older number 6: nothing was done"
    )
    assert (result["running"], result["changed"]) == ("1.0.0", False)
    assert {name for name, text in instance.files().items() if before[name] != text} == {"instances/viatris/.lock"}


def test_last_three_releases_stay(instance: Instance) -> None:
    """Of many releases the last three to run stay, also after going back to an old one."""
    for version in ("1.2.0", "1.3.0", "1.4.0"):
        instance.store.release(version)
    for version in ("1.0.0", "1.1.0", "1.2.0", "1.0.0", "1.3.0", "1.4.0"):
        assert instance.module(version=version)["running"] == version
    assert sorted(path.name for path in (instance.folder / "releases").iterdir()) == ["1.0.0", "1.3.0", "1.4.0"]


def test_current_and_previous_always_stay(instance: Instance) -> None:
    """Even `keep_releases: 1` leaves what a rollback needs."""
    instance.module()
    result = instance.module(version="1.1.0", keep=1)
    assert result["running"] == "1.1.0"
    assert sorted(path.name for path in (instance.folder / "releases").iterdir()) == ["1.0.0", "1.1.0"]


def test_leftovers_of_a_crash_before_the_switch(instance: Instance) -> None:
    """Half an archive and half a release of a killed run are removed, and the work is done."""
    releases = instance.folder / "releases"
    (releases / ".tmp-unpacked-1.0.0" / "bin").mkdir(parents=True)
    (releases / ".tmp-archive").write_bytes(b"half")
    (instance.folder / ".tmp-current").symlink_to("releases/1.0.0")
    result = instance.module()
    assert result["running"] == "1.0.0"
    assert text_of(result, "receipt").startswith("removed what a run that was cut off left: ")
    assert [path.name for path in releases.iterdir()] == ["1.0.0"]
    assert not (instance.folder / ".tmp-current").is_symlink()


def test_killed_while_it_waits_for_health(instance: Instance) -> None:
    """After SIGKILL in the middle of a switch the next run still knows what was good, and goes back to it."""
    instance.module()
    instance.store.release("3.0.0", says="never")
    process = instance.start(version="3.0.0", configuration='{"greeting": "new"}\n', health_timeout=limit(300))
    deadline = time.monotonic() + limit(120)
    while '"started": true' not in _text(instance.folder / "switch.json"):
        assert time.monotonic() < deadline
        assert process.poll() is None
    process.kill()
    process.communicate()
    assert instance.current == "releases/3.0.0"
    result = instance.module(version="2.0.0")
    assert (result["version_before"], result["running"], result["rolled_back"]) == ("1.0.0", "1.0.0", True)
    assert instance.current == "releases/1.0.0"
    assert (instance.folder / "configuration.json").read_text() == '{"greeting": "hello"}\n'


def test_killed_before_the_service_is_started(instance: Instance) -> None:
    """SIGKILL between the new link and the new start: a later rollback goes to the release before both."""
    instance.module()
    lock = instance.folder / ".lock"
    instance.supervisor.before_apply = lambda: os.kill(int(lock.read_text().split()[-1]), signal.SIGKILL)
    process = instance.start(version="1.1.0", configuration='{"greeting": "new"}\n')
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert instance.current == "releases/1.1.0"
    instance.supervisor.before_apply = bool
    result = instance.module(version="2.0.0")
    assert (result["version_before"], result["running"], result["rolled_back"]) == ("1.0.0", "1.0.0", True)
    assert (instance.folder / "configuration.json").read_text() == '{"greeting": "hello"}\n'
    assert instance.module(version="1.1.0")["running"] == "1.1.0"
    assert instance.receipt["switches"] == 2


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _interrupted(instance: Instance, *, started: bool, version: str) -> None:
    """Make the host look as after a crash in the switch from 1.0.0 to 1.1.0."""
    state = (instance.folder / "configuration.json").read_text()
    journal = {
        "before": {"version": "1.0.0", "configuration": state},
        "wanted": {"version": version, "configuration": state},
        "started": started,
    }
    (instance.folder / "switch.json").write_text(json.dumps(journal))


def test_crash_after_the_start_is_finished_without_another(instance: Instance) -> None:
    """A switch that lacked only its receipt is noted once, and the service is not started again."""
    instance.module()
    receipt = (instance.folder / "receipt.json").read_text()
    instance.module(version="1.1.0")
    (instance.folder / "receipt.json").write_text(receipt)
    _interrupted(instance, started=True, version="1.1.0")
    result = instance.module(version="1.1.0")
    assert (result["running"], result["switched"], result["version_before"]) == ("1.1.0", True, "1.0.0")
    assert (instance.starts, instance.receipt["switches"]) == (2, 2)
    assert not (instance.folder / "switch.json").exists()


def test_crash_after_the_receipt_is_not_counted_again(instance: Instance) -> None:
    """A switch that lacked only the removal of its journal is not counted a second time."""
    instance.module()
    instance.module(version="1.1.0")
    _interrupted(instance, started=True, version="1.1.0")
    instance.module(version="1.1.0")
    assert (instance.starts, instance.receipt["switches"]) == (2, 2)


def test_crash_before_the_start_starts_once_more(instance: Instance) -> None:
    """Where it is not known whether the service was started, it is."""
    instance.module()
    _interrupted(instance, started=False, version="1.0.0")
    result = instance.module()
    assert text_of(result, "plan") == "an earlier run was cut off"
    assert (instance.starts, instance.receipt["switches"]) == (2, 1)


def test_locked_instance(instance: Instance) -> None:
    """While another run works on the instance nothing is done, and the holder is named."""
    instance.module()
    instance.store.release("3.0.0", says="never")
    process = instance.start(version="3.0.0", health_timeout=limit(300))
    deadline = time.monotonic() + limit(120)
    while not (instance.folder / "switch.json").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
    result = instance.module(lock_timeout=0)
    assert result["msg"] == f"viatris is locked on this host by run-2, process {process.pid}"
    process.kill()
    process.communicate()


def test_supervisor_that_is_not_there(instance: Instance) -> None:
    """Without its service manager the switch fails before it changes anything of the service."""
    result = instance.module(supervisor_socket=str(instance.tmp / "nowhere" / "supervisor.sock"))
    assert result["msg"].startswith("the supervisor at ")
    assert "does not answer" in result["msg"]
    assert not (instance.folder / "current").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "../etc"}, "an instance's name cannot be '../etc'"),
        ({"name": ".."}, "an instance's name cannot be '..'"),
        ({"version": "../../x"}, "a version cannot be '../../x'"),
        ({"application": "a/b"}, "an application's name cannot be 'a/b'"),
        ({"port": "http"}, "the port cannot be 'http': it is a number from 1 to 65535"),
        ({"port": "65536"}, "the port cannot be '65536': it is a number from 1 to 65535"),
        ({"health": "/a b\r\nX: y"}, r"the health path cannot be '/a b\r\nX: y'"),
        ({"command": "../../bin/sh"}, "the command cannot be '../../bin/sh'"),
        ({"store": "ftp://x"}, "release_store cannot be 'ftp://x': it begins with file:// or https://"),
        ({"keep": 0}, "keep_releases cannot be 0: it is at least 1"),
        ({"supervisor_socket": ""}, "service_manager is supervisor, but supervisor_socket is not an absolute path"),
    ],
)
def test_arguments_that_cannot_be_used(instance: Instance, changes: ModuleResult, message: str) -> None:
    """A value that cannot be meant fails with one line and a complete result, and nothing is made."""
    result = instance.module(**changes)
    assert result["msg"] == message
    assert not (instance.folder / "releases").exists() or not list((instance.folder / "releases").iterdir())
    assert not (instance.tmp / "etc").exists()


def test_hostile_archive(instance: Instance) -> None:
    """An archive that reaches outside its folder is refused whole, though its checksum is right."""
    path = instance.store.archive("1.0.0")
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("../../../outside")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    instance.store.seal("1.0.0")
    result = instance.module()
    assert result["msg"] == "the archive is refused: '../../../outside' is outside of it"
    assert list(instance.tmp.rglob("outside")) == []
    assert not (instance.folder / "releases" / "1.0.0").exists()


def test_release_store_over_http(instance: Instance) -> None:
    """The same store is found behind a web server; a version that it lacks is told as such."""
    argv = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(
        argv, cwd=instance.store.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            port = server.stdout.readline().split(" port ")[1].split()[0]
            address = f"http://127.0.0.1:{port}"
            assert instance.module(store=f"{address}/")["running"] == "1.0.0"
            missing = instance.module(store=f"http://robot:secret@127.0.0.1:{port}", version="9.9")
            assert "secret" not in json.dumps(missing["msg"])
        finally:
            server.kill()
    gone = instance.module(store=address, version="1.1.0")
    assert gone["msg"].startswith(f"the release store {address} does not answer: ")
    assert gone["running"] == "1.0.0"


def test_changed_port_is_a_new_definition(instance: Instance, supervisor: Supervisor, tmp_path: Path) -> None:
    """A service that is defined in another way than wanted is started anew, and counts as no switch."""
    instance.module()
    supervisor.definitions["instance-viatris"]["cwd"] = os.fspath(tmp_path)
    result = instance.module()
    assert text_of(result, "plan") == "the service is defined in another way"
    assert (instance.starts, instance.receipt["switches"]) == (2, 1)
