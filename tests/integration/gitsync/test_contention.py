"""Others push at the same time, answers get lost, processes die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from deployer.model.sync import SyncStatus

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World

KILL_POINTS = range(3, 116, 10)
"""Of about 120; all of them pass, a sample is enough for every day."""
PUSHED = -1

ALLOWED = {
    "cat-file", "checkout-index", "config", "diff-tree", "fetch", "for-each-ref", "hash-object", "log", "ls-files",
    "ls-remote", "ls-tree", "merge-base", "merge-tree", "push", "read-tree", "rev-list", "rev-parse", "status",
    "symbolic-ref", "update-index", "update-ref", "var", "version", "write-tree",
}  # fmt: skip
"""Index commands run on an index of ours only: GIT_INDEX_FILE is set for them (remote/adopt.py)."""


def once(script: str) -> str:
    """A hook's script that runs the first time only."""
    return f'[ -e "$0.ran" ] && exit 0\ntouch "$0.ran"\n{script}\n'


def edited(manifest: str, number: int, text: str) -> str:
    """The manifest with one line changed."""
    return manifest.replace(f"line {number}\n", f"{text}\n")


def test_a_lost_race_is_run_again(world: World, manifest: str) -> None:
    """Somebody lands between our fetch and our push: the second try puts ours on top of theirs."""
    world.commit(world.ada, {"other.xml": edited(manifest, 1, "ada")})
    world.hook("pre-receive", once(f"git -C '{world.ada}' push -q '{world.bare}' HEAD:main"))

    result = world.engine().sync(world.host, world.repository, world.change(edited(manifest, 9, "automation")))

    assert result.status is SyncStatus.LANDED, result.manual
    assert result.attempts == 2
    assert len(world.clock.waits) == 1
    assert world.subjects() == ["prod-deployer made changes to viatris.xml via automation", "edit", "first"]


def test_a_race_that_is_always_lost_is_left_for_later(world: World, manifest: str) -> None:
    """When the budget is spent nothing has changed and nobody is called."""
    # On a busy machine tries take long, and so would the waits between them: the tries shall end, not the deadline.
    world.settings = world.settings.model_copy(update={"attempts": 3, "seconds": 600.0})
    hook = f"cd '{world.ada}' && git commit -q --allow-empty -m again && git push -q '{world.bare}' HEAD:main"
    world.hook("pre-receive", f'[ -n "$NESTED" ] && exit 0\nNESTED=1; export NESTED\n{hook}')
    change = world.change(edited(manifest, 9, "automation"))
    before = world.state()

    result = world.engine().sync(world.host, world.repository, change)

    assert (result.status, result.attempts, result.manual) == (SyncStatus.RETRY_LATER, 3, None)
    assert world.state() == before


def test_an_answer_that_got_lost_lands_once(
    world: World, manifest: str, recorded: Callable[[], list[list[str]]]
) -> None:
    """The server took the push, git says that it failed: the commit is there once, and is adopted."""
    wrapper = world.root / "bin" / "git"
    script = wrapper.read_text().replace(
        "exec ", '"$REAL" "$@"; r=$?; case "$*" in *" push "*) exit 128;; esac; exit $r #'
    )
    real = wrapper.read_text().rsplit("exec ", 1)[1].split(" ")[0]
    wrapper.write_text(script.replace("#!/bin/sh\n", f"#!/bin/sh\nREAL={real}\n"))

    result = world.engine().sync(world.host, world.repository, world.change(edited(manifest, 9, "automation")))

    assert result.status is SyncStatus.LANDED, result.manual
    assert len(world.subjects()) == 2
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip() == result.change
    assert sum("push" in argv for argv in recorded()) == 1


@pytest.mark.parametrize("hook", ["pre-receive", "post-receive"])
def test_killed_while_pushing(world: World, manifest: str, hook: str) -> None:
    """The program dies before or after the server took the push; the next sync ends with each commit there once."""
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")
    world.commit(world.ada, {"other.xml": edited(manifest, 1, "ada")}, push=True)
    reached, go = world.root / "reached", world.root / "go"
    os.mkfifo(reached)
    os.mkfifo(go)
    world.hook(hook, once(f"echo >'{reached}'\nread x <'{go}'"))
    started: list[subprocess.Popen[bytes]] = []
    world.host.started = started.append
    change = world.change(edited(manifest, 9, "automation"))

    def sync() -> str:
        with pytest.raises(RuntimeError):
            world.engine().sync(world.host, world.repository, change)
        return "died"

    with ThreadPoolExecutor(1) as pool:
        dying = pool.submit(sync)
        reached.read_text()
        started[0].send_signal(signal.SIGKILL)
        assert dying.result() == "died"
    world.host.started = None
    go.write_text("\n")
    result = world.engine().sync(world.host, world.repository, change)

    assert result.manual is None
    assert result.change in world.git(world.bare, "rev-list", "main").splitlines()
    assert sorted(world.subjects()) == sorted([change.message, "ben's", "edit", "first"])
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()
    assert world.git(world.clone, "status", "--porcelain") == ""


