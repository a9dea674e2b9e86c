"""The life of manual work: found, told once, listed, solved from its text, closed by the next sync."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.budget.marks import deep

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box, Done

SITE = "fra1"
CONFLICT = "manual intervention needed"


def _conflict(box: Box, ours: str = "12", theirs: str = "4") -> None:
    """A commit in the clone and one on the remote that set the same value."""
    line = next(line for line in box.on_remote().splitlines() if "<workers" in line).strip()
    box.edit(box.clone, line, f'<workers min="2" max="{ours}"/>')
    box.commit(box.clone, "In the clone")
    box.git(box.erin, "pull", "-q", "--rebase", "origin", "main")
    box.edit(box.erin, line, f'<workers min="2" max="{theirs}"/>')
    box.push("On the remote")


def _paste(box: Box, text: str, editor: str = "sed -i -e '/^<<<<<<< /,/^=======$/d' -e '/^>>>>>>> /d'") -> str:
    """What stands under "to mend it", in a shell of the deployer host, by somebody who takes the remote's side."""
    commands = text.partition("to mend it, on ")[2].partition("\n")[2].partition("\n\n")[0]
    script = box.shell.folder / "editor"
    script.write_text(f'#!/bin/sh\n{editor} "$@"\n')
    script.chmod(0o755)
    environment = box.shell.environment | {"HOME": str(box.home), "EDITOR": str(script), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["sh", "-c", commands], env=environment, capture_output=True, text=True, check=False)
    return f"{commands}\n{done.stdout}{done.stderr}"


def _teller(box: Box, code: str = "0") -> tuple[Path, dict[str, str]]:
    """A file that gets every report, and the settings for it; `code` is how the command ends."""
    told = box.shell.folder / "told"
    told.touch()
    return told, {"DEPLOYER_ON_ATTENTION__COMMAND": f"sh,-c,cat >> {shlex.quote(str(told))}; exit {code}"}


def test_from_the_report_to_the_end_and_over_again(box: Box) -> None:
    """Told once, listed, mended by the pasted lines, closed by the next sync; when it comes back it is told again."""
    told, mail = _teller(box)
    _conflict(box)
    first, second = (box.deployer("sync", SITE, "--cron", **mail) for _ in range(2))
    listed = box.deployer("attention")
    said = _paste(box, listed.out)
    solved = box.deployer("sync", SITE, "--cron", **mail)
    closed = box.deployer("attention")
    count = told.read_text().count(CONFLICT)
    _conflict(box, "13", "5")
    again = [box.deployer("sync", SITE, "--cron", **mail) for _ in range(2)]

    assert (first.code, second.code, listed.code) == (5, 5, 5)
    assert (solved.code, solved.out + solved.err) == (0, ""), said
    assert (closed.code, closed.out) == (0, "nothing waits for a person\n")
    assert count == 1
    assert [done.code for done in again] == [5, 5]
    assert told.read_text().count(CONFLICT) == 2
    history = box.git(box.remote, "log", "--format=%s", "main")
    assert all(subject in history for subject in ("In the clone", "On the remote"))


def test_a_notifier_that_fails_loses_nothing(box: Box) -> None:
    """Its failure is a warning; the next sync tells, and then nobody does again."""
    told, broken = _teller(box, code="1")
    _, whole = _teller(box)
    _conflict(box)

    failed = box.deployer("sync", SITE, **broken)
    told.write_text("")
    done = [box.deployer("sync", SITE, **whole) for _ in range(2)]

    assert (failed.code, [one.code for one in done]) == (5, [5, 5])
    assert "on_attention.command" in failed.err
    assert told.read_text().count(CONFLICT) == 1
    assert box.deployer("attention").code == 5


def test_a_full_disk_of_the_notifier_loses_nothing(box: Box) -> None:
    """A command that cannot write ends with an error, so it is run again."""
    told, whole = _teller(box)
    _conflict(box)

    failed = box.deployer("sync", SITE, DEPLOYER_ON_ATTENTION__COMMAND="sh,-c,cat > /dev/full")
    box.deployer("sync", SITE, **whole)

    assert "on_attention.command" in failed.err
    assert told.read_text().count(CONFLICT) == 1


