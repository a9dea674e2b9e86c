"""A clone in which people work, also between any two gits of ours; and what must be true of it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from deployer.model.sync import Change, SyncResult, SyncStatus
from tests.integration.gitsync.histories import people
from tests.integration.gitsync.swept import KILL, ProgramKilledError, Swept

MARK = re.compile(rb"mark\d+")
WRAPPER = """#!/bin/sh
read n <"$SCENE/calls"; n=$((n + 1)); echo $n >"$SCENE/calls"
if [ -e "$SCENE/between/$n" ]; then
  mv "$SCENE/between/$n" "$SCENE/now$n"
  (cd "$SCENE/clone" && PATH="$PEOPLES_PATH" LOG="$SCENE" HOME="$PEOPLES_HOME" \\
    env -u GIT_DIR -u GIT_INDEX_FILE -u GIT_LITERAL_PATHSPECS sh "$SCENE/now$n" >/dev/null 2>&1 </dev/null)
fi
case "$LOSES $*" in
  "yes "*" push "*) {git} "$@"; exit 128 ;;
esac
exec {git} "$@"
"""
"""First in the PATH of our program. `LOSES=yes`: the server takes the push, and the answer does not come back."""


@dataclass
class Told:
    """A change of automation, and what became of it."""

    subject: str
    at_least: int
    at_most: int


@dataclass
class Scene:
    """One history.

    Args:
        world: the world it is played in.
    """

    world: Swept
    marks: int = 0
    tips: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    landed: set[str] = field(default_factory=set)
    story: list[str] = field(default_factory=list)
    """What happened, to be read when something is wrong."""
    was_killed: bool = False
    """The last sync."""

    def __post_init__(self) -> None:
        self.folder = self.world.root / "scene"
        (self.folder / "between").mkdir(parents=True)
        for name in ("wrote", "destroyed"):
            (self.folder / name).touch()
        (self.folder / "calls").write_text("0\n")
        (self.folder / "clone").symlink_to(self.world.clone)
        own = self.folder / "bin"
        own.mkdir()
        real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
        (own / "git").write_text(WRAPPER.replace("{git}", real))
        (own / "git").chmod(0o755)
        environment = self.world.environment
        self.world.host.environment = {
            **environment,
            "PATH": f"{own}:{environment['PATH']}",
            "SCENE": str(self.folder),
            "PEOPLES_PATH": environment["PATH"],
            "PEOPLES_HOME": environment["HOME"],
        }
        self.tips.append(self.world.tip())

    def mark(self) -> str:
        """A text that nobody has written yet."""
        self.marks += 1
        return f"mark{self.marks}"

    # What happens

    def do(self, where: Path, script: str) -> int:
        """A person does something; git may refuse it, as it does with people. The exit code."""
        self.story.append(f"{where.name}: {script}")
        environment = {**self.world.environment, "LOG": str(self.folder), "GIT_EDITOR": "true"}
        done = subprocess.run(
            ["sh", "-c", people.HEAD + script],
            cwd=where,
            env=environment,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        self.story.append(f"    {done.returncode} {(done.stdout + done.stderr)[-200:]!r}")
        return done.returncode

    def plan(self, script: str, call: int) -> None:
        """A person will do something before the n-th git of the next sync."""
        self.story.append(f"before git {call} of the next sync: {script}")
        (self.folder / "between" / str(call)).write_text(people.HEAD + "GIT_EDITOR=true; export GIT_EDITOR\n" + script)

    def sync(self, change: Change | None, *, die_at: int = 0, loses: bool = False) -> SyncResult | None:
        """A sync; None when it was killed."""
        (self.folder / "calls").write_text("0\n")
        planned = any((self.folder / "between").iterdir())
        before = self.world.state()
        host = self.world.faulty
        host.is_faulty, host.mode, host.at = bool(die_at), KILL, die_at
        host.environment = {**host.environment, "LOSES": "yes" if loses else ""}
        try:
            result = self.world.engine().sync(host, self.world.repository, change)
        except ProgramKilledError:
            result = None
        finally:
            host.is_faulty = False
            self._forget_plans()
        self.story.append(f"sync {change.message if change else ''} -> {_short(result)}")
        self._note(change, result)
        # What a killed one began may be finished by this one, whatever becomes of its own change.
        is_alone = not planned and not self.was_killed
        self.was_killed = result is None
        if result and is_alone and result.status in {SyncStatus.MANUAL, SyncStatus.RETRY_LATER}:
            assert self.world.state() == before, "a sync that did not succeed changed the clone"
        return result

    def _forget_plans(self) -> None:
        for left in (self.folder / "between").iterdir():
            left.unlink()

    def _note(self, change: Change | None, result: SyncResult | None) -> None:
        self.tips.append(self.world.tip())
        if result:
            self.landed.update(commit.oid for commit in result.landed)
        if change:
            sure = bool(result and result.change)
            self.told.append(Told(change.message, int(sure), 1))

    def heal(self) -> None:
        """People finish what they have begun, until a sync has nothing to tell them."""
        self._forget_plans()
        lock = self.world.clone / ".git" / "index.lock"
        result = None
        for _round in range(4):
            # A lock that a killed sync left is in people's way until the next sync.
            is_done = self.do(self.world.clone, people.HEAL) == 0
            result = self.sync(None)
            if is_done and result and result.manual is None and not lock.exists():
                break
        assert result is not None
        assert result.manual is None, result.manual

    # What must be true

    def check(self) -> None:
        """After every step."""
        for older, newer in zip(self.tips, self.tips[1:], strict=False):
            self.world.git(self.world.bare, "merge-base", "--is-ancestor", older, newer)
        del self.tips[:-1]
        subjects = self.world.subjects()
        for told in self.told:
            many = subjects.count(told.subject)
            assert told.at_least <= many <= told.at_most, f"{told.subject} is {many} times on the remote"
        gone = self.written() - self.found()
        assert not gone, f"lost: {sorted(gone)}"

    def check_end(self) -> None:
        """After all is healed."""
        world = self.world
        self.check()
        assert world.git(world.clone, "rev-parse", "HEAD") == world.tip()
        assert world.git(world.clone, "status", "--porcelain") == ""
        tip, result = world.tip(), self.sync(None)
        assert result is not None
        assert result.status is SyncStatus.IN_SYNC, result
        assert world.tip() == tip
        for oid in self.landed:
            world.git(world.bare, "merge-base", "--is-ancestor", oid, tip)
        assert not [*world.clone.glob(".git/**/*.lock")]
        assert not [*world.clone.glob(".git/rebase-*"), *world.clone.glob(".git/MERGE_HEAD")]
        world.git(world.bare, "fsck", "--no-dangling")

    def written(self) -> set[bytes]:
        """Marks that nobody threw away."""
        wrote, destroyed = (MARK.findall((self.folder / name).read_bytes()) for name in ("wrote", "destroyed"))
        return set(wrote) - set(destroyed)

    def found(self) -> set[bytes]:
        """Marks in files, in the index, in a stash, in commits of branches and on the remote: not in refs of ours."""
        found = set()
        for path in self.world.clone.rglob("*"):
            if ".git" not in path.parts and path.is_file() and not path.is_symlink():
                found.update(MARK.findall(path.read_bytes()))
        found |= self._in_objects(
            self.world.clone, ["--exclude=refs/deployer/*", "--all", "--reflog", "--indexed-objects"]
        )
        return found | self._in_objects(self.world.bare, ["--all"])

    def _in_objects(self, where: Path, revisions: list[str]) -> set[bytes]:
        listed = subprocess.run(
            ["git", "-C", where, "rev-list", "--objects", *revisions],
            env=self.world.environment,
            capture_output=True,
            check=False,
        ).stdout
        oids = b"\n".join(line.split(b" ")[0] for line in listed.splitlines()) + b"\n"
        contents = subprocess.run(
            ["git", "-C", where, "cat-file", "--batch"],
            input=oids,
            env=self.world.environment,
            capture_output=True,
            check=True,
        ).stdout
        return set(MARK.findall(contents))


def _short(result: SyncResult | None) -> str:
    if result is None:
        return "killed"
    return (
        f"{result.status} {result.manual.kind if result.manual else ''} {result.manual.paths if result.manual else ''}"
    )
