"""The main job: redeploy and configure, as a person does it."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.budget.marks import deep, sampled

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box

SITE = "fra1"


def test_redeploy_rolls_out_every_instance_and_then_changes_nothing(box: Box) -> None:
    """First every target is changed and answers with its manifest's version; the second run finds nothing to do."""
    first = box.deployer("redeploy", SITE, "--json")
    second = box.deployer("redeploy", SITE, "--json")

    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert list(first.outcomes.values()) == ["changed"] * 3
    assert list(second.outcomes.values()) == ["ok"] * 3
    assert box.get(box.port())["version"] == "1.4.2"


def test_the_header_says_who_does_what_where_before_anything_happens(box: Box) -> None:
    """Run, person, site, deployer host, revision, targets and versions; the table and the log come last."""
    done = box.deployer("redeploy", SITE)
    head = done.err.splitlines()
    revision = box.git(box.clone, "rev-parse", "HEAD")[:10]

    assert done.code == 0
    assert "instance-redeploy" in done.err
    assert any(f"{SITE}  " in line and revision in line and "3 targets" in line and "1.4.2" in line for line in head)
    assert any("log " in line for line in head)
    assert "3 changed" in done.out
    assert "log: " in done.out


@deep(14)
def test_the_header_says_how_old_the_inventory_is(box: Box) -> None:
    """An answer of Ansible from the cache comes with its age, a new one is from just now."""
    asked = box.deployer("redeploy", SITE, "--check")
    caches = [*(box.shell.folder / "state" / "cache").glob("inventory-*.json")]
    for kept in caches:
        answer = json.loads(kept.read_text())
        kept.write_text(json.dumps({**answer, "asked": answer["asked"] - 2 * 3600}))
    later = box.deployer("redeploy", SITE, "--check")
    for kept in caches:
        kept.unlink()
    again = box.deployer("redeploy", SITE, "--check")

    assert asked.code == later.code == again.code == 8
    assert re.search(r"inventory \S.*, read 2 h ago", later.err)
    assert "read just now" in again.err


@deep(9)
def test_a_plan_shows_what_changed_in_the_manifests_since_the_last_rollout(deployed: Box) -> None:
    """Per element, for the targets whose manifest is another one now; with --set as if it were set already."""
    before = deployed.deployer("plan", "redeploy", SITE)
    deployed.edit(deployed.erin, 'min="2" max="8"', 'min="2" max="12"')
    deployed.push("More workers")
    deployed.deployer("sync", SITE)

    plan = deployed.deployer("plan", "redeploy", SITE)
    document = deployed.deployer("plan", "configure", SITE, "viatris", "--set", "version=1.5.0", "--json").document

    assert "since it was rolled out last" not in before.out
    assert any(line.strip().startswith("~ ") for line in plan.out.splitlines() if "8 -> 12" in line)
    assert plan.out.count("since it was rolled out last") == 1
    changes = document["data"]["changes"]["viatris.fra1"]
    assert [(one["before"], one["after"]) for one in changes] == [("1.4.2", "1.5.0"), ("8", "12")]


def test_an_upgrade_goes_from_a_to_b_and_check_says_so_before(deployed: Box) -> None:
    """--check --diff exits 8, shows the versions and touches nothing; the run itself does what was said."""
    deployed.edit(deployed.erin, 'version="1.4.2" channel', 'version="1.5.0" channel')
    deployed.push()
    before = deployed.git(deployed.clone, "rev-parse", "HEAD")

    check = deployed.deployer("redeploy", SITE, "viatris", "--check", "--diff", "--json")
    result = check.document["data"]["results"][0]

    assert check.code == 8
    assert (result["outcome"], result["version_before"], result["version_after"]) == ("changed", "1.4.2", "1.5.0")
    assert "1.5.0" in result["diff"]
    assert deployed.get(deployed.port())["version"] == "1.4.2"
    assert deployed.git(deployed.clone, "rev-parse", "HEAD") == before

    done = deployed.deployer("redeploy", SITE, "--json")

    assert done.outcomes["viatris.fra1"] == "changed"
    assert deployed.get(deployed.port())["version"] == "1.5.0"


