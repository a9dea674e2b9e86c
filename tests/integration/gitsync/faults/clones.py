"""Situations: clones that are set up in an unusual way, with filters and hooks of people."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from tests.integration.gitsync.faults.scene import Scene, edited
from tests.integration.gitsync.faults.situation import Situation, nothing


def shallow(scene: Scene) -> None:
    """A clone without its history."""
    for number in range(3):
        scene.commit(scene.ada, {f"c{number}.xml": "of ada\n"}, f"ada's {number}", push=True)
    again(scene, "--depth", "1", f"file://{scene.bare}")
    scene.git(scene.clone, "remote", "set-url", "origin", str(scene.bare))


def again(scene: Scene, *how: str) -> None:
    """The clone made anew, with Ben's commit."""
    shutil.rmtree(scene.clone)
    scene.git(scene.root, "clone", "-q", *how, str(scene.clone))
    scene.commit(scene.clone, {"b.xml": "of ben\n"}, "ben's")


def news(scene: Scene) -> None:
    """One more commit of Ada."""
    scene.commit(scene.ada, {"other.xml": edited(1, "of ada").replace("line 20\n", "of ada too\n")}, "news", push=True)


def shallow_and_behind(scene: Scene) -> None:
    """And news on the remote since."""
    shallow(scene)
    news(scene)


def sparse(scene: Scene) -> None:
    """Of the work tree only one folder is checked out."""
    scene.git(scene.clone, "sparse-checkout", "set", "doc")


def split(scene: Scene) -> None:
    """An index in two files."""
    scene.git(scene.clone, "update-index", "--split-index")


def skip_hash(scene: Scene) -> None:
    """An index without a checksum, as large repositories have it."""
    path = scene.clone / ".git" / "index"
    path.write_bytes(path.read_bytes()[:-20] + bytes(20))


def packed(scene: Scene) -> None:
    """Refs and objects packed, as git gc leaves them."""
    scene.git(scene.clone, "gc", "-q")


def other_work_tree(scene: Scene) -> None:
    """A second work tree of the clone, on a branch of its own, with an edit."""
    scene.git(scene.clone, "worktree", "add", "-q", "-b", "topic", str(scene.root / "second"))
    (scene.root / "second" / "viatris.xml").write_text("of topic\n")


def linked(scene: Scene) -> None:
    """The clone is a second work tree of one that is elsewhere."""
    elsewhere = scene.root / "elsewhere"
    scene.clone.rename(elsewhere)
    scene.git(elsewhere, "checkout", "-q", "--detach")
    scene.git(elsewhere, "worktree", "add", "-q", str(scene.clone), "main")


def submodule(scene: Scene) -> None:
    """The remote moves a submodule that is checked out here."""
    library = scene.root / "library"
    scene.git(scene.root, "clone", "-q", str(scene.bare), str(library))
    scene.git(scene.ada, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "library")
    scene.git(scene.ada, "commit", "-q", "-m", "with a library")
    scene.git(scene.ada, "push", "-q")


def no_filter(scene: Scene) -> None:
    """Files for LFS come in, and its filter is asked for but not installed."""
    scene.git(scene.clone, "config", "filter.lfs.smudge", "git-no-lfs smudge -- %f")
    scene.git(scene.clone, "config", "filter.lfs.clean", "git-no-lfs clean -- %f")
    scene.git(scene.clone, "config", "filter.lfs.required", "true")
    (scene.ada / ".gitattributes").write_text("*.bin filter=lfs\n")
    (scene.ada / "large.bin").write_text("version https://git-lfs.github.com/spec/v1\n")
    scene.git(scene.ada, "add", ".")
    scene.git(scene.ada, "commit", "-q", "-m", "ada's large file")
    scene.git(scene.ada, "push", "-q")


def filter_there(scene: Scene) -> None:
    """The filter is installed."""
    for name in ("smudge", "clean"):
        scene.git(scene.clone, "config", f"filter.lfs.{name}", "cat")


