"""Bad input: a clear error, the right exit code, and nothing changed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.budget.marks import deep, sampled

if TYPE_CHECKING:
    from tests.acceptance.conftest import Box, Done, Shell

SITE = "fra1"
LINE = (
    "manual intervention needed on {host} in ~/deployer/clusterconfig-fra1 failed to sync/pull manifest with: Command "
)


def _one_line(done: Done, *words: str) -> None:
    """The first line of stderr says it all, and there is no traceback."""
    assert "Traceback" not in done.err
    first = next(line for line in done.err.splitlines() if line.startswith("deployer: "))
    for word in words:
        assert word in first


# What was asked for


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["redeploy", "nowhere"], ["no such site", "nowhere"]),
        (["redeploy", SITE, "nobody"], ["no such instance", "nobody"]),
        (["redeploy", SITE, "-l", "nobody*"], ["limit", "nobody*"]),
        (["redeploy", SITE, "--nonsense"], ["nonsense"]),
        (["nonsense"], ["no such command", "nonsense"]),
        (["run", "nonsense", SITE], ["nonsense"]),
        (["redeploy", SITE, "--", "-i", "x"], ["guards"]),
        (["configure", SITE, "viatris", "--set", "nonsense"], ["PATH=VALUE"]),
        (["configure", SITE, "viatris", "--set", "release/@nonsense=1"], ["release/@nonsense"]),
        (["configure", SITE, "viatris", "--set", "version=1.5.0", "-e", "@nowhere.yml"], ["nowhere.yml"]),
        (["configure", SITE, "viatris", "--set", "version=1.5.0", "--vault-id", "a@nowhere"], ["nowhere is no file"]),
        (["configure", SITE, "viatris", "--set", "version="], ["viatris.xml", "version"]),
        (["configure", SITE, "viatris", "--set", "placement/@host=nowhere"], ["viatris.xml", "placement nowhere"]),
        (["show", "nonsense"], ["nonsense"]),
        (["redeploy", SITE, "--sandbox", "nonsense"], ["nonsense"]),
    ],
)
def test_what_does_not_exist_is_a_usage_error(shared: Box, arguments: list[str], words: list[str]) -> None:
    """Exit 2 with one line that names it; nothing is pushed or rolled out."""
    tip = shared.git(shared.remote, "rev-parse", "main")

    done = shared.deployer(*arguments)

    assert done.code == 2, done.err
    _one_line(done, *words)
    assert shared.git(shared.remote, "rev-parse", "main") == tip
    assert shared.git(shared.clone, "status", "--porcelain") == ""


def test_an_inventory_that_is_missing_or_empty_is_a_usage_error(shell: Shell, tmp_path: Path) -> None:
    """A missing directory never becomes a host of that name."""
    empty = tmp_path / "empty"
    empty.mkdir()

    missing = shell("redeploy", SITE, "-i", str(tmp_path / "nowhere"))
    nothing = shell("redeploy", SITE, "-i", str(empty))

    assert (missing.code, nothing.code) == (2, 2)
    _one_line(missing, "nowhere")
    _one_line(nothing, "empty")


def test_a_slip_of_the_finger_is_answered_with_what_is_near(shell: Shell) -> None:
    """Nobody has to look up the list for a letter."""
    done = shell("redeploi", SITE)

    assert done.code == 2
    assert "did you mean redeploy?" in done.err


def test_without_an_inventory_it_says_how_to_name_one(shell: Shell) -> None:
    """The shipped example is named as one to start from; it is never used by itself."""
    done = shell("redeploy", SITE)

    assert done.code == 2
    _one_line(done, "no inventory")
    assert "-i DIR" in done.err
    assert "production" in done.err


def test_an_unknown_setting_is_named(shell: Shell) -> None:
    """Exit 1, with the name."""
    done = shell("status", DEPLOYER_SYNK__ATTEMPTS="3")

    assert done.code == 1
    _one_line(done, "synk")


def test_a_state_folder_that_cannot_be_written_is_named(shell: Shell, tmp_path: Path) -> None:
    """Exit 1, before anything is touched."""
    (tmp_path / "file").write_text("in the way")

    done = shell("status", DEPLOYER_STATE=str(tmp_path / "file" / "state"))

    assert done.code == 1
    _one_line(done, "file")


def test_errors_are_documents_too(shared: Box) -> None:
    """With --json the error is on stdout, with its reason and the exit code."""
    done = shared.deployer("redeploy", "nowhere", "--json")

    assert done.code == done.document["exit_code"] == 2
    assert done.document["error"]["reason"] == "usage"
    assert done.document["data"] is None


# Manifests


@pytest.mark.parametrize(
    ("before", "after", "said"),
    sampled(
        [
            ("</instance>", "", "viatris.xml:"),
            ('version="1.4.2" channel', "channel", "version"),
            ('placement host="', 'placement host="not-', "placement"),
        ],
        1,
        8,
    ),
)
def test_a_manifest_that_cannot_be_used_holds_its_instance_alone(
    deployed: Box, before: str, after: str, said: str
) -> None:
    """The instance is held with file and reason, the others are rolled out, exit 5."""
    deployed.edit(deployed.erin, before, after)
    deployed.push()

    done = deployed.deployer("redeploy", SITE, "--json")

    assert done.code == 5
    outcomes = done.outcomes
    assert outcomes.pop("viatris.fra1") == "held"
    assert set(outcomes.values()) == {"ok"}
    assert said in done.errors["viatris.fra1"]


def test_an_empty_manifest_is_held(box: Box) -> None:
    """An empty file is somebody's accident, not an instance to remove."""
    (box.erin / "viatris.xml").write_text("")
    box.push()

    done = box.deployer("redeploy", SITE, "viatris", "--json")

    assert (done.code, done.outcomes) == (5, {"viatris.fra1": "held"})
    assert "empty" in done.errors["viatris.fra1"]