def test_configure_lands_the_change_and_renders_it_on_the_host(deployed: Box) -> None:
    """One commit of automation is on the remote, with only that value changed, and the service runs with it."""
    before = deployed.on_remote()
    tip = deployed.git(deployed.remote, "rev-parse", "main")

    done = deployed.deployer("configure", SITE, "viatris", "--set", "service/workers/@max=16", "--json")

    assert (done.code, done.outcomes) == (0, {"viatris.fra1": "changed"}), done.err
    assert deployed.on_remote() == before.replace('<workers min="2" max="8"/>', '<workers min="2" max="16"/>')
    assert deployed.git(deployed.remote, "rev-list", "--count", f"{tip}..main") == "1"
    subject = deployed.git(deployed.remote, "log", "-1", "--format=%s", "main")
    assert subject.endswith("-deployer made changes to viatris.xml via automation")
    rendered = next(deployed.folder.glob("hosts/*/srv/viatris/configuration.json")).read_text()
    assert '"16"' in json.dumps(json.loads(rendered))
    assert deployed.git(deployed.clone, "status", "--porcelain", "--branch") == "## main...origin/main"


@deep(4)
def test_configure_with_a_value_that_stands_already_makes_no_commit(deployed: Box) -> None:
    """Idempotent, as an operation should be."""
    tip = deployed.git(deployed.remote, "rev-parse", "main")

    done = deployed.deployer("configure", SITE, "viatris", "--set", "version=1.4.2", "--json")

    assert (done.code, done.outcomes) == (0, {"viatris.fra1": "ok"})
    assert deployed.git(deployed.remote, "rev-parse", "main") == tip


def test_a_person_and_the_automation_change_one_manifest_at_once(deployed: Box) -> None:
    """A commit in the clone, a push by a person, and a configure: all three land, each once, nobody is asked."""
    deployed.edit(deployed.clone, 'min="2" max="8"', 'min="2" max="12"')
    deployed.commit(deployed.clone, "More workers")
    deployed.edit(deployed.erin, 'max="12000" burst="400"', 'max="15000" burst="400"')
    deployed.push("More requests")

    done = deployed.deployer("configure", SITE, "viatris", "--set", "version=1.5.0", "--json")
    landed = deployed.on_remote()
    subjects = deployed.git(deployed.remote, "log", "--format=%s", "-3", "main").splitlines()

    assert done.code == 0, done.out + done.err
    assert all(text in landed for text in ('min="2" max="12"', 'max="15000"', 'version="1.5.0" channel'))
    assert sorted(subjects)[:2] == ["More requests", "More workers"]
    assert (deployed.clone / "viatris.xml").read_text().strip() == landed


def test_both_changed_the_same_value_so_one_instance_is_held(deployed: Box) -> None:
    """A conflict is a person's; the report has both sides and the commands, the other instances go on."""
    deployed.edit(deployed.clone, 'min="2" max="8"', 'min="2" max="12"')
    ours = deployed.commit(deployed.clone, "More workers")
    deployed.edit(deployed.erin, 'min="2" max="8"', 'min="2" max="4"')
    theirs = deployed.push("Fewer workers")

    done = deployed.deployer("redeploy", SITE)
    shown = deployed.deployer("attention")

    assert done.code == 5
    assert "viatris.fra1  held" in " ".join(done.err.split("\n")) or "held" in done.out
    assert "2 ok, 1 held" in done.out
    assert shown.code == 5
    first = shown.out.splitlines()[0]
    host = deployed.home.parent.name
    path = "~/deployer/clusterconfig-fra1"
    assert first.startswith(
        f"manual intervention needed on {host} in {path} failed to sync/pull manifest with: Command git "
    )
    assert first.endswith(f" on {host} failed")
    assert all(word in shown.out for word in ("conflict", "viatris.xml", ours[:7], theirs[:7], "Erin"))
    assert deployed.git(deployed.clone, "rev-parse", "HEAD") == ours


