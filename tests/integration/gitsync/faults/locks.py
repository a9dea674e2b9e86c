"""Situations: somebody has a lock in the clone, or left one."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration.gitsync.faults.scene import Scene
from tests.integration.gitsync.faults.situation import Situation

YESTERDAY = 86400.0
SHORT = 1.2
"""Seconds until the deadline, where a sync waits for it."""


def lock(scene: Scene, name: str) -> Path:
    """A lock of git."""
    path = scene.clone / ".git" / f"{name}.lock"
    path.touch()
    return path


def fresh(name: str) -> Callable[[Scene], None]:
    """A lock of this moment."""

    def make(scene: Scene) -> None:
        lock(scene, name)

    return make


def old(name: str) -> Callable[[Scene], None]:
    """A lock of yesterday that nobody holds."""

    def make(scene: Scene) -> None:
        then = time.time() - YESTERDAY
        os.utime(lock(scene, name), (then, then))

    return make


def released(name: str) -> Callable[[Scene], None]:
    """Its owner has done his work."""

    def mend(scene: Scene) -> None:
        (scene.clone / ".git" / f"{name}.lock").unlink()

    return mend


def held(scene: Scene) -> None:
    """A lock of yesterday that a process has open."""
    old("index")(scene)
    handle = (scene.clone / ".git" / "index.lock").open("rb")
    scene.undo.append(handle.close)


def for_a_moment(scene: Scene) -> None:
    """A lock that is gone when it is looked at again."""
    path = lock(scene, "index")
    scene.when_waiting.append(path.unlink)


def editing_a_message(scene: Scene) -> None:
    """A git commit that waits for its editor, since yesterday."""
    waits = scene.root / "waits"
    os.mkfifo(waits)
    editor = scene.root / "waiting-editor"
    editor.write_text(f"#!/bin/sh\ntouch '{scene.root}/edits'\nread line <'{waits}'\nexit 1\n")
    editor.chmod(0o755)
    environment = {**scene.environment, "GIT_EDITOR": f"'{editor}'"}
    started = subprocess.Popen(
        ["git", "commit", "-a"], cwd=scene.clone, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    while not (scene.root / "edits").exists():
        assert started.poll() is None
        time.sleep(0.005)
    then = time.time() - YESTERDAY
    os.utime(scene.clone / ".git" / "index.lock", (then, then))
    scene.undo.append(lambda: _ended(started, waits))


def _ended(started: subprocess.Popen[bytes], waits: Path) -> None:
    if started.poll() is None:
        waits.write_text("\n")
        started.communicate()


def message_given_up(scene: Scene) -> None:
    """The editor is closed without a message."""
    scene.undo.pop()()


def another_sync(scene: Scene) -> None:
    """Another sync has the clone."""
    own = scene.clone / ".git" / "deployer"
    own.mkdir(exist_ok=True)
    descriptor = os.open(own / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    scene.undo.append(lambda: os.close(descriptor))


def another_sync_for_a_moment(scene: Scene) -> None:
    """Another sync has it until this one has waited."""
    another_sync(scene)
    waits = scene.clone / ".git" / "deployer" / "queue"
    end = scene.undo.pop()
    scene.beside(lambda: _once_there(waits, end))


def _once_there(path: Path, then: Callable[[], None]) -> None:
    while not path.exists():
        time.sleep(0.005)
    then()


def ends(scene: Scene) -> None:
    """And is done."""
    scene.undo.pop()()


def private(scene: Scene) -> None:
    """The lock of a ref of ours, which a git of ours that was killed left."""
    scene.sync()
    scene.commit(scene.clone, {"c.xml": "more\n"}, "ben's next")
    lock(scene, "refs/deployer/remote/main")


def stale(name: str, *, is_deep: bool = True) -> Situation:
    """A lock that is left over."""
    return Situation(
        name=f"{name}.lock of yesterday that nobody holds",
        make=old(name), typed="y\n", tries=("stale-lock",), command="ls -l ", names=f"{name}.lock",
        then="report; it is never removed", is_deep=is_deep,
    )  # fmt: skip


WAITS = "waits for it; nothing changes, left for later"
SITUATIONS = (
    Situation(
        name="index.lock of somebody at work",
        make=fresh("index"), mend=released("index"), seconds=SHORT, tries=("lock",), lasts=True, then=WAITS,
    ),
    Situation(
        name="index.lock that goes away",
        make=for_a_moment, tries=("lock", ""), then="waits for it, then lands",
    ),
    Situation(
        name="index.lock of yesterday that a process holds open",
        make=held, mend=released("index"), seconds=SHORT, tries=("lock",), lasts=True, then=WAITS, is_deep=True,
    ),
    Situation(
        name="git commit waits for its editor since yesterday",
        make=editing_a_message, mend=message_given_up, seconds=SHORT, tries=("lock",), lasts=True, then=WAITS,
    ),
    Situation(
        name="the branch's lock of somebody at work",
        make=fresh("refs/heads/main"), mend=released("refs/heads/main"), seconds=SHORT, tries=("lock",), lasts=True,
        then=WAITS, is_deep=True,
    ),
    stale("index", is_deep=False),
    stale("HEAD"),
    stale("refs/heads/main"),
    stale("packed-refs"),
    stale("config"),
    stale("shallow"),
    Situation(
        name="the lock of origin/main is held",
        make=fresh("refs/remotes/origin/main"), mend=released("refs/remotes/origin/main"), tries=("",), change=True,
        then="lands and adopts; origin/main is left where it is", is_deep=True,
    ),
    Situation(
        name="a lock of a private ref that a killed git of ours left",
        make=private, tries=("",), then="removed, nobody else takes it; lands", is_deep=True,
    ),
    Situation(
        name="another sync has the clone until the deadline",
        make=another_sync, mend=ends, seconds=SHORT, tries=("locked",), lasts=True, then=WAITS,
    ),
    Situation(
        name="another sync has the clone for a while",
        make=another_sync_for_a_moment, change=True, tries=("",), then="waits for it, then lands", is_deep=True,
    ),
)  # fmt: skip
