"""Reports solved from their text alone: the lines under "to mend it", pasted into a shell as they stand."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from deployer.gitsync.manual import report
from deployer.model.sync import ManualWork, SyncStatus
from tests.support import missing

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World

KEEP_BOTH = "#!/bin/sh\nsed -i -e '/^<<<<<<< /d' -e '/^=======$/d' -e '/^>>>>>>> /d' \"$@\"\n"
"""An editor whose user keeps what both sides wrote."""


@dataclass(frozen=True)
class Story:
    """A clone that needs a person, and what must be there when the report's commands were pasted."""

    kind: str
    make: Callable[[World, str], None]
    typed: str = ""
    """What the person answers to questions."""
    on_remote: tuple[tuple[str, str], ...] = ()
    """(path, a line that it must have)."""
    in_clone: tuple[tuple[str, str], ...] = ()


def conflict(world: World, manifest: str) -> None:
    """Both sides change one line, and each another file."""
    world.commit(world.ada, {"viatris.xml": manifest.replace("line 3\n", "of ada\n"), "a.xml": "ada\n"}, push=True)
    world.commit(world.clone, {"viatris.xml": manifest.replace("line 3\n", "of ben\n"), "b.xml": "ben\n"})


def dirty(world: World, manifest: str) -> None:
    """An unstaged and a staged edit where the remote changes other lines, beside a commit that lands."""
    texts = {path: manifest.replace("line 3\n", "of ada\n") for path in ("viatris.xml", "other.xml")}
    world.commit(world.ada, dict(texts), push=True)
    world.commit(world.clone, {"b.xml": "ben\n"})
    for path in texts:
        (world.clone / path).write_text(manifest.replace("line 25\n", "of ben\n"))
    world.git(world.clone, "add", "other.xml")
    (world.clone / "doc" / "notes.txt").write_text("notes of ben\n")


def untracked(world: World, _manifest: str) -> None:
    """A file of a person, and an ignored one, where the remote adds its own."""
    world.commit(world.ada, {"new file.xml": "of ada\n", "ignored.xml": "of ada\n"}, push=True)
    (world.clone / ".git/info/exclude").write_text("ignored.xml\n")
    (world.clone / "new file.xml").write_text("of ben\n")
    (world.clone / "ignored.xml").write_text("of ben\n")


def linked(world: World, _manifest: str) -> None:
    """A link of a person to a folder, in a folder that the remote turned into a file."""
    (world.clone / "doc" / "link").symlink_to(world.root)
    world.commit(world.ada, {"doc/notes.txt": None})
    world.commit(world.ada, {"doc": "of ada\n"}, push=True)


def flagged(world: World, manifest: str) -> None:
    """Edits that are hidden from git by a flag, each by another one, where the remote changes another line."""
    files = ("viatris.xml", "other.xml")
    world.commit(world.ada, dict.fromkeys(files, manifest.replace("line 3\n", "of ada\n")), push=True)
    for flag, file in zip(("--assume-unchanged", "--skip-worktree"), files, strict=True):
        world.git(world.clone, "update-index", flag, file)
        (world.clone / file).write_text(manifest.replace("line 25\n", "of ben\n"))


def detached(world: World, manifest: str) -> None:
    """A commit on no branch, and news on the remote."""
    world.git(world.clone, "checkout", "-q", "--detach")
    world.commit(world.clone, {"viatris.xml": manifest.replace("line 3\n", "of ben\n")})
    world.commit(world.ada, {"other.xml": "of ada\n"}, push=True)


def rewritten(world: World, manifest: str) -> None:
    """A commit that the clone has is gone from the remote, and one of the clone has not landed."""
    world.commit(world.ada, {"viatris.xml": "mistaken\n"}, push=True)
    world.engine().sync(world.host, world.repository)
    world.git(world.ada, "reset", "-q", "--hard", "HEAD~1")
    world.commit(world.ada, {"viatris.xml": manifest.replace("line 3\n", "of ada\n")})
    world.git(world.ada, "push", "-q", "--force", "origin", "main")
    world.commit(world.clone, {"b.xml": "ben\n"})
    (world.clone / "other.xml").write_text("uncommitted of ben\n")


def locked(world: World, _manifest: str) -> None:
    """A lock of yesterday that nobody holds."""
    world.commit(world.ada, {"viatris.xml": "of ada\n"}, push=True)
    world.commit(world.clone, {"b.xml": "ben\n"})
    lock = world.clone / ".git" / "index.lock"
    lock.touch()
    os.utime(lock, (time.time() - 86400,) * 2)


