"""Create, list, start and destroy: real repositories and real supervisors; nothing is faked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from git import Repo

from deployer.errors import DeployerError, UsageError
from deployer.model.json import JsonObject
from deployer.sandboxes import Sandbox, Sandboxes, free_ports
from deployer.sandboxes.content import releases
from deployer.sandboxes.layout import SiteLayout
from deployer.sandboxes.supervisor.client import is_answering

Wait = Callable[[Callable[[], bool]], None]
Find = Callable[[Path], list[int]]


def test_what_was_created_is_listed_and_can_be_got(sandboxes: Sandboxes) -> None:
    """The same value comes from create, list and get."""
    made = sandboxes.create("demo", sites=("fra1", "ams2"), instances=2)
    assert made.is_complete
    assert (made.sites, made.instances, made.environment) == (("fra1", "ams2"), 2, "sandbox-demo")
    assert sandboxes.list() == (made,)
    assert sandboxes.get("demo") == made


def test_destroy_leaves_no_file_and_no_process(sandboxes: Sandboxes, processes_of: Find) -> None:
    """After destroy the name is free, the folder is gone and nobody uses it."""
    made = sandboxes.create("demo", sites=("fra1", "ams2"))
    assert len(processes_of(made.folder)) == 2
    sandboxes.destroy("demo")
    assert not made.folder.exists()
    assert processes_of(made.folder) == []
    assert sandboxes.list() == ()
    assert sandboxes.create("demo", instances=1).is_complete


def test_destroy_of_a_damaged_sandbox_leaves_no_file_and_no_process(
    sandboxes: Sandboxes, demo: Sandbox, processes_of: Find
) -> None:
    """Its sites are found by their folders, though its file does not name them any more."""
    (demo.folder / "sandbox.json").write_text("")
    assert len(processes_of(demo.folder)) == 1
    sandboxes.destroy("demo")
    assert processes_of(demo.folder) == []
    assert not demo.folder.exists()


def test_destroy_ends_services_too(
    sandboxes: Sandboxes,
    demo: Sandbox,
    supervisor: Callable[..., JsonObject],
    processes_of: Find,
) -> None:
    """A service that ignores SIGTERM, and what it started, end with the sandbox."""
    script = "trap '' TERM; sleep 1000 & while :; do wait; done"
    supervisor("apply", "deaf", argv=["/bin/sh", "-c", script], cwd=str(demo.folder), log=str(demo.folder / "deaf.log"))
    sandboxes.destroy("demo")
    assert processes_of(demo.folder) == []


def test_the_repositories_of_a_site(demo: Sandbox, fra1: SiteLayout) -> None:
    """Remote, clone of automation and a person's clone have the same history of real changes."""
    with Repo(fra1.remote) as remote, Repo(fra1.clone) as clone, Repo(fra1.persons_clone) as person:
        head = remote.heads["main"].commit
        assert len(list(remote.iter_commits("main"))) == 5
        assert clone.head.commit.hexsha == person.head.commit.hexsha == head.hexsha
        assert not clone.is_dirty(untracked_files=True)
        assert next(clone.remotes["origin"].urls) == fra1.remote.as_uri()
        assert remote.config_reader().get_value("receive", "denyNonFastForwards") is True
        assert len({commit.author.name for commit in remote.iter_commits("main")}) == 3
        manifests = sorted(blob.name for blob in head.tree.blobs if blob.name.endswith(".xml"))
    assert manifests == ["acme-logistics.xml", "viatris.xml"]
    assert demo.instances == 2


def test_automation_and_the_person_have_identities(fra1: SiteLayout) -> None:
    """Each clone commits under its own name, whatever the settings of this user are."""
    automation = _git(fra1.clone, "var", "GIT_COMMITTER_IDENT", home=fra1.home)
    person = _git(fra1.persons_clone, "var", "GIT_COMMITTER_IDENT", home=fra1.folder)
    assert automation.startswith("sandbox-deployer <deployer@sandbox.example>")
    assert person.startswith("Erin Halvorsen <erin.halvorsen@example.com>")


def test_a_push_that_would_lose_commits_is_refused(fra1: SiteLayout) -> None:
    """The remote takes no forced push."""
    _git(fra1.persons_clone, "reset", "-q", "--hard", "HEAD~1", home=fra1.folder)
    with pytest.raises(subprocess.CalledProcessError):
        _git(fra1.persons_clone, "push", "-q", "--force", "origin", "main", home=fra1.folder)


