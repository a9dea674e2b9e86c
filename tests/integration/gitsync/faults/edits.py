"""Situations: what both sides changed, and edits that nobody committed yet."""

from __future__ import annotations

from tests.integration.gitsync.faults.scene import Scene, edited
from tests.integration.gitsync.faults.situation import Situation
from tests.integration.gitsync.faults.unfinished import both_change


def ada_changes(scene: Scene, path: str = "viatris.xml", content: str | None = None) -> None:
    """News on the remote."""
    scene.commit(scene.ada, {path: edited(3, "of ada") if content is None else content}, "ada's line", push=True)


def delete_here(scene: Scene) -> None:
    """Ben deletes what Ada changes."""
    ada_changes(scene)
    scene.commit(scene.clone, {"viatris.xml": None}, "ben's line")


def keep_the_file(scene: Scene) -> None:
    """Ben sees that the file is needed, and takes his commit back as commits are taken back."""
    scene.git(scene.clone, "revert", "--no-edit", "HEAD")


def delete_there(scene: Scene) -> None:
    """Ada deletes what Ben changes."""
    scene.commit(scene.ada, {"viatris.xml": None}, "ada's line", push=True)
    scene.commit(scene.clone, {"viatris.xml": edited(3, "of ben")}, "ben's line")


def both_add(scene: Scene) -> None:
    """Both add a file of the same name."""
    ada_changes(scene, "new.xml", "of ada\n")
    scene.commit(scene.clone, {"new.xml": "of ben\n"}, "ben's line")


def renamed(scene: Scene) -> None:
    """Ben renames what Ada changes."""
    ada_changes(scene)
    scene.git(scene.clone, "mv", "viatris.xml", "acme.xml")
    scene.git(scene.clone, "commit", "-q", "-m", "ben's line")


def automation_loses(scene: Scene) -> None:
    """Ada changes the line that automation read and changes."""
    ada_changes(scene, content=edited(9, "of ada"))


def adas_goes_away(scene: Scene) -> None:
    """Ada takes hers back."""
    scene.git(scene.ada, "revert", "--no-edit", "HEAD")
    scene.git(scene.ada, "push", "-q")


def file_in_place_of_folder(scene: Scene) -> None:
    """Ada makes a folder where Ben commits a file."""
    ada_changes(scene, "new/acme.xml", "of ada\n")
    scene.commit(scene.clone, {"new": "of ben\n"}, "ben's line")


def file_moves_aside(scene: Scene) -> None:
    """Ben renames his file."""
    scene.git(scene.clone, "mv", "new", "new.txt")
    scene.git(scene.clone, "commit", "-q", "--amend", "-m", "ben's line")


def unstaged(scene: Scene) -> None:
    """An edit of a file that the remote changed elsewhere."""
    ada_changes(scene)
    (scene.clone / "viatris.xml").write_text(edited(25, "of ben"))


def staged(scene: Scene) -> None:
    """A staged one."""
    unstaged(scene)
    scene.git(scene.clone, "add", "viatris.xml")


def untracked(scene: Scene) -> None:
    """A file of a person where the remote adds one."""
    ada_changes(scene, "new file.xml", "of ada\n")
    (scene.clone / "new file.xml").write_text("of ben\n")


def ignored(scene: Scene) -> None:
    """An ignored one: git itself would overwrite it without a word."""
    ada_changes(scene, "new.log", "of ada\n")
    (scene.clone / "new.log").write_text("of ben\n")


def flagged(scene: Scene) -> None:
    """An edit hidden from git by a flag."""
    ada_changes(scene)
    scene.git(scene.clone, "update-index", "--assume-unchanged", "viatris.xml")
    (scene.clone / "viatris.xml").write_text(edited(25, "of ben"))


def deleted(scene: Scene) -> None:
    """A file that a person deleted without telling git, and the remote changed."""
    ada_changes(scene)
    (scene.clone / "viatris.xml").unlink()


def restored(scene: Scene) -> None:
    """The person did not mean it."""
    scene.git(scene.clone, "checkout", "-q", "--", "viatris.xml")


def folder_in_place(scene: Scene) -> None:
    """A folder of a person where the remote adds a file."""
    ada_changes(scene, "new", "of ada\n")
    (scene.clone / "new").mkdir()
    (scene.clone / "new" / "acme.xml").write_text("of ben\n")


def folder_goes_aside(scene: Scene) -> None:
    """The person moves it."""
    (scene.clone / "new").rename(scene.clone / "new.mine")


def file_in_place(scene: Scene) -> None:
    """A file of a person where the remote adds a folder."""
    ada_changes(scene, "new/acme.xml", "of ada\n")
    (scene.clone / "new").write_text("of ben\n")


def link_in_place(scene: Scene) -> None:
    """A person's link to a folder elsewhere, where the remote adds a file."""
    ada_changes(scene, "new/acme.xml", "of ada\n")
    elsewhere = scene.root / "elsewhere"
    elsewhere.mkdir()
    (scene.clone / "new").symlink_to(elsewhere)


