"""Trees read, compared, merged and written without git come to what git itself comes to."""

from __future__ import annotations

import contextlib
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deployer.gitsync.remote import trees
from deployer.gitsync.remote.git import Git
from tests.budget.marks import rotating

NAMES = ("a", "a.b", "a/b", "a/c", "a0", "b/c/d", "b/c/e", "b/x", "ä ö.xml", "z")
NOBODY = "deployer <deployer@localhost> 0 +0000"


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Git]:
    """A repository that we write objects into."""
    monkeypatch.setenv("HOME", str(tmp_path))
    subprocess.run(["git", "init", "-q", tmp_path / "clone"], check=True, capture_output=True)
    with contextlib.closing(Git(str(tmp_path / "clone"), time.monotonic() + 600)) as found:
        found.objects = str(tmp_path / "clone" / ".git" / "objects")
        yield found


def some(seed: random.Random) -> dict[str, str]:
    """Files and what they hold; a file and a folder of one name never meet.

    No two hold the same: `git merge-tree` 2.39 would take that for a rename, whatever `merge.renames` says.
    """
    files: dict[str, str] = {}
    for name in seed.sample(NAMES, seed.randint(1, len(NAMES))):
        if not any(name.startswith(other + "/") or other.startswith(name + "/") for other in files):
            files[name] = f"{name} {seed.randint(0, 2)}"
    return files


def changed(seed: random.Random, files: dict[str, str], names: Sequence[str]) -> dict[str, str]:
    """The files, where each of some names is as before, gone, or holds something new."""
    fates = {name: seed.choice(("same", "gone", "new")) for name in names}
    new = {name: f"{name} {seed.random()}" for name, fate in fates.items() if fate == "new"}
    return {name: text for name, text in files.items() if fates.get(name) != "gone"} | new


def by_git(git: Git, files: dict[str, str]) -> str:
    """The tree of some files, as git's index makes it."""
    index = str(Path(git.top) / ".git" / "other-index")
    Path(index).unlink(missing_ok=True)
    blobs = {name: git.line("hash-object", "-w", "--stdin", stdin=content.encode()) for name, content in files.items()}
    lines = "".join(f"100644 {oid}\t{name}\0" for name, oid in blobs.items())
    git.ok("update-index", "-z", "--index-info", stdin=lines.encode(), index=index)
    return git.line("write-tree", index=index)


def ours(git: Git, files: dict[str, str]) -> str | None:
    """The same by us."""
    entries = {name: ("100644", trees.write_object(git, "blob", text.encode())) for name, text in files.items()}
    return trees.with_entries(git, "", entries)


def commit(git: Git, tree: str, *parents: str) -> str:
    """A commit, for git's merge."""
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {NOBODY}", f"committer {NOBODY}"]
    return trees.write_object(git, "commit", ("\n".join(lines) + "\n\nmessage\n").encode())


@pytest.mark.parametrize("case", rotating(25, 375, 0.1))
def test_trees_are_those_of_git(git: Git, case: str) -> None:
    """Random trees: written, compared and merged, we and git say the same; where both changed a file, git decides."""
    seed = random.Random(case)
    base, left, right = (some(seed) for _ in range(3))
    oids = [by_git(git, files) for files in (base, left, right)]

    assert [ours(git, files) for files in (base, left, right)] == oids
    said = git.ok("diff-tree", "-r", "-z", "--no-renames", "--name-only", oids[0], oids[1]).decode().split("\0")[:-1]
    assert sorted(path for path, _old, _new in trees.differences(git, oids[0], oids[1])) == sorted(said)
    root = commit(git, oids[0])
    sides = commit(git, oids[1], root), commit(git, oids[2], root)
    result = git.run("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", *sides)
    merged = trees.merge_trees(git, *oids)
    if merged is not None:
        assert result.code == 0
        assert merged == result.stdout.split(b"\0")[0].decode()


@pytest.mark.parametrize("case", rotating(25, 375, 0.1))
def test_a_merge_of_different_files_is_that_of_git(git: Git, case: str) -> None:
    """Each side changes, adds and takes away files of its own, in folders that stay: nothing is left to git."""
    seed = random.Random(case)
    names = seed.sample(NAMES[1:], len(NAMES) - 1)  # without `a`, which is a folder in others
    kept = ("a/kept", "b/kept", "b/c/kept")
    base = {name: f"{name} base" for name in names if seed.random() < 0.7} | {name: name for name in kept}
    left, right = (changed(seed, base, mine) for mine in (names[:4], names[4:]))
    oids = [by_git(git, files) for files in (base, left, right)]
    root = commit(git, oids[0])
    said = git.ok("merge-tree", "--write-tree", commit(git, oids[1], root), commit(git, oids[2], root))

    assert trees.merge_trees(git, *oids) == said.decode().strip()


@pytest.mark.parametrize("name", [".git/config", "a/.GIT/x", "git~1", "a\\b", "a//b", "../a", "c:d"])
def test_a_name_that_git_may_refuse_is_left_to_git(git: Git, name: str) -> None:
    """A manifest's path must not get out of the clone, or into its .git."""
    blob = trees.write_object(git, "blob", b"x")

    assert trees.with_entries(git, "", {name: ("100644", blob)}) is None


def test_an_object_that_a_power_cut_emptied_is_written_again(git: Git) -> None:
    """An empty object file is no object."""
    oid = trees.write_object(git, "blob", b"manifest\n")
    path = Path(git.objects) / oid[:2] / oid[2:]
    path.unlink()
    path.touch()

    assert trees.write_object(git, "blob", b"manifest\n") == oid
    assert git.contents(oid).data == b"manifest\n"