def test_two_manifests_of_one_instance_are_held(box: Box) -> None:
    """Nobody but a person can say which of the two is meant."""
    shutil.copy(box.erin / "viatris.xml", box.erin / "viatris-copy.xml")
    box.push()

    done = box.deployer("redeploy", SITE, "viatris", "--json")

    assert done.code == 5
    assert set(done.outcomes.values()) == {"held"}
    assert "viatris-copy.xml" in done.errors["viatris.fra1"]


# Releases


@deep(5)
def test_a_version_that_is_not_in_the_store_fails_its_target(deployed: Box) -> None:
    """The old version goes on answering."""
    deployed.edit(deployed.erin, 'version="1.4.2" channel', 'version="9.9.9" channel')
    deployed.push()

    done = deployed.deployer("redeploy", SITE, "--json")

    assert done.code == 3
    assert done.outcomes["viatris.fra1"] == "failed"
    assert "9.9.9" in done.errors["viatris.fra1"]
    assert deployed.get(deployed.port())["version"] == "1.4.2"


@deep(6)
def test_a_wrong_checksum_fails_and_nothing_is_unpacked(deployed: Box) -> None:
    """The archive is not what the store says it is."""
    sums = next((deployed.folder / "releases").glob("*/1.5.0/SHA256SUMS"))
    sums.write_text(f"{'0' * 64}  {sums.read_text().split()[1]}\n")
    deployed.edit(deployed.erin, 'version="1.4.2" channel', 'version="1.5.0" channel')
    deployed.push()

    done = deployed.deployer("redeploy", SITE, "viatris", "--json")

    assert (done.code, done.outcomes) == (3, {"viatris.fra1": "failed"})
    assert "checksum" in done.errors["viatris.fra1"]
    assert list(deployed.folder.glob("hosts/*/srv/viatris/releases/1.5.0")) == []
    assert deployed.get(deployed.port())["version"] == "1.4.2"


def test_a_service_that_never_becomes_healthy_is_rolled_back(deployed: Box) -> None:
    """The target failed, and the old version answers again."""
    deployed.edit(deployed.erin, 'version="1.4.2" channel', 'version="1.5.1" channel')
    deployed.push()

    done = deployed.deployer("redeploy", SITE, "viatris", "--health-timeout", "3", "--json")
    result = done.document["data"]["results"][0]

    assert (done.code, result["outcome"]) == (3, "failed")
    assert result["running"] == "1.4.2"
    assert deployed.get(deployed.port())["version"] == "1.4.2"


# Clones and remotes


def _expect_manual(done: Done, kind: str) -> None:
    """Exit 5, the line that people know, the class, and commands to paste."""
    assert done.code == 5, done.out + done.err
    assert LINE.split("{", maxsplit=1)[0] in done.out
    assert "failed to sync/pull manifest with: Command git" in done.out
    assert kind in done.out


