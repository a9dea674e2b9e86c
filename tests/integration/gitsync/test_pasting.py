"""Reports on clones whose files, branches and remotes have names that would run something: pasted, they mend it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from deployer.model.site import Repository
from deployer.model.sync import ManualWork, SyncStatus
from tests.budget.marks import deep
from tests.integration.gitsync.test_mending import KEEP_BOTH
from tests.shells import Terminal

if TYPE_CHECKING:
    from tests.integration.gitsync.conftest import World

CANARY = "canary"
FILES = (
    f"+!touch {CANARY};.xml",
    "-rf.xml",
    ":!other.xml",
    "*.xml",
    "it's [x] !touch.xml",
    f"$(touch {CANARY}).xml",
    f"a\ntouch {CANARY}\n\x1b[2J.xml",
)
LOCAL = f"rel$(touch${{IFS}}{CANARY})"
REMOTE = f"or'$(touch${{IFS}}{CANARY})"
UPSTREAM = f"-f$(touch${{IFS}}{CANARY})!!"


@dataclass(frozen=True)
class Trap:
    """A world in which every name is a trap."""

    world: World
    manifest: str

    @property
    def repository(self) -> Repository:
        """The remote, the branch and its name there are what the clone says."""
        return Repository("clusterconfig-fra1", "~/deployer/clusterconfig-fra1", branch="")

    def sync(self) -> tuple[ManualWork | None, SyncStatus]:
        """What a person must do, and how it ended."""
        result = self.world.engine().sync(self.world.host, self.repository)
        return result.manual, result.status

    def edited(self, line: int, text: str) -> dict[str, str]:
        """Every file with a line of its own."""
        return dict.fromkeys(FILES, self.manifest.replace(f"line {line}\n", f"{text}\n"))

    def of_ada(self, files: Mapping[str, str]) -> None:
        """She pushes to the branch that the clone follows."""
        self.world.git(self.world.ada, "reset", "-q", "--hard", "HEAD")
        self.world.commit(self.world.ada, dict(files))
        self.world.git(self.world.ada, "push", "-q", "origin", f"HEAD:refs/heads/{UPSTREAM}")

    def at_tip(self, path: str) -> list[str]:
        """Lines of a file on the remote."""
        return self.world.git(self.world.bare, "show", f"refs/heads/{UPSTREAM}:{path}").splitlines()

    def paste(self, work: ManualWork, keys: str = "") -> str:
        """Paste the commands into a terminal; what was seen there."""
        editor = self.world.root / "home" / "editor"
        editor.write_text(KEEP_BOTH)
        editor.chmod(0o755)
        more = {"EDITOR": "editor", "GIT_PAGER": "cat", "TERM": "dumb", "HISTFILE": "/dev/null"}
        path = f"{editor.parent}:{self.world.environment['PATH']}"
        variables = self.world.environment | more | {"PATH": path}
        with closing(Terminal(self.world.root, variables)) as terminal:
            terminal.paste(*work.commands, keys=keys)
        return terminal.seen.decode(errors="replace")

    def check(self, said: str) -> None:
        """The next sync is well, and nothing in a name was run."""
        work, status = self.sync()
        assert work is None, f"{said}\n{work}"
        assert status in (SyncStatus.IN_SYNC, SyncStatus.RECEIVED, SyncStatus.LANDED), said
        ran = [name for _folder, _folders, names in os.walk(self.world.root) for name in names if name == CANARY]
        assert not ran, said


@pytest.fixture
def trap(world: World, manifest: str) -> Trap:
    """The clone is on its branch, and follows another branch of the remote, which has a name of its own."""
    made = Trap(world, manifest)
    made.of_ada(dict.fromkeys(FILES, manifest))
    clone = world.clone
    world.git(clone, "remote", "rename", "origin", REMOTE)
    world.git(clone, "fetch", "-q", REMOTE, f"refs/heads/{UPSTREAM}")
    world.git(clone, "checkout", "-q", "-b", LOCAL, "FETCH_HEAD")
    for key, value in (("remote", REMOTE), ("merge", f"refs/heads/{UPSTREAM}")):
        world.git(clone, "config", f"branch.{LOCAL}.{key}", value)
    return made


def test_a_conflict_in_files_with_such_names(trap: Trap) -> None:
    """Both sides' lines land; a file that is not named stays out of the commit, though a name is a pattern."""
    trap.of_ada(trap.edited(3, "of ada"))
    trap.world.commit(trap.world.clone, trap.edited(3, "of ben"))
    (trap.world.clone / "viatris.xml").write_text("not ready\n")
    work, _status = trap.sync()
    assert work is not None
    assert work.kind == "conflict"

    said = trap.paste(work)

    assert trap.world.git(trap.world.clone, "status", "--short") == " M viatris.xml", said
    trap.check(said)
    for path in FILES:
        assert {"of ada", "of ben"} <= set(trap.at_tip(path)), said