def line_ends(scene: Scene) -> None:
    """A clone of somebody whose editor wants other line ends."""
    scene.git(scene.clone, "config", "core.autocrlf", "true")
    for name in ("viatris.xml", "other.xml"):
        path = scene.clone / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def phantom(scene: Scene) -> None:
    """Attributes that disagree with what was committed: edits that nobody made, and that nothing clears."""
    (scene.ada / "win.xml").write_bytes(b"one\r\ntwo\r\n")
    scene.git(scene.ada, "add", ".")
    scene.git(scene.ada, "commit", "-q", "-m", "with carriage returns")
    (scene.ada / ".gitattributes").write_text("*.xml text\n")
    scene.git(scene.ada, "add", ".gitattributes")
    scene.git(scene.ada, "commit", "-q", "-m", "attributes")
    scene.git(scene.ada, "push", "-q")
    scene.git(scene.clone, "pull", "-q", "--rebase")
    news(scene)


def cases(scene: Scene) -> None:
    """Names that differ in their case only: two files here, one on other systems."""
    scene.commit(scene.ada, {"Viatris.xml": "of ada\n"}, "ada's other case", push=True)


def odd_names(scene: Scene) -> None:
    """Names with everything in them."""
    for name in ("-dash.xml", "a name.xml", 'quo"te.xml', "new\nline.xml", "ümlaut.xml", "~", "*"):
        scene.commit(scene.ada, {f"odd/{name}": "of ada\n"}, "ada's odd name")
    scene.git(scene.ada, "push", "-q")


def clone_hook(
    *names: str, script: str = "echo changed >>other.xml; git add other.xml; exit 1"
) -> Callable[[Scene], None]:
    """The person's clone has hooks that change files and refuse."""

    def make(scene: Scene) -> None:
        for name in names:
            path = scene.clone / ".git" / "hooks" / name
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)

    return make


def no_clone_hook(scene: Scene) -> None:
    """They are taken away."""
    for path in (scene.clone / ".git" / "hooks").iterdir():
        path.unlink()


def signing(scene: Scene) -> None:
    """Commits here shall be signed, with a key that is not there."""
    scene.git(scene.clone, "config", "commit.gpgSign", "true")
    scene.git(scene.clone, "config", "push.gpgSign", "true")
    scene.git(scene.clone, "config", "user.signingKey", "0123456789ABCDEF")


def behind_a_link(scene: Scene) -> None:
    """The clone's place is a link to where it is."""
    real = scene.root / "real"
    scene.clone.rename(real)
    scene.clone.symlink_to(real)


def lent_objects(scene: Scene) -> None:
    """A clone that borrows objects of another repository."""
    again(scene, "--shared", str(scene.bare))


def merged_here(scene: Scene) -> None:
    """Ben has merged a branch of his own."""
    scene.git(scene.clone, "checkout", "-q", "-b", "topic")
    scene.commit(scene.clone, {"c.xml": "of topic\n"}, "topic's")
    scene.git(scene.clone, "checkout", "-q", "main")
    scene.commit(scene.clone, {"d.xml": "of ben\n"}, "ben's next")
    scene.git(scene.clone, "merge", "-q", "--no-edit", "topic")


def same_there(scene: Scene) -> None:
    """Ada has committed the same as Ben already."""
    scene.commit(scene.ada, {"c.xml": "the same\n"}, "by ada", push=True)
    scene.commit(scene.clone, {"c.xml": "the same\n"}, "by ben")


def leaked(scene: Scene) -> None:
    """Whoever started us had git's variables of another repository."""
    other = str(scene.root / "home" / ".git")
    scene.recording.environment = {
        **scene.recording.environment, "GIT_DIR": other, "GIT_WORK_TREE": str(scene.root / "home"),
        "GIT_INDEX_FILE": f"{other}/index",
    }  # fmt: skip


def occupied(scene: Scene) -> None:
    """The clone was moved, and something else is in its place."""
    scene.clone.rename(scene.root / "moved")
    scene.clone.mkdir()
    (scene.clone / "notes").write_text("of ben\n")


def vacated(scene: Scene) -> None:
    """The person moves it."""
    scene.clone.rename(scene.root / "notes")


def clone(scene: Scene) -> None:
    """The clone is made by the engine."""
    scene.made_engine().clone(scene.host, scene.repository)


def read(scene: Scene) -> None:
    """The manifests as they are on the remote."""
    scene.made_engine().read(scene.host, scene.repository, scene.tip())


def fetched(scene: Scene) -> None:
    """Somebody fetches."""
    scene.git(scene.clone, "fetch", "-q")


