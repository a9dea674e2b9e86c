"""Situations: what people have under way in the clone."""

from __future__ import annotations

import shutil

from tests.integration.gitsync.faults.scene import Scene, edited
from tests.integration.gitsync.faults.situation import Situation


def both_change(scene: Scene) -> None:
    """Both sides change the same line."""
    scene.git(scene.ada, "pull", "-q")
    scene.commit(scene.ada, {"viatris.xml": edited(3, "of ada")}, "ada's line", push=True)
    scene.commit(scene.clone, {"viatris.xml": edited(3, "of ben")}, "ben's line")


def solve(scene: Scene) -> None:
    """What a person does by hand: one text in place of both."""
    (scene.clone / "viatris.xml").write_text(edited(3, "of ada\nof ben"))
    scene.git(scene.clone, "add", "--", "viatris.xml")


def solve_and_commit(scene: Scene) -> None:
    """And commits it."""
    solve(scene)
    scene.git(scene.clone, "commit", "-q", "-m", "solved")


def rebasing(scene: Scene) -> None:
    """A pull with rebase that stopped at a conflict."""
    both_change(scene)
    scene.git(scene.clone, "pull", "-q", "--rebase", check=False)


def rebasing_by_patches(scene: Scene) -> None:
    """The same by the older way, which keeps its state elsewhere."""
    both_change(scene)
    scene.git(scene.clone, "fetch", "-q")
    scene.git(scene.clone, "rebase", "-q", "--apply", "origin/main", check=False)


def editing_history(scene: Scene) -> None:
    """An interactive rebase that stopped where it was asked to, with nothing to solve."""
    environment = {**scene.environment, "GIT_SEQUENCE_EDITOR": "sed -i 1s/pick/edit/"}
    Scene(scene.root, environment, scene.host).git(scene.clone, "rebase", "-q", "-i", "HEAD~1")


def merging(scene: Scene) -> None:
    """A pull that stopped at a conflict."""
    both_change(scene)
    scene.git(scene.clone, "pull", "-q", "--no-rebase", check=False)


def merged_but_not_committed(scene: Scene) -> None:
    """A merge without a conflict that waits for its commit."""
    scene.git(scene.clone, "fetch", "-q")
    scene.git(scene.clone, "merge", "-q", "--no-commit", "--no-ff", "origin/main")


def topic(scene: Scene, *commits: tuple[str, str]) -> None:
    """A branch with commits, beside another line of the main one."""
    scene.git(scene.clone, "checkout", "-q", "-b", "topic")
    for path, content in commits:
        scene.commit(scene.clone, {path: content}, f"topic's {path}")
    scene.git(scene.clone, "checkout", "-q", "main")


def picking(scene: Scene) -> None:
    """A cherry-pick that stopped at a conflict."""
    topic(scene, ("viatris.xml", edited(3, "of ada")))
    scene.commit(scene.clone, {"viatris.xml": edited(3, "of ben")}, "ben's line")
    scene.git(scene.clone, "cherry-pick", "topic", check=False)


def picking_several(scene: Scene) -> None:
    """A cherry-pick of two, the first of which was solved and committed by hand: only the plan is there."""
    topic(scene, ("viatris.xml", edited(3, "of ada")), ("c.xml", "of topic\n"))
    scene.commit(scene.clone, {"viatris.xml": edited(3, "of ben")}, "ben's line")
    scene.git(scene.clone, "cherry-pick", "topic~1", "topic", check=False)
    solve(scene)
    scene.git(scene.clone, "commit", "-q", "-m", "solved")


def reverting(scene: Scene) -> None:
    """A revert that stopped at a conflict."""
    first = scene.commit(scene.clone, {"viatris.xml": edited(3, "one")}, "one")
    scene.commit(scene.clone, {"viatris.xml": edited(3, "two")}, "two")
    scene.git(scene.clone, "revert", "--no-edit", first, check=False)


def bisecting(scene: Scene) -> None:
    """A bisection that has begun."""
    scene.git(scene.clone, "bisect", "start")


def bisecting_for_long(scene: Scene) -> None:
    """A bisection that has checked out a commit to be judged."""
    for number in range(4):
        scene.commit(scene.clone, {"c.xml": f"{number}\n"}, f"c {number}")
    scene.git(scene.clone, "bisect", "start", "HEAD", "HEAD~4")


def applying_mails(scene: Scene) -> None:
    """A series of mails of which one does not apply."""
    scene.commit(scene.clone, {"viatris.xml": edited(3, "of a mail")}, "by mail")
    mail = scene.git(scene.clone, "format-patch", "--stdout", "-1")
    (scene.root / "mail").write_text(mail + "\n")
    scene.git(scene.clone, "reset", "-q", "--hard", "HEAD~1")
    scene.commit(scene.clone, {"viatris.xml": edited(3, "of ben")}, "ben's line")
    scene.git(scene.clone, "am", "-q", str(scene.root / "mail"), check=False)


def popping_beside(scene: Scene) -> None:
    """A stash that did not apply: files in conflict, and no other sign."""
    (scene.clone / "viatris.xml").write_text(edited(3, "stashed"))
    scene.git(scene.clone, "stash", "-q")
    scene.commit(scene.clone, {"viatris.xml": edited(3, "committed")}, "ben's line")
    scene.git(scene.clone, "stash", "pop", check=False)