STORIES = {
    "conflict": Story(
        "conflict",
        conflict,
        on_remote=(("viatris.xml", "of ada"), ("viatris.xml", "of ben"), ("a.xml", "ada"), ("b.xml", "ben")),
    ),
    "dirty": Story(
        "dirty-overlap",
        dirty,
        on_remote=(("viatris.xml", "of ada"), ("b.xml", "ben")),
        in_clone=(
            ("viatris.xml", "of ada"),
            ("viatris.xml", "of ben"),
            ("other.xml", "of ada"),
            ("other.xml", "of ben"),
            ("doc/notes.txt", "notes of ben"),
        ),
    ),
    "untracked": Story(
        "dirty-overlap",
        untracked,
        on_remote=(("new file.xml", "of ada"),),
        in_clone=(
            ("new file.xml", "of ada"),
            ("new file.xml.mine", "of ben"),
            ("ignored.xml", "of ada"),
            ("ignored.xml.mine", "of ben"),
        ),
    ),
    "linked": Story(
        "dirty-overlap",
        linked,
        on_remote=(("doc", "of ada"),),
        in_clone=(("doc", "of ada"), ("doc.mine/link/home/.gitconfig", "[user]")),
    ),
    "flagged": Story(
        "dirty-overlap",
        flagged,
        in_clone=tuple((file, line) for file in ("viatris.xml", "other.xml") for line in ("of ada", "of ben")),
    ),
    "detached": Story("detached", detached, on_remote=(("viatris.xml", "of ben"), ("other.xml", "of ada"))),
    "force-pushed": Story(
        "force-pushed",
        rewritten,
        on_remote=(("viatris.xml", "of ada"),),
        in_clone=(("viatris.xml", "of ada"), ("other.xml", "uncommitted of ben")),
    ),
    "index.lock": Story("stale-lock", locked, typed="y\n", on_remote=(("b.xml", "ben"), ("viatris.xml", "of ada"))),
}


def paste(world: World, work: ManualWork, typed: str) -> str:
    """Run what stands under "to mend it" in one shell, in a terminal's way: a command that fails stops nothing."""
    _text, _mark, commands = report(work).partition(f"to mend it, on {work.host}:\n")
    editor = world.root / "editor"
    editor.write_text(KEEP_BOTH)
    editor.chmod(0o755)
    path = f"{editor.parent}:{world.environment['PATH']}"
    environment = world.environment | {"EDITOR": editor.name, "GIT_EDITOR": "true", "GIT_PAGER": "cat", "PATH": path}
    ended = subprocess.run(
        ["sh", "-c", commands], capture_output=True, check=False, env=environment, text=True, input=typed
    )
    return f"{commands}\n{ended.stdout}{ended.stderr}"


@pytest.mark.parametrize("name", STORIES)
def test_the_pasted_commands_mend_it(world: World, manifest: str, name: str) -> None:
    """Nobody thinks or edits a line: the next sync succeeds, and what either side wrote is there."""
    story = STORIES[name]
    if name == "index.lock" and shutil.which("fuser") is None:
        missing("fuser (package psmisc)")
    story.make(world, manifest)
    first = world.engine().sync(world.host, world.repository)
    assert first.manual is not None
    assert first.manual.kind == story.kind

    said = paste(world, first.manual, story.typed)

    result = world.engine().sync(world.host, world.repository)
    assert result.manual is None, f"{said}\n{result.manual}"
    assert result.status in (SyncStatus.IN_SYNC, SyncStatus.RECEIVED, SyncStatus.LANDED), said
    assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()
    for path, line in story.on_remote:
        assert line in world.at_tip(path).splitlines(), said
    for path, line in story.in_clone:
        assert line in (world.clone / path).read_text().splitlines(), said


def test_commits_that_a_rewritten_remote_lost_stay_under_a_name(world: World, manifest: str) -> None:
    """The clone follows the remote, and its own commits are on the branch that the report made."""
    rewritten(world, manifest)
    work = world.engine().sync(world.host, world.repository).manual
    assert work is not None

    paste(world, work, "")

    kept = world.git(world.clone, "for-each-ref", "--format=%(refname)", "refs/heads/before-rewrite-*")
    assert world.git(world.clone, "show", f"{kept}:b.xml") == "ben"
    assert world.git(world.clone, "show", f"{kept}~1:viatris.xml") == "mistaken"


def test_a_file_that_was_kept_aside_once_is_not_overwritten(world: World, manifest: str) -> None:
    """The name that the report gives to Ben's file is taken: both of his files stay, and the sync waits for him."""
    untracked(world, manifest)
    (world.clone / "new file.xml.mine").write_text("kept last week\n")
    work = world.engine().sync(world.host, world.repository).manual
    assert work is not None

    paste(world, work, "")

    assert (world.clone / "new file.xml.mine").read_text() == "kept last week\n"
    assert (world.clone / "new file.xml").read_text() == "of ben\n"
    again = world.engine().sync(world.host, world.repository).manual
    assert again is not None
    assert (again.kind, again.paths) == ("dirty-overlap", ("new file.xml",))
