"""What people leave in a clone, by the class that a sync finds."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World


def edited(manifest: str, number: int, text: str) -> str:
    """The manifest with one line changed."""
    return manifest.replace(f"line {number}\n", f"{text}\n")


def conflicting(world: World, manifest: str) -> None:
    """Both sides change the same line."""
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada")}, "ada's", push=True)
    world.commit(world.clone, {"viatris.xml": edited(manifest, 3, "ben")}, "ben's")


def rebasing(world: World, manifest: str) -> None:
    """A pull with rebase that stopped at a conflict."""
    conflicting(world, manifest)
    world.git(world.clone, "pull", "-q", "--rebase", check=False)


def merging(world: World, manifest: str) -> None:
    """A pull that stopped at a conflict."""
    conflicting(world, manifest)
    world.git(world.clone, "pull", "-q", "--no-rebase", check=False)


def picking(world: World, manifest: str) -> None:
    """A cherry-pick that stopped at a conflict."""
    world.git(world.clone, "checkout", "-q", "-b", "topic")
    world.commit(world.clone, {"viatris.xml": edited(manifest, 3, "topic")})
    world.git(world.clone, "checkout", "-q", "main")
    world.commit(world.clone, {"viatris.xml": edited(manifest, 3, "main")})
    world.git(world.clone, "cherry-pick", "topic", check=False)


def reverting(world: World, manifest: str) -> None:
    """A revert that stopped at a conflict."""
    first = world.commit(world.clone, {"viatris.xml": edited(manifest, 3, "one")})
    world.commit(world.clone, {"viatris.xml": edited(manifest, 3, "two")})
    world.git(world.clone, "revert", "--no-edit", first, check=False)


def bisecting(world: World, _manifest: str) -> None:
    """A bisection that has begun."""
    world.git(world.clone, "bisect", "start")


def popping(world: World, manifest: str) -> None:
    """A stash that did not apply: unmerged files, and no other sign."""
    (world.clone / "viatris.xml").write_text(edited(manifest, 3, "stashed"))
    world.git(world.clone, "stash")
    world.commit(world.clone, {"viatris.xml": edited(manifest, 3, "committed")})
    world.git(world.clone, "stash", "pop", check=False)
    world.commit(world.ada, {"viatris.xml": edited(manifest, 20, "ada")}, push=True)


def detaching(world: World, _manifest: str) -> None:
    """A commit checked out."""
    world.git(world.clone, "checkout", "-q", "--detach")
    world.commit(world.clone, {"loose.xml": "x\n"}, "on no branch")


def branching(world: World, _manifest: str) -> None:
    """Another branch checked out."""
    world.git(world.clone, "checkout", "-q", "-b", "try")


def pointing_elsewhere(world: World, _manifest: str) -> None:
    """Another remote."""
    world.git(world.clone, "remote", "set-url", "origin", "ssh://git@elsewhere.invalid/x.git")


def removing(world: World, _manifest: str) -> None:
    """No clone."""
    shutil.rmtree(world.clone)


def emptying(world: World, _manifest: str) -> None:
    """A folder that is no repository."""
    shutil.rmtree(world.clone / ".git")


def losing_the_index(world: World, _manifest: str) -> None:
    """No index."""
    (world.clone / ".git/index").unlink()


def breaking_the_index(world: World, _manifest: str) -> None:
    """An index cut short."""
    (world.clone / ".git/index").write_bytes(b"")


def emptying_the_ref(world: World, _manifest: str) -> None:
    """A power cut left the branch empty."""
    (world.clone / ".git/refs/heads/main").write_bytes(b"")


def locking_long_ago(world: World, _manifest: str) -> None:
    """An index.lock of yesterday that nobody holds."""
    path = world.clone / ".git/index.lock"
    path.touch()
    os.utime(path, (time.time() - 86400,) * 2)


def removing_the_remote(world: World, _manifest: str) -> None:
    """The remote is gone."""
    world.bare.rename(world.bare.with_suffix(".away"))


def removing_the_branch(world: World, _manifest: str) -> None:
    """The remote's branch is gone."""
    world.git(world.bare, "update-ref", "-d", "refs/heads/main")


def rewriting(world: World, manifest: str) -> None:
    """The remote's history is rewritten after the clone has seen it."""
    world.commit(world.ada, {"viatris.xml": edited(manifest, 3, "ada")}, push=True)
    world.engine().sync(world.host, world.repository)
    world.git(world.ada, "commit", "-q", "--amend", "-m", "other words")
    world.git(world.ada, "push", "-q", "--force", "origin", "main")


def starting_over(world: World, _manifest: str) -> None:
    """The remote has another history altogether."""
    removing_the_branch(world, "")
    world.git(world.ada, "checkout", "-q", "--orphan", "new")
    world.git(world.ada, "commit", "-q", "-m", "new start")
    world.git(world.ada, "push", "-q", "origin", "new:main")


def refusing(world: World, _manifest: str) -> None:
    """The server has a rule."""
    world.hook("pre-receive", "echo 'no pushes on Fridays' >&2; exit 1")
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")


def hooking(world: World, _manifest: str) -> None:
    """The deployer host has a rule of its own."""
    hook = world.clone / ".git/hooks/pre-push"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    world.commit(world.clone, {"b.xml": "b\n"}, "ben's")


SITUATIONS = {
    "conflict": (conflicting, "git merge-tree --write-tree "),
    "rebase-in-progress": (rebasing, "git status"),
    "merge-in-progress": (merging, "git status"),
    "cherry-pick-in-progress": (picking, "git status"),
    "revert-in-progress": (reverting, "git status"),
    "bisect-in-progress": (bisecting, "git status"),
    "unmerged": (popping, "git "),
    "detached": (detaching, "git symbolic-ref HEAD"),
    "wrong-branch": (branching, "git status"),
    "other-remote": (pointing_elsewhere, "git remote -v"),
    "missing": (removing, "git clone"),
    "not-a-repository": (emptying, "git rev-parse --show-toplevel"),
    "index-missing": (losing_the_index, "git status"),
    "index-corrupt": (breaking_the_index, "git status"),
    "empty-ref": (emptying_the_ref, "git rev-parse --verify refs/heads/main"),
    "stale-lock": (locking_long_ago, "ls -l "),
    "remote-gone": (
        removing_the_remote,
        "git fetch --quiet --no-tags origin refs/heads/main:refs/deployer/remote/main",
    ),
    "branch-gone": (removing_the_branch, "git fetch "),
    "force-pushed": (rewriting, "git fetch "),
    "unrelated-history": (starting_over, "git fetch "),
    "server-refused": (refusing, "git push -q "),
    "push-hook": (hooking, "git push -q "),
}