@deep(6)
def test_a_site_that_does_not_answer_closes_nothing(box: Box) -> None:
    """Neither its own work nor that of another site."""
    _conflict(box)
    box.deployer("sync", SITE)
    source = next((box.folder / "inventory").iterdir())
    away = box.shell.folder / "away"
    hosts = yaml.safe_load((source / "hosts.yml").read_text())
    (variables,) = hosts["all"]["children"]["sites"]["children"][SITE]["hosts"].values()
    variables |= {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    away.mkdir()
    (away / "hosts.yml").write_text(yaml.safe_dump(hosts, sort_keys=False))
    (away / "group_vars").symlink_to(source / "group_vars")

    unreachable = box.shell("sync", SITE, "-i", str(away))
    checked = box.shell("sync", SITE, "--check", "-i", str(away))

    assert (unreachable.code, checked.code) == (4, 4), unreachable.out + unreachable.err
    assert box.deployer("attention").code == 5


@deep(6)
def test_two_controllers_with_one_record_tell_once(box: Box) -> None:
    """Cron on both at the same time: one report to people, one piece of work."""
    told, mail = _teller(box)
    _conflict(box)
    environment = {"DEPLOYER_SANDBOX": box.name, **mail}

    started = [box.shell.start("sync", SITE, "--cron", **environment) for _ in range(3)]
    for process in started:
        process.communicate()
    codes = [process.returncode for process in started]

    assert codes == [5, 5, 5]
    assert told.read_text().count(CONFLICT) == 1
    assert len(box.deployer("attention", "--json").document["data"]) == 1


@deep(3)
def test_what_is_open_is_what_the_clone_needs_now(box: Box) -> None:
    """In the middle of solving a conflict it is the merge that waits, no longer the conflict."""
    _conflict(box)
    box.deployer("sync", SITE)
    box.git(box.clone, "pull", "-q", "--no-rebase", check=False)

    box.deployer("sync", SITE)
    (work,) = box.deployer("attention", "--json").document["data"]

    assert work["kind"] == "merge-in-progress"


@pytest.mark.parametrize("command", [("sync", SITE), ("redeploy", SITE)])
def test_the_report_names_the_run_that_found_it(box: Box, command: tuple[str, ...]) -> None:
    """Work found by a run says which; a plain sync has none."""
    _conflict(box)
    done = box.deployer(*command, "--json")

    (work,) = box.deployer("attention", "--json").document["data"]

    assert done.code == 5
    assert work["run"] == (done.document["data"]["id"] if command[0] == "redeploy" else "")


@deep(13)
def test_a_conflict_holds_its_instance_and_configure_goes_on_with_the_others(deployed: Box) -> None:
    """The other instance's change lands and is rendered; the one in conflict is held; the person's commit stays."""
    _conflict(deployed)
    ours = deployed.git(deployed.clone, "rev-parse", "HEAD")
    names = [path.stem for path in deployed.clone.glob("*.xml")]
    other = next(name for name in sorted(names) if name != "viatris")

    done = deployed.deployer("configure", SITE, "viatris", other, "--set", "service/workers/@min=3", "--json")
    alone = deployed.deployer("configure", SITE, other, "--set", "service/workers/@min=4", "--json")

    assert (done.code, alone.code) == (5, 5), done.out
    assert done.outcomes == {f"viatris.{SITE}": "held", f"{other}.{SITE}": "changed"}, _told(done)
    assert alone.outcomes == {f"{other}.{SITE}": "changed"}, _told(alone)
    assert '<workers min="4"' in deployed.on_remote(f"{other}.xml")
    assert deployed.git(deployed.clone, "rev-parse", "HEAD") == ours


def _told(done: Done) -> str:
    return done.out + done.err