OK = ("",)
SITUATIONS = (
    Situation(
        name="a folder with files is where the clone shall be made", make=occupied, mend=vacated, act=clone,
        tries=("exists",), command="ls -la ", then="nothing is made; report",
    ),
    Situation(
        name="manifests of a revision that the clone does not have", make=nothing, mend=fetched, act=read,
        tries=("no-revision",), command="cd ", then="report",
    ),
    Situation(
        name="a shallow clone", make=shallow_and_behind, edits="none", tries=OK, then="lands and adopts",
    ),
    Situation(name="a sparse checkout", make=sparse, tries=OK, then="lands and adopts", edits="untracked"),
    Situation(name="a split index", make=split, tries=OK, then="lands and adopts", is_deep=True),
    Situation(name="an index without checksum", make=skip_hash, tries=OK, then="lands and adopts", is_deep=True),
    Situation(name="packed refs", make=packed, tries=OK, then="lands and adopts", is_deep=True),
    Situation(
        name="a second work tree with a branch and edits", make=other_work_tree, tries=OK, is_deep=True,
        then="lands and adopts; the other work tree is not touched",
    ),
    Situation(
        name="the clone is itself a second work tree", make=linked, edits="none", change=True, tries=OK, is_deep=True,
        then="lands and adopts",
    ),
    Situation(
        name="the remote adds a submodule", make=submodule, tries=OK, then="lands and adopts; only the index names it",
        is_deep=True,
    ),
    Situation(
        name="a required filter (LFS) is not installed", make=no_filter, mend=filter_there, tries=("git-failed",),
        command="git checkout-index ", then="local commits land, nothing is adopted; report",
    ),
    Situation(
        name="other line ends in the work tree (core.autocrlf)", make=line_ends, tries=OK, merged=("other.xml",),
        then="no edit is seen where there is none; lands and adopts", is_deep=True,
    ),
    Situation(
        name="attributes that disagree with what was committed", make=phantom, edits="untracked", tries=OK,
        then="lands and adopts beside the edits that nobody made", is_deep=True,
    ),
    Situation(
        name="names that differ in their case only", make=cases, tries=OK, then="lands and adopts both", is_deep=True,
    ),
    Situation(name="odd names of files", make=odd_names, tries=OK, then="lands and adopts", is_deep=True),
    Situation(
        name="hooks in the clone that change files and refuse",
        make=clone_hook("pre-commit", "commit-msg", "post-checkout", "post-merge", "post-commit", "pre-rebase"),
        change=True, tries=OK, then="none of them is run; lands and adopts",
    ),
    Situation(
        name="a pre-push hook in the clone refuses", make=clone_hook("pre-push", script="echo no >&2; exit 1"),
        mend=no_clone_hook, change=True, tries=("push-hook",), command="git push -q ",
        then="it is run: the change did not land; report",
    ),
    Situation(
        name="a pre-push hook in the clone hangs", make=clone_hook("pre-push", script="exec sleep 600"),
        mend=no_clone_hook, change=True, seconds=1.5, tries=("timeout",), lasts=True,
        then="it is ended at the deadline; nothing changes, left for later", is_deep=True,
    ),
    Situation(
        name="a reference-transaction hook in the clone refuses",
        make=clone_hook("reference-transaction", script="exit 1"),
        mend=no_clone_hook, change=True, tries=("network",) * 3, ends="git-failed", command="git fetch ", is_deep=True,
        then="the remote answers, so it is not the network: the change did not land; report",
    ),
    Situation(
        name="commits shall be signed, without a key", make=signing, change=True, tries=OK,
        then="what is replayed is not signed; lands and adopts", is_deep=True,
    ),
    Situation(
        name="the clone's place is a link", make=behind_a_link, change=True, tries=OK, then="lands and adopts",
        is_deep=True,
    ),
    Situation(
        name="a clone that borrows objects", make=lent_objects, edits="none", change=True, tries=OK,
        then="lands and adopts", is_deep=True,
    ),
    Situation(
        name="local history with merges of its own", make=merged_here, edits="untracked", change=True, tries=OK,
        then="merged as a whole, lands and adopts", is_deep=True,
    ),
    Situation(
        name="both sides committed the same", make=same_there, edits="untracked", tries=OK,
        then="left out (a snapshot has it); the rest lands", rewrites=True, is_deep=True,
    ),
    Situation(
        name="git's variables of another repository leaked in", make=leaked, change=True, tries=OK,
        then="lands in the clone that was meant; the other one is not touched", is_deep=True,
    ),
)  # fmt: skip