def popping(scene: Scene) -> None:
    """The same, in a file that the remote changed."""
    scene.commit(scene.ada, {"viatris.xml": edited(20, "of ada")}, "ada's line", push=True)
    popping_beside(scene)


def detaching(scene: Scene) -> None:
    """A commit checked out, and another one made on it."""
    scene.git(scene.clone, "checkout", "-q", "--detach")
    scene.commit(scene.clone, {"loose.xml": "loose\n"}, "on no branch")


def branching(scene: Scene) -> None:
    """Another branch checked out."""
    scene.git(scene.clone, "checkout", "-q", "-b", "try")


def orphaned(scene: Scene) -> None:
    """The branch was begun anew and has no commit."""
    scene.git(scene.clone, "branch", "-m", "main", "old")
    scene.git(scene.clone, "symbolic-ref", "HEAD", "refs/heads/main")


def back_to_old(scene: Scene) -> None:
    """The person takes the old branch's commits again."""
    scene.git(scene.clone, "update-ref", "refs/heads/main", "old")


def all_pushed(scene: Scene) -> None:
    """Ben pushes what he has, so that it is not gone with the clone."""
    scene.git(scene.clone, "pull", "-q", "--rebase")
    scene.git(scene.clone, "push", "-q")


def removing(scene: Scene) -> None:
    """No clone."""
    all_pushed(scene)
    shutil.rmtree(scene.clone)


def losing_the_repository(scene: Scene) -> None:
    """A folder that is no repository any more."""
    all_pushed(scene)
    shutil.rmtree(scene.clone / ".git")


WAY = "git status"
SITUATIONS = (
    Situation(
        name="a rebase stopped at a conflict",
        make=rebasing, edits="untracked", mend=solve, tries=("rebase-in-progress",), command=WAY,
        then="report; nothing is finished or given up for the person",
    ),
    Situation(
        name="a rebase by patches stopped at a conflict",
        make=rebasing_by_patches, edits="untracked", mend=solve, tries=("rebase-in-progress",), command=WAY,
        then="report", is_deep=True,
    ),
    Situation(
        name="an interactive rebase stopped where it was told to",
        make=editing_history, edits="untracked", tries=("rebase-in-progress",), command=WAY,
        then="report", is_deep=True,
    ),
    Situation(
        name="a merge stopped at a conflict",
        make=merging, edits="untracked", mend=solve, tries=("merge-in-progress",), command=WAY,
        then="report",
    ),
    Situation(
        name="a merge waits for its commit",
        make=merged_but_not_committed, edits="untracked", tries=("merge-in-progress",), command=WAY,
        then="report", is_deep=True,
    ),
    Situation(
        name="a cherry-pick stopped at a conflict",
        make=picking, edits="untracked", mend=solve, tries=("cherry-pick-in-progress",), command=WAY,
        then="report",
    ),
    Situation(
        name="a cherry-pick of several, between two commits",
        make=picking_several, edits="untracked", tries=("cherry-pick-in-progress",), command=WAY,
        then="report", is_deep=True,
    ),
    Situation(
        name="a revert stopped at a conflict",
        make=reverting, edits="untracked", mend=solve, tries=("revert-in-progress",), command=WAY,
        then="report",
    ),
    Situation(
        name="a bisection has begun",
        make=bisecting, tries=("bisect-in-progress",), command=WAY,
        then="report",
    ),
    Situation(
        name="a bisection has an old commit checked out",
        make=bisecting_for_long, edits="untracked", tries=("bisect-in-progress",), command=WAY,
        then="report", is_deep=True,
    ),
    Situation(
        name="git am stopped at a mail that does not apply",
        make=applying_mails, edits="untracked", mend=solve, tries=("am-in-progress",), command=WAY,
        then="report",
    ),
    Situation(
        name="a stash did not apply: files in conflict",
        make=popping, edits="untracked", mend=solve_and_commit, tries=("unmerged",), command="git ",
        paths=("viatris.xml",),
        then="local commits land, nothing is adopted; report", merged=("viatris.xml",),
    ),
    Situation(
        name="a stash did not apply: files in conflict which the remote did not touch",
        make=popping_beside, edits="untracked", tries=("",),
        then="lands and adopts beside them; they stay in conflict", is_deep=True, merged=("viatris.xml",),
    ),
    Situation(
        name="a commit is checked out, not a branch",
        make=detaching, edits="untracked", tries=("detached",), command="git symbolic-ref HEAD",
        then="report; the commands keep the commit under a name",
    ),
    Situation(
        name="another branch is checked out",
        make=branching, tries=("wrong-branch",), command=WAY,
        then="report",
    ),
    Situation(
        name="the branch has no commit yet",
        make=orphaned, mend=back_to_old, merged=("other.xml",), tries=("no-commits",),
        command="git rev-parse --verify 'refs/heads/main",
        then="report",
    ),
    Situation(
        name="the clone is gone",
        make=removing, edits="none", tries=("missing",), command="git clone",
        then="report; the command makes it",
    ),
    Situation(
        name="the clone's .git is gone",
        make=losing_the_repository, edits="untracked", tries=("not-a-repository",),
        command="git rev-parse --show-toplevel",
        then="report; a repository around the clone is not taken for it, the commands move the files aside",
    ),
)  # fmt: skip