def test_git_variables_of_the_caller_do_not_reach_the_repositories(
    sandboxes: Sandboxes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sandbox created in a git hook does not write into the repository of the hook."""
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE"):
        monkeypatch.setenv(name, str(tmp_path / "hook"))
    made = sandboxes.create("demo", instances=1)
    assert (SiteLayout(made.folder, "fra1").clone / "viatris.xml").is_file()
    assert not (tmp_path / "hook").exists()


def test_the_second_site_has_yaml(sandboxes: Sandboxes) -> None:
    """The first site's manifests are XML, the second's YAML, the third's XML."""
    made = sandboxes.create("demo", sites=("fra1", "ams2", "lon3"), instances=1)
    forms = [
        sorted(path.suffix for path in SiteLayout(made.folder, site).clone.glob("viatris.*")) for site in made.sites
    ]
    assert forms == [[".xml"], [".yaml"], [".xml"]]


def test_nothing_is_deployed_at_first(fra1: SiteLayout) -> None:
    """The first redeploy deploys: the folder of the instances is empty."""
    assert list(fra1.instances_home.iterdir()) == []


def test_two_sandboxes_have_no_port_in_common(sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sandboxes side by side, neither deployed yet, have ports of their own: the second is told the first's."""
    told: list[set[int]] = []
    choose = free_ports.choose

    def listen(count: int, folder: Path, taken: Collection[int]) -> tuple[int, ...]:
        told.append(set(taken))
        return choose(count, folder, taken)

    monkeypatch.setattr(free_ports, "choose", listen)
    first, second = (_ports(sandboxes.create(name, instances=20)) for name in ("one", "two"))
    assert told == [set(), first]
    assert (len(first), len(second)) == (20, 20)
    assert not first & second


def test_two_processes_create_at_the_same_time(sandboxes: Sandboxes, tmp_path: Path) -> None:
    """Both get their sandbox; of two that want the same name one is refused."""
    code = (
        "import sys, pathlib; from deployer.sandboxes import Sandboxes; from deployer.errors import UsageError\n"
        "try: Sandboxes(pathlib.Path(sys.argv[1])).create(sys.argv[2], instances=1)\n"
        "except UsageError as error: sys.exit(error.exit_code)\n"
    )
    root = str(tmp_path / "state of a test" / "sandboxes")
    started = [subprocess.Popen([sys.executable, "-c", code, root, name]) for name in ("one", "two", "two")]
    codes = [process.wait() for process in started]
    assert (codes[0], sorted(codes[1:])) == (0, [0, 2])
    assert [(sandbox.name, sandbox.is_complete) for sandbox in sandboxes.list()] == [("one", True), ("two", True)]


def test_a_path_longer_than_the_address_of_a_socket(tmp_path: Path) -> None:
    """A sandbox works in a folder whose path is longer than 108 bytes."""
    own = Sandboxes(tmp_path / ("long " * 40) / "sandboxes")
    made = own.create("demo", instances=1)
    try:
        assert is_answering(SiteLayout(made.folder, "fra1").socket)
    finally:
        own.destroy("demo")


def test_a_name_is_used_once(sandboxes: Sandboxes, demo: Sandbox) -> None:
    """Creating a sandbox that exists is an error, and it stays as it was."""
    with pytest.raises(UsageError, match="there is a sandbox demo already"):
        sandboxes.create("demo")
    assert sandboxes.get("demo") == demo


def test_an_unknown_name_is_an_error_that_names_those_there_are(sandboxes: Sandboxes, demo: Sandbox) -> None:
    """The user sees at once what the right name is."""
    with pytest.raises(UsageError, match=f"no sandbox dmeo; there is {demo.name}"):
        sandboxes.get("dmeo")
    with pytest.raises(UsageError, match="no sandbox dmeo"):
        sandboxes.destroy("dmeo")


def test_a_folder_that_is_no_sandbox_is_left_alone(sandboxes: Sandboxes, demo: Sandbox) -> None:
    """Neither create nor destroy touch a folder without a marker."""
    other = demo.folder.parent / "photos"
    other.mkdir()
    (other / "holiday.jpg").touch()
    with pytest.raises(UsageError):
        sandboxes.destroy("photos")
    with pytest.raises(UsageError):
        sandboxes.create("photos")
    assert (other / "holiday.jpg").exists()


def test_start_after_the_supervisor_was_killed(
    sandboxes: Sandboxes,
    fra1: SiteLayout,
    supervisor: Callable[..., JsonObject],
    eventually: Wait,
    processes_of: Find,
) -> None:
    """A kill -9 takes the services along; start brings supervisor and services back, but not what was stopped."""
    where = {"cwd": str(fra1.host), "log": str(fra1.log / "sleep.log")}
    supervisor("apply", "wanted", argv=["/bin/sleep", "1000"], **where)
    supervisor("apply", "resting", argv=["/bin/sleep", "2000"], **where)
    supervisor("stop", "resting")
    os.kill(_supervisor_pid(fra1), signal.SIGKILL)
    eventually(lambda: processes_of(fra1.host) == [])
    sandboxes.start("demo")
    assert supervisor("status", "wanted")["state"] == "running"
    assert supervisor("status", "wanted")["starts"] == 2
    assert supervisor("status", "resting")["state"] == "stopped"


def test_start_of_what_runs_changes_nothing(sandboxes: Sandboxes, fra1: SiteLayout) -> None:
    """The supervisor that answers stays."""
    before = _supervisor_pid(fra1)
    sandboxes.start("demo")
    assert _supervisor_pid(fra1) == before


def test_destroy_after_the_supervisor_was_killed(
    sandboxes: Sandboxes, demo: Sandbox, fra1: SiteLayout, supervisor: Callable[..., JsonObject], processes_of: Find
) -> None:
    """What a service had started survives its death; destroy finds it by the session that was recorded."""
    script = "sleep 1000 & wait"
    supervisor("apply", "parent", argv=["/bin/sh", "-c", script], cwd=str(fra1.host), log=str(fra1.log / "p.log"))
    os.kill(_supervisor_pid(fra1), signal.SIGKILL)
    sandboxes.destroy("demo")
    assert processes_of(demo.folder) == []


def test_destroy_ends_a_supervisor_that_hangs(
    sandboxes: Sandboxes, demo: Sandbox, fra1: SiteLayout, processes_of: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that does not answer is killed by its record."""
    monkeypatch.setattr("deployer.sandboxes.local._END", 0.2)
    os.kill(_supervisor_pid(fra1), signal.SIGSTOP)
    sandboxes.destroy("demo")
    assert processes_of(demo.folder) == []


def test_a_supervisor_ends_when_its_folder_is_removed(
    demo: Sandbox, supervisor: Callable[..., JsonObject], processes_of: Find, eventually: Wait
) -> None:
    """`rm -rf` instead of destroy leaves no process either."""
    where = {"cwd": "/", "log": str(demo.folder / "sleeper.log")}
    supervisor("apply", "sleeper", argv=["/bin/sleep", "1000"], **where)
    shutil.rmtree(demo.folder)
    eventually(lambda: processes_of(demo.folder) == [])
    assert not demo.folder.exists()


def test_a_create_that_was_killed_can_be_destroyed(sandboxes: Sandboxes, tmp_path: Path, processes_of: Find) -> None:
    """A kill -9 in the middle of create leaves something that is listed, refused by get, and cleaned by destroy."""
    root = tmp_path / "state of a test" / "sandboxes"
    code = (
        "import os, sys, pathlib; from deployer.sandboxes import Sandboxes, inventory_files, local\n"
        "def die(*_): os.kill(os.getpid(), 9)\n"
        "start = local.Local.start\n"
        "local.Local.start = lambda self, sandbox: (start(self, sandbox), die())\n"
        "Sandboxes(pathlib.Path(sys.argv[1])).create('demo')\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(root)], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [(sandbox.name, sandbox.is_complete) for sandbox in sandboxes.list()] == [("demo", False)]
    with pytest.raises(UsageError, match="half made"):
        sandboxes.get("demo")
    assert processes_of(root / "demo")
    sandboxes.destroy("demo")
    assert processes_of(root) == []
    assert sandboxes.list() == ()


def test_a_draft_that_a_crash_left_is_swept(sandboxes: Sandboxes, demo: Sandbox) -> None:
    """A create that was killed before its folder had its name leaves a draft, which the next create removes."""
    draft = demo.folder.parent / ".new-other"
    draft.mkdir()
    assert [sandbox.name for sandbox in sandboxes.list()] == ["demo"]
    sandboxes.create("second", instances=1)
    assert not draft.exists()


def test_a_create_that_fails_leaves_nothing(
    sandboxes: Sandboxes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a part cannot be built, create cleans up and says why."""

    def fail(store: Path) -> None:
        raise OSError(28, "No space left on device", str(store))

    monkeypatch.setattr(releases, "build", fail)
    with pytest.raises(DeployerError, match="No space left on device"):
        sandboxes.create("demo")
    assert not (tmp_path / "state of a test" / "sandboxes" / "demo").exists()


def test_folders_without_write_permission_are_removed(sandboxes: Sandboxes, fra1: SiteLayout) -> None:
    """A release that was unpacked with read-only folders does not stop destroy."""
    locked = fra1.instances_home / "viatris" / "releases"
    locked.mkdir(parents=True)
    (locked / "file").touch()
    locked.chmod(0o500)
    sandboxes.destroy("demo")
    assert not fra1.folder.exists()


def _ports(sandbox: Sandbox) -> set[int]:
    return set(json.loads((sandbox.folder / "sandbox.json").read_text(encoding="utf-8"))["ports"])


def _supervisor_pid(site: SiteLayout) -> int:
    return int(json.loads((site.run / "supervisor.json").read_text(encoding="utf-8"))["pid"])


def _git(clone: Path, *arguments: str, home: Path) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(clone), *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