def test_a_missing_clone_is_reported_and_made_by_clone_missing(box: Box) -> None:
    """`sync --clone-missing` is what the report says to do; a plan says the same, and rolls out from nowhere."""
    shutil.rmtree(box.clone)

    planned = box.deployer("plan", "redeploy", SITE)
    _expect_manual(planned, "missing")
    assert "would roll out" not in planned.out
    _expect_manual(box.deployer("sync", SITE), "missing")
    made = box.deployer("sync", SITE, "--clone-missing")

    assert made.code == 0, made.err
    assert (box.clone / "viatris.xml").is_file()
    assert box.deployer("attention").code == 0


def test_a_folder_that_is_no_repository_is_reported(box: Box) -> None:
    """Git must not answer from a repository further up."""
    shutil.rmtree(box.clone / ".git")

    _expect_manual(box.deployer("sync", SITE), "not-a-repository")


def test_another_remote_is_reported(box: Box) -> None:
    """A clone of something else is never synced."""
    box.git(box.clone, "remote", "set-url", "origin", "file:///nowhere/else.git")

    _expect_manual(box.deployer("sync", SITE), "other-remote")


def test_a_detached_head_is_reported(box: Box) -> None:
    """Whoever detached it has a reason."""
    box.git(box.clone, "checkout", "-q", "--detach")

    _expect_manual(box.deployer("sync", SITE), "detached")


def test_a_remote_that_is_gone_is_reported(box: Box) -> None:
    """Nothing is rolled out from a clone that may be stale."""
    box.remote.rename(box.remote.with_name("moved.git"))

    done = box.deployer("redeploy", SITE, "--json")

    assert done.code == 5
    assert set(done.outcomes.values()) == {"held"}


def test_a_rebase_in_progress_is_left_alone(box: Box) -> None:
    """It is reported, and byte for byte as the person left it."""
    box.edit(box.clone, 'min="2" max="8"', 'min="2" max="9"')
    box.commit(box.clone)
    box.edit(box.erin, 'min="2" max="8"', 'min="2" max="7"')
    box.push()
    box.git(box.clone, "pull", "-q", "--rebase", check=False)
    before = {
        path: path.read_bytes() for path in box.clone.rglob("*") if path.is_file() and "deployer" not in path.parts[-2:]
    }
    assert (box.clone / ".git" / "rebase-merge").is_dir()

    _expect_manual(box.deployer("sync", SITE), "rebase")

    kept = {path: content for path, content in before.items() if "/.git/deployer" not in str(path)}
    assert all(path.read_bytes() == content for path, content in kept.items())


def test_a_dirty_file_that_nobody_else_changed_is_no_obstacle(box: Box) -> None:
    """The remote's changes arrive, the person's edit stays."""
    box.edit(box.clone, 'min="2" max="8"', 'min="2" max="9"')
    box.edit(box.erin, 'version="1.4.2" channel', 'version="1.5.0" channel', path=_other(box))
    box.push()

    done = box.deployer("sync", SITE)

    assert done.code == 0, done.out
    assert 'max="9"' in (box.clone / "viatris.xml").read_text()
    assert 'version="1.5.0"' in (box.clone / _other(box)).read_text()
    assert box.git(box.clone, "status", "--porcelain").split() == ["M", "viatris.xml"]


def _other(box: Box) -> str:
    return next(path.name for path in sorted(box.erin.glob("*.xml")) if path.name != "viatris.xml")


def test_an_unreachable_deployer_host_is_no_failure_of_its_instances(shell: Shell, tmp_path: Path) -> None:
    """Exit 4: nobody needs to mend anything of ours."""
    inventory = tmp_path / "far"
    inventory.mkdir()
    (inventory / "hosts.yml").write_text(
        "sites: {children: {fra1: {hosts: {fra1-far-dep01: {ansible_host: 127.0.0.1, ansible_port: 1}}}}}\n"
        "deployer_hosts: {hosts: {fra1-far-dep01: {}}}\n"
    )

    done = shell("redeploy", SITE, "-i", str(inventory))

    assert done.code == 4
    _one_line(done, "fra1-far-dep01")


@deep(3)
def test_a_playbook_with_a_syntax_error_is_named(deployed: Box, tmp_path: Path) -> None:
    """The targets are not started, and Ansible's own line says where."""
    folder = tmp_path / "own" / "instance-broken"
    folder.mkdir(parents=True)
    (folder / "operation.yml").write_text("command: broken\nsummary: Broken\n")
    (folder / "playbook.yml").write_text("- hosts: instances\n  tasks:\n  - name: x\n   debug:\n")

    done = deployed.deployer("broken", SITE, "--json", DEPLOYER_PLAYBOOKS=str(folder.parent))

    assert done.code in {1, 3, 4}
    assert "playbook.yml" in done.out + done.err