@deep(7)
def test_manual_work_closes_itself_when_it_was_done(deployed: Box) -> None:
    """After the person's merge the next sync lands it, and nothing is left to do."""
    deployed.edit(deployed.clone, 'min="2" max="8"', 'min="2" max="12"')
    deployed.commit(deployed.clone)
    deployed.edit(deployed.erin, 'min="2" max="8"', 'min="2" max="4"')
    deployed.push()
    assert deployed.deployer("sync", SITE).code == 5
    deployed.git(deployed.clone, "fetch", "-q")
    deployed.git(deployed.clone, "rebase", "-q", "-X", "theirs", "origin/main")

    done = deployed.deployer("sync", SITE)

    assert done.code == 0, done.out
    assert deployed.deployer("attention").code == 0
    assert 'max="12"' in deployed.on_remote()


def test_cron_says_nothing_until_a_person_is_needed_and_tells_once(deployed: Box) -> None:
    """Silent and 0 while all is well; on a conflict the report, exit 5, and one message to whoever is named."""
    told = deployed.shell.folder / "told"
    mail = {"DEPLOYER_ON_ATTENTION__COMMAND": f"sh,-c,cat >> '{told}'"}
    quiet = deployed.deployer("sync", SITE, "--cron", **mail)
    deployed.edit(deployed.clone, 'min="2" max="8"', 'min="2" max="12"')
    deployed.commit(deployed.clone)
    deployed.edit(deployed.erin, 'min="2" max="8"', 'min="2" max="4"')
    deployed.push()

    first = deployed.deployer("sync", SITE, "--cron", **mail)
    deployed.deployer("redeploy", SITE, "--cron", **mail)

    assert (quiet.code, quiet.out + quiet.err) == (0, "")
    assert first.code == 5
    assert "manual intervention needed" in first.out
    assert told.read_text().count("manual intervention needed") == 1


def test_retry_takes_up_what_is_owed(deployed: Box) -> None:
    """Only the failed target is run again; the command to do it was printed."""
    deployed.edit(deployed.erin, 'version="1.4.2" channel', 'version="9.9.9" channel')
    deployed.push()
    failed = deployed.deployer("redeploy", SITE)
    command = next(line for line in failed.out.splitlines() if line.startswith("retry: deployer "))
    deployed.edit(deployed.erin, 'version="9.9.9" channel', 'version="1.5.0" channel')
    deployed.push()

    done = deployed.deployer(*command.removeprefix("retry: deployer ").split(), "--json")

    assert (failed.code, done.code) == (3, 0)
    assert done.outcomes == {"viatris.fra1": "changed"}
    assert done.document["data"]["retry_of"] in command


def test_the_record_shows_what_was_done(deployed: Box) -> None:
    """history, show, logs, status and plan agree with what happened."""
    history = deployed.deployer("history", "--json").document["data"]
    shown = deployed.deployer("show", "last")
    logs = deployed.deployer("logs", history[0]["id"][:15], "-f")
    status = deployed.deployer("status")
    plan = deployed.deployer("plan", "redeploy", SITE)

    assert [run["operation"] for run in history] == ["instance-redeploy"]
    assert "3 changed" in shown.out
    assert "viatris.fra1" in logs.out
    assert "viatris.fra1" in status.out
    assert "1.4.2" in status.out
    assert "viatris.fra1" in plan.out
    assert {done.code for done in (shown, logs, status, plan)} == {0}


def test_the_doctor_finds_a_sandbox_in_good_health(box: Box) -> None:
    """Nothing is bad on a fresh deployer host, and a missing clone is."""
    done = box.deployer("doctor", SITE, "--json")
    (box.clone / ".git").rename(box.clone / "away")
    ill = box.deployer("doctor", SITE, "--json")

    assert done.code == 0, done.out
    assert {"python3", "git", "identity", "disk", "clone"} <= {item["check"] for item in done.document["data"]}
    assert ill.code == 5