def test_edits_of_files_with_such_names(trap: Trap) -> None:
    """Uncommitted edits, hidden ones, and files that git does not track, where the remote changed or added others."""
    *edited, hidden, new = FILES
    trap.of_ada({path: trap.edited(3, "of ada")[path] for path in (*edited, hidden)})
    trap.of_ada({f"{new}.new": "of ada\n"})
    for path in (*edited, hidden):
        (trap.world.clone / path).write_text(trap.edited(25, "of ben")[path])
    trap.world.git(trap.world.clone, "update-index", "--skip-worktree", "--", hidden)
    (trap.world.clone / f"{new}.new").write_text("of ben\n")
    work, _status = trap.sync()
    assert work is not None
    assert work.kind == "dirty-overlap"

    said = trap.paste(work)

    trap.check(said)
    for path in (*edited, hidden):
        assert {"of ada", "of ben"} <= set((trap.world.clone / path).read_text().splitlines()), said
    assert (trap.world.clone / f"{new}.new").read_text() == "of ada\n"
    assert (trap.world.clone / f"{new}.new.mine").read_text() == "of ben\n"


def test_a_lock_of_a_branch_with_such_a_name(trap: Trap) -> None:
    """What the person confirms is the lock, and goes."""
    lock = trap.world.clone / ".git" / "refs" / "heads" / f"{LOCAL}.lock"
    lock.touch()
    os.utime(lock, (time.time() - 86400,) * 2)
    work, _status = trap.sync()
    assert work is not None
    assert work.kind == "stale-lock"

    said = trap.paste(work, keys="y\n")

    assert not lock.exists(), said
    trap.check(said)


@deep(3)
def test_a_rewritten_branch_with_such_a_name(trap: Trap) -> None:
    """The clone follows the remote; its own commit stays under another name."""
    trap.of_ada({"a.xml": "mistaken\n"})
    trap.sync()
    trap.world.git(trap.world.ada, "reset", "-q", "--hard", "HEAD~1")
    trap.world.commit(trap.world.ada, {"a.xml": "right\n"})
    trap.world.git(trap.world.ada, "push", "-q", "--force", "origin", f"HEAD:refs/heads/{UPSTREAM}")
    trap.world.commit(trap.world.clone, {"b.xml": "ben\n"})
    work, _status = trap.sync()
    assert work is not None
    assert work.kind == "force-pushed"

    said = trap.paste(work)

    assert (trap.world.clone / "a.xml").read_text() == "right\n", said
    trap.check(said)


def test_a_clone_that_left_a_branch_with_such_a_name(trap: Trap) -> None:
    """It is checked out again, though a file has the same name, and has the commit that was on none."""
    (trap.world.clone / LOCAL).write_text("a file\n")
    trap.world.git(trap.world.clone, "checkout", "-q", "--detach")
    trap.world.commit(trap.world.clone, {"b.xml": "ben\n"})
    wanted = Repository("clusterconfig-fra1", trap.repository.path, branch=LOCAL)
    work = trap.world.engine().sync(trap.world.host, wanted).manual
    assert work is not None
    assert work.kind == "detached"

    said = trap.paste(work)

    assert trap.world.git(trap.world.clone, "symbolic-ref", "HEAD") == f"refs/heads/{LOCAL}", said
    trap.check(said)
    assert trap.at_tip("b.xml") == ["ben"]