def test_a_crash_while_adopting_is_finished_by_the_next_sync(world: World, manifest: str) -> None:
    """Files half moved, index and branch not yet, our lock still there: the next sync rolls forward."""
    old = world.tip()
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada"), "new.xml": "n\n"}, push=True)
    new = world.tip()
    world.git(world.clone, "fetch", "-q")
    (world.clone / "other.xml").write_text("a person's\n")
    steps = []
    for line in world.git(world.clone, "diff-tree", "-r", old, new).splitlines():
        head, path = line.split("\t")
        modes = head.lstrip(":").split(" ")
        before = None if modes[0] == "000000" else [modes[0], modes[2]]
        steps.append([path, before, [modes[1], modes[3]]])
    own = world.clone / ".git" / "deployer"
    (own / "tokens").mkdir(parents=True)
    plan = {"branch": "refs/heads/main", "tracking": [], "old": old, "new": new, "steps": steps}
    (own / "journal.json").write_text(json.dumps({"adopt": plan}))
    lock = world.clone / ".git" / "index.lock"
    token = own / "tokens" / "index.lock"
    token.touch()
    os.link(token, lock)
    (world.clone / "new.xml").write_text("n\n")

    result = world.engine().sync(world.host, world.repository)

    assert result.manual is None
    assert world.git(world.clone, "rev-parse", "HEAD") == new
    assert world.git(world.clone, "status", "--porcelain").strip() == "M other.xml"
    assert (world.clone / "other.xml").read_text() == "a person's\n"
    assert not lock.exists()


@pytest.mark.parametrize("point", KILL_POINTS)
def test_killed_anywhere(world: World, manifest: str, point: int) -> None:
    """Whatever the program was about to do when it died: the next sync ends as if nothing had happened."""
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")
    files = {"viatris.xml": edited(manifest, 3, "ada"), "new/acme.xml": "new\n", "doc/notes.txt": None}
    world.commit(world.ada, files, push=True)
    (world.clone / "other.xml").write_text("unstaged\n")
    (world.clone / "staged.xml").write_text("staged\n")
    world.git(world.clone, "add", "staged.xml")
    (world.clone / "untracked.xml").write_text("untracked\n")
    change = world.change(edited(manifest, 9, "automation"))

    world.host.die_at = point
    with pytest.raises(RuntimeError):
        world.engine().sync(world.host, world.repository, change)
    world.host.die_at = 0
    result = world.engine().sync(world.host, world.repository, change)

    assert result.manual is None
    assert sorted(world.subjects()) == sorted([change.message, "ben's", "edit", "first"])
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()
    status = world.git(world.clone, "status", "--porcelain").splitlines()
    assert status == [" M other.xml", "A  staged.xml", "?? untracked.xml"]
    assert (world.clone / "other.xml").read_text() == "unstaged\n"
    assert not list(world.clone.glob(".git/**/*.lock"))


def test_a_push_that_landed_and_was_edited_since(world: World, manifest: str) -> None:
    """The program died after the server took the push, and Ada changed the same line since: hers stays."""
    world.commit(world.clone, {"viatris.xml": edited(manifest, 3, "ben")}, "ben's")
    world.host.die_at = PUSHED
    with pytest.raises(RuntimeError):
        world.engine().sync(world.host, world.repository, world.change(edited(manifest, 9, "automation"), "other.xml"))
    world.host.die_at = 0
    world.git(world.ada, "pull", "-q")
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada"), "other.xml": "ada\n"}, "ada's", push=True)

    result = world.engine().sync(
        world.host, world.repository, world.change(edited(manifest, 9, "automation"), "other.xml")
    )

    assert result.manual is None
    assert world.at_tip("viatris.xml") + "\n" == edited(manifest, 3, "ada")
    assert len(world.subjects()) == 4


def test_syncs_of_one_clone_wait_for_each_other(world: World, manifest: str) -> None:
    """Four at once on one clone: each change lands, one after the other, and the clone ends in step."""
    changes = [world.change(f"{number}\n", f"new{number}.xml", f"change {number}") for number in range(4)]
    barrier = threading.Barrier(4)

    def sync(number: int) -> SyncStatus:
        barrier.wait()
        return world.engine().sync(world.host, world.repository, changes[number]).status

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(sync, range(4)))

    assert statuses == [SyncStatus.LANDED] * 4
    assert sorted(world.subjects()) == ["change 0", "change 1", "change 2", "change 3", "first"]
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()
    assert world.git(world.clone, "status", "--porcelain") == ""
    assert manifest == (world.clone / "viatris.xml").read_text()


def test_a_merge_that_is_begun_during_a_sync_is_left_alone(world: World, manifest: str) -> None:
    """What is local lands; the branch does not move beneath a merge that waits for its commit."""
    world.git(world.clone, "checkout", "-q", "-b", "side")
    world.commit(world.clone, {"other.xml": "side\n"})
    world.git(world.clone, "checkout", "-q", "main")
    mine = world.commit(world.clone, {"other.xml": "main\n"}, "ben's")
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada")}, push=True)
    world.hook("pre-receive", f"git -C '{world.clone}' merge side || true")

    result = world.engine().sync(world.host, world.repository)

    assert result.manual is not None
    assert (result.manual.kind, len(result.landed)) == ("merge-in-progress", 1)
    assert world.git(world.clone, "rev-parse", "HEAD") == mine
    assert (world.clone / "viatris.xml").read_text() == manifest


def test_nothing_dangerous_is_ever_run(world: World, manifest: str, recorded: Callable[[], list[list[str]]]) -> None:
    """No stash, rebase, merge or reset, and no force flag, in a sync with everything in it."""
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada"), "doc/notes.txt": None}, push=True)

    result = world.engine().sync(world.host, world.repository, world.change(edited(manifest, 9, "automation")))
    world.engine().inspect(world.host, world.repository)

    assert result.status is SyncStatus.LANDED, result.manual
    argvs = recorded()
    assert sum("push" in argv for argv in argvs) == 1
    for argv in argvs:
        words = iter(argv)
        command = next(word for word in words if word not in ("-C", "-c") or not next(words))
        assert command in ALLOWED, argv
        assert not any(word in ("-f", "-u") or "force" in word or word.startswith("+") for word in argv), argv