def test_sync_of_one_clone_needs_no_inventory(box: Box) -> None:
    """Cron on a deployer host uses it."""
    box.edit(box.erin, 'min="2" max="8"', 'min="2" max="9"')
    tip = box.push()

    looked = box.shell("sync", "--clone", str(box.clone), "--check", HOME=str(box.home))
    done = box.shell("sync", "--clone", str(box.clone), HOME=str(box.home))
    relative = os.path.relpath(box.clone, box.shell.folder)
    silent = box.shell("sync", "--clone", relative, "--cron", HOME=str(box.home))

    assert (looked.code, done.code, silent.code) == (8, 0, 0), looked.err + done.err
    assert box.git(box.clone, "rev-parse", "HEAD") == tip
    assert silent.out + silent.err == ""


def test_a_yaml_site_works_as_an_xml_site_does(shared: Box) -> None:
    """The second site of a sandbox has YAML manifests."""
    done = shared.deployer("redeploy", "ams2", "viatris", "--json")
    configured = shared.deployer("configure", "ams2", "viatris", "--set", "version=1.5.0", "--json")
    upgraded = shared.deployer("redeploy", "ams2", "viatris", "--json")

    assert (done.code, configured.code, upgraded.code) == (0, 0, 0), done.err + configured.err + upgraded.err
    assert upgraded.document["data"]["results"][0]["running"] == "1.5.0"


def test_a_limit_and_list_targets_say_who_is_meant(shared: Box) -> None:
    """Two sites, an Ansible pattern, and no instance is touched."""
    done = shared.deployer("redeploy", SITE, "ams2", "-l", "viatris:!ams2", "--list-targets")

    assert (done.code, done.out) == (0, "viatris.fra1\n")


@pytest.mark.parametrize(
    "value", sampled(["{{ lookup('pipe', 'touch evaluated') }}", "{% raw %}x{% endraw %}", "!unsafe x"], 1, 5)
)
def test_a_manifest_is_never_evaluated(box: Box, value: str) -> None:
    """A template in any kind of place stays text, and a key never becomes a connection variable."""
    box.edit(box.erin, 'mode="prefer"', f'mode="{value}"')
    box.edit(box.erin, "<street>Harbour Street 12</street>", f"<street>{value}</street>")
    box.edit(box.erin, "<notes>", f"<ansible_become>true</ansible_become><ansible_host>{value}</ansible_host><notes>")
    box.edit(box.erin, "sslmode=verify-full", f"{value}")
    box.push()

    done = box.deployer("redeploy", SITE, "viatris", "--json")

    assert (done.code, done.outcomes) == (0, {"viatris.fra1": "changed"}), done.out
    assert list(box.shell.folder.rglob("evaluated")) == []
    rendered = next(box.folder.glob("hosts/*/srv/viatris/configuration.json")).read_text()
    assert value in json.dumps(json.loads(rendered), ensure_ascii=False)


def test_dropping_in_a_folder_makes_an_operation(deployed: Box) -> None:
    """A playbook and an operation.yml: a command, its options and its help, with no Python."""
    folder = deployed.shell.folder / "own" / "instance-note"
    folder.mkdir(parents=True)
    (folder / "operation.yml").write_text(
        "command: note\nsummary: Leave a note\n"
        "params:\n  text:\n    type: string\n    default: hello\n    summary: What\n"
    )
    (folder / "playbook.yml").write_text(
        "- name: Note\n  hosts: instances\n  gather_facts: false\n  tasks:\n    - name: Write\n"
        "      ansible.builtin.copy:\n        content: '{{ text }} {{ instance.name }} {{ signed | default(0) }}'\n"
        f"        dest: '{deployed.shell.folder}/note-{{{{ instance.name }}}}'\n"
    )
    own = {"DEPLOYER_PLAYBOOKS": str(folder.parent)}

    by_name = deployed.deployer("run", "instance-note", SITE, "viatris", "--json", **own)
    by_command = deployed.deployer("note", SITE, "viatris", "--text", "goodbye", "-e", "signed=erin", "--json", **own)
    helped = deployed.deployer("note", "--help", **own)

    assert (by_name.code, by_command.code) == (0, 0), by_name.out + by_name.err
    assert by_command.outcomes == {"viatris.fra1": "changed"}
    assert (deployed.shell.folder / "note-viatris").read_text() == "goodbye viatris erin"
    assert "Leave a note" in helped.out
    assert "hello" in helped.out