def mode_changed(scene: Scene) -> None:
    """A file that a person made executable, and the remote changed."""
    ada_changes(scene)
    (scene.clone / "viatris.xml").chmod(0o755)


TREE = "git read-tree -m -u "
OVERLAP = "local commits land, nothing is adopted, no edit is touched; report"
SITUATIONS = (
    Situation(
        name="both sides changed a line",
        make=both_change, edits="untracked", tries=("conflict",), command="git merge-tree --write-tree ",
        paths=("viatris.xml",), then="nothing lands; report with both sides' commits",
    ),
    Situation(
        name="both sides changed a line, and there are staged edits",
        make=both_change, tries=("conflict",), command="git merge-tree --write-tree ", paths=("viatris.xml",),
        then="nothing lands; report", is_deep=True,
    ),
    Situation(
        name="a file was deleted here and changed there",
        make=delete_here, edits="untracked", mend=keep_the_file, tries=("conflict",),
        command="git merge-tree --write-tree ", paths=("viatris.xml",), then="nothing lands; report", is_deep=True,
    ),
    Situation(
        name="a file was changed here and deleted there",
        make=delete_there, edits="untracked", mend=keep_the_file, tries=("conflict",),
        command="git merge-tree --write-tree ", paths=("viatris.xml",), then="nothing lands; report", is_deep=True,
    ),
    Situation(
        name="both sides added a file of one name",
        make=both_add, edits="untracked", tries=("conflict",), command="git merge-tree --write-tree ",
        paths=("new.xml",), then="nothing lands; report", is_deep=True,
    ),
    Situation(
        name="a file was renamed here and changed there",
        make=renamed, edits="untracked", mend=keep_the_file, tries=("conflict",),
        command="git merge-tree --write-tree ", paths=("viatris.xml",),
        then="renames are not followed: nothing lands; report", is_deep=True,
    ),
    Situation(
        name="a file here where there is a folder there",
        make=file_in_place_of_folder, edits="untracked", mend=file_moves_aside, tries=("conflict",),
        command="git merge-tree --write-tree ", paths=("new",), then="nothing lands; report", is_deep=True,
    ),
    Situation(
        name="somebody changed the line that automation changes",
        make=automation_loses, change=True, mend=adas_goes_away, tries=("conflict",),
        command="git merge-tree --write-tree ", paths=("viatris.xml",), then="the change did not land; report",
    ),
    Situation(
        name="an unstaged edit in a file that the remote changed",
        make=unstaged, edits="untracked", merged=("viatris.xml",), tries=("dirty-overlap",), command=TREE,
        paths=("viatris.xml",), then=OVERLAP,
    ),
    Situation(
        name="a staged edit in a file that the remote changed, with other edits",
        make=staged, merged=("viatris.xml",), tries=("dirty-overlap",), command=TREE, paths=("viatris.xml",),
        then=OVERLAP, is_deep=True,
    ),
    Situation(
        name="an untracked file where the remote adds one",
        make=untracked, edits="untracked", tries=("dirty-overlap",), command=TREE, paths=("new file.xml",),
        then=OVERLAP,
    ),
    Situation(
        name="an ignored file where the remote adds one",
        make=ignored, edits="untracked", tries=("dirty-overlap",), command=TREE, paths=("new.log",), then=OVERLAP,
    ),
    Situation(
        name="an edit that a flag hides, in a file that the remote changed",
        make=flagged, edits="untracked", merged=("viatris.xml",), tries=("dirty-overlap",), command=TREE,
        paths=("viatris.xml",), then=OVERLAP, is_deep=True,
    ),
    Situation(
        name="a file deleted in the work tree that the remote changed",
        make=deleted, edits="untracked", mend=restored, tries=("dirty-overlap",), command=TREE,
        paths=("viatris.xml",), then=OVERLAP, is_deep=True,
    ),
    Situation(
        name="a folder of a person where the remote adds a file",
        make=folder_in_place, edits="untracked", mend=folder_goes_aside, merged=("new/acme.xml",),
        tries=("dirty-overlap",), command=TREE, paths=("new",), then=OVERLAP, is_deep=True,
    ),
    Situation(
        name="a file of a person where the remote adds a folder",
        make=file_in_place, edits="untracked", tries=("dirty-overlap",), command=TREE, paths=("new/acme.xml",),
        then=OVERLAP, is_deep=True,
    ),
    Situation(
        name="a link of a person where the remote adds a folder",
        make=link_in_place, edits="untracked", tries=("dirty-overlap",), command=TREE, paths=("new/acme.xml",),
        then=OVERLAP + "; nothing is written through the link", is_deep=True,
    ),
    Situation(
        name="a file made executable here that the remote changed",
        make=mode_changed, edits="untracked", tries=("",), is_deep=True,
        then="lands and adopts; the file stays executable",
    ),
)  # fmt: skip
