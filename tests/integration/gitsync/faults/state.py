"""Situations: refs, index, objects and configuration of the clone are broken, or the machine lacks something."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.integration.gitsync.faults.scene import Scene
from tests.integration.gitsync.faults.servers import Tmpfs
from tests.integration.gitsync.faults.situation import Situation

NOBODY = 65534
SMALL = "size=1m,nr_inodes=400"


def broken(name: str, change: Callable[[bytes], bytes]) -> Callable[[Scene], None]:
    """A file of `.git` with other bytes."""

    def make(scene: Scene) -> None:
        path = scene.clone / ".git" / name
        path.write_bytes(change(path.read_bytes()))

    return make


def emptied(data: bytes) -> bytes:
    """As a power cut leaves it."""
    return data[:0]


def halved(data: bytes) -> bytes:
    """Cut in the middle."""
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    """One bit wrong in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :]


def no_index(scene: Scene) -> None:
    """No index."""
    (scene.clone / ".git" / "index").unlink()


def broken_object(name: str) -> Callable[[Scene], None]:
    """An object that a power cut emptied; a copy of it is kept aside."""

    def make(scene: Scene) -> None:
        oid = scene.git(scene.clone, "rev-parse", name)
        path = scene.clone / ".git" / "objects" / oid[:2] / oid[2:]
        shutil.copy2(path, scene.root / "kept-object")
        path.chmod(0o644)
        path.write_bytes(b"")
        (scene.root / "where").write_text(str(path))

    return make


def object_from_backup(scene: Scene) -> None:
    """The object from a backup."""
    path = Path((scene.root / "where").read_text())
    shutil.copy2(scene.root / "kept-object", path)


def bad_config(scene: Scene) -> None:
    """A line in the clone's configuration that git cannot read."""
    with (scene.clone / ".git" / "config").open("a") as stream:
        stream.write("[remote\n")


def good_config(scene: Scene) -> None:
    """Without that line."""
    path = scene.clone / ".git" / "config"
    path.write_text(path.read_text().removesuffix("[remote\n"))


def no_remote(scene: Scene) -> None:
    """The clone has no remote any more."""
    scene.git(scene.clone, "remote", "remove", "origin")


def other_remote(scene: Scene) -> None:
    """The clone belongs to another remote."""
    scene.git(scene.clone, "remote", "set-url", "origin", "ssh://git:hunter2@elsewhere.invalid/x.git")


def other_push_remote(scene: Scene) -> None:
    """It would push elsewhere."""
    scene.git(scene.clone, "remote", "set-url", "--push", "origin", "ssh://git@elsewhere.invalid/x.git")


def same_push_remote(scene: Scene) -> None:
    """It pushes where it fetches."""
    scene.git(scene.clone, "config", "--unset", "remote.origin.pushurl")


def foreign_work_tree(scene: Scene) -> None:
    """The clone's work tree is said to be elsewhere."""
    (scene.root / "elsewhere").mkdir()
    scene.git(scene.clone, "config", "core.worktree", str(scene.root / "elsewhere"))


def own_work_tree(scene: Scene) -> None:
    """It is not."""
    path = scene.clone / ".git" / "config"
    kept = [line for line in path.read_text().splitlines(keepends=True) if "worktree" not in line]
    path.write_text("".join(kept))


def nobody_to_commit(scene: Scene) -> None:
    """Nobody's name is set on the host, and the settings give none."""
    scene.identity = ""
    (scene.root / "home" / ".gitconfig").write_text("[user]\nuseConfigOnly = true\n")


def somebody_to_commit(scene: Scene) -> None:
    """The person fills in what stands in capitals."""
    scene.git(scene.clone, "config", "--global", "user.name", "Ben")


def no_git(scene: Scene) -> None:
    """A host without git."""
    (scene.root / "bin" / "git").rename(scene.root / "bin" / "git.away")
    scene.recording.environment = {**scene.recording.environment, "PATH": str(scene.root / "bin")}


def git_again(scene: Scene) -> None:
    """It is installed."""
    (scene.root / "bin" / "git.away").rename(scene.root / "bin" / "git")
    path = f"{scene.root / 'bin'}:{scene.environment['PATH']}"
    scene.recording.environment = {**scene.recording.environment, "PATH": path}


def old_git(scene: Scene) -> None:
    """The first git in the PATH says that it is of 2020."""
    wrapper = scene.root / "bin" / "git"
    text = wrapper.read_text()
    (scene.root / "bin" / "git.away").write_text(text)
    (scene.root / "bin" / "git.away").chmod(0o755)
    said = 'case "$*" in *" version") echo git version 2.25.1; exit 0;; esac\n'
    wrapper.write_text(text.replace("exec ", said + "exec "))


def foreign(scene: Scene) -> None:
    """The clone belongs to another user."""
    for path in (scene.clone, *scene.clone.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def own_again(scene: Scene) -> None:
    """It is given back."""
    for path in (scene.clone, *scene.clone.rglob("*")):
        os.chown(path, os.geteuid(), os.getegid(), follow_symlinks=False)


def obeying(scene: Scene) -> None:
    """The program runs as somebody whom modes bind: root without that privilege, or anybody else."""
    if os.geteuid() == 0:
        without = "-dac_override,-dac_read_search,-fowner"
        scene.recording.prefix = ("setpriv", f"--bounding-set={without}", f"--inh-caps={without}", "--")


def closed(*names: str) -> Callable[[Scene], None]:
    """Folders of the clone into which nobody may write."""

    def make(scene: Scene) -> None:
        obeying(scene)
        if os.geteuid() == 0:
            obey_in_folders(scene)
        for name in names:
            (scene.clone / name).chmod(0o555)
            scene.undo.append(lambda path=scene.clone / name: path.chmod(0o755))  # type: ignore[misc]

    return make


def obey_in_folders(scene: Scene) -> None:
    """Root without its privilege owns what root made: nothing more to do, and nobody else could come here."""
    assert scene.clone.stat().st_uid == os.geteuid()


def opened(scene: Scene) -> None:
    """And now they may."""
    while scene.undo:
        scene.undo.pop()()


def limited(*limits: str) -> Callable[[Scene], None]:
    """The program runs under limits of the machine."""

    def make(scene: Scene) -> None:
        scene.recording.prefix = ("prlimit", *limits, "--")

    return make


def too_large_here(scene: Scene) -> None:
    """A file on the remote of which the clone may not have the size."""
    data = random.Random(1).randbytes(300_000).hex()
    scene.commit(scene.ada, {"large.txt": data}, "ada's large file", push=True)
    limited("--fsize=100000")(scene)


def unlimited(scene: Scene) -> None:
    """And without."""
    scene.recording.prefix = ()


def moved_to(options: str, *, fill: str = "") -> Callable[[Scene], None]:
    """The clone is on a small file system of its own."""

    def make(scene: Scene) -> None:
        aside = scene.clone.with_name("aside")
        scene.clone.rename(aside)
        scene.clone.mkdir()
        disk = Tmpfs(scene.clone, options)
        scene.undo.append(disk.unmount)
        subprocess.run(["cp", "-a", f"{aside}/.", scene.clone], check=True)
        shutil.rmtree(aside)
        if fill == "bytes":
            fill_bytes(scene.clone / ".git" / "filler")
        elif fill == "inodes":
            _fill_inodes(scene.clone / ".git" / "fillers")
        elif fill == "read-only":
            disk.remount("ro")
            scene.undo.append(lambda: disk.remount("rw"))

    return make


def fill_bytes(path: Path) -> None:
    """All that there is."""
    subprocess.run(["dd", "if=/dev/zero", f"of={path}", "bs=4k"], check=False, capture_output=True)


def _fill_inodes(folder: Path) -> None:
    folder.mkdir()
    for number in range(1000):
        try:
            (folder / str(number)).touch()
        except OSError:
            return


def room_again(scene: Scene) -> None:
    """Somebody makes room."""
    subprocess.run(["rm", "-rf", scene.clone / ".git" / "filler", scene.clone / ".git" / "fillers"], check=True)


def writable(scene: Scene) -> None:
    """It is mounted for writing."""
    scene.undo.pop()()


def garbled_journal(scene: Scene) -> None:
    """Our own journal is garbage."""
    own = scene.clone / ".git" / "deployer"
    own.mkdir(exist_ok=True)
    (own / "journal.json").write_bytes(b'{"attempts": [{')


def private_ref(change: Callable[[bytes], bytes]) -> Callable[[Scene], None]:
    """Our private ref is broken."""

    def make(scene: Scene) -> None:
        scene.sync()
        scene.commit(scene.clone, {"c.xml": "more\n"}, "ben's next")
        broken("refs/deployer/remote/main", change)(scene)

    return make


def tracking_ref(scene: Scene) -> None:
    """And git's own, of the remote's branch."""
    (scene.clone / ".git" / "refs" / "remotes" / "origin" / "main").write_bytes(b"")


REPORT = "report; nothing is repaired by deleting"
SITUATIONS = (
    Situation(
        name="the branch's ref is empty", make=broken("refs/heads/main", emptied), tries=("empty-ref",),
        command="git rev-parse --verify refs/heads/main", names="refs/heads/main", then=REPORT, merged=("other.xml",),
    ),
    Situation(
        name="HEAD is empty", make=broken("HEAD", emptied), tries=("empty-ref",), merged=("other.xml",),
        command="git rev-parse --show-toplevel", names="HEAD",
        then="report; a repository around the clone is not taken for it", is_deep=True,
    ),
    Situation(
        name="the index is gone", make=no_index, tries=("index-missing",), command="git status", names="index",
        then=REPORT,
    ),
    Situation(
        name="the index is empty", make=broken("index", emptied), tries=("index-corrupt",), command="git status",
        names="index", then=REPORT,
    ),
    Situation(
        name="the index is cut in the middle", make=broken("index", halved), tries=("index-corrupt",),
        names="index", then=REPORT, is_deep=True,
    ),
    Situation(
        name="a bit of the index is wrong", make=broken("index", flipped), tries=("index-corrupt",),
        names="index", then=REPORT, is_deep=True,
    ),
    Situation(
        name="the commit of the branch is an empty object", make=broken_object("HEAD"), mend=object_from_backup,
        tries=("git-failed",), then=REPORT, merged=("other.xml",),
    ),
    Situation(
        name="a file of a local commit is an empty object", make=broken_object("HEAD:b.xml"), mend=object_from_backup,
        tries=("git-failed",), then="nothing lands; report", is_deep=True,
    ),
    Situation(
        name="the clone's configuration cannot be read", make=bad_config, mend=good_config, tries=("bad-config",),
        command="git config --list", then="report", merged=("other.xml",),
    ),
    Situation(
        name="the clone has no remote", make=no_remote, tries=("no-remote",), command="git remote get-url origin",
        then="report",
    ),
    Situation(
        name="the clone has another remote", make=other_remote, tries=("other-remote",), command="git remote -v",
        then="report, without the password in the URL",
    ),
    Situation(
        name="the clone pushes elsewhere", make=other_push_remote, mend=same_push_remote, tries=("other-remote",),
        command="git remote -v", then="report", is_deep=True,
    ),
    Situation(
        name="the clone's work tree is elsewhere", make=foreign_work_tree, mend=own_work_tree,
        tries=("not-a-repository",), command="git rev-parse --show-toplevel", then="report", is_deep=True,
    ),
    Situation(
        name="the host has no name and mail", make=nobody_to_commit, mend=somebody_to_commit, tries=("identity",),
        command="git var GIT_COMMITTER_IDENT", then="nothing lands; report",
    ),
    Situation(
        name="there is no git", make=no_git, mend=git_again, tries=("no-git",), command="git --version",
        then="report",
    ),
    Situation(
        name="git is too old", make=old_git, mend=git_again, tries=("no-git",), command="git version", then="report",
        is_deep=True,
    ),
    Situation(
        name="the clone belongs to another user", make=foreign, mend=own_again, tries=("ownership",),
        command="git rev-parse --show-toplevel", then="report; no safe.directory is set", needs_root=True,
        merged=("other.xml",),
    ),
    Situation(
        name="nobody may write into .git", make=closed(".git"), mend=opened, tries=("permission",), then="report",
    ),
    Situation(
        name="nobody may write into the objects", make=closed(".git/objects"), mend=opened, tries=("permission",),
        then="report", is_deep=True,
    ),
    Situation(
        name="nobody may write into the work tree", make=closed("."), mend=opened, tries=("permission",),
        paths=(".",), then="lands, nothing is adopted; report", is_deep=True,
    ),
    Situation(
        name="the file system is read-only", make=moved_to("size=8m", fill="read-only"), mend=writable,
        tries=("permission",), then="report", needs_root=True, is_deep=True,
    ),
    Situation(
        name="the disk of the clone is full", make=moved_to(SMALL, fill="bytes"), mend=room_again,
        tries=("disk-full",), then="report", needs_root=True,
    ),
    Situation(
        name="the disk of the clone has no inode left", make=moved_to(SMALL, fill="inodes"), mend=room_again,
        tries=("disk-full",), then="report", needs_root=True, is_deep=True,
    ),
    Situation(
        name="what the remote has is larger than any file may be", make=too_large_here, mend=unlimited,
        tries=("network",) * 3, ends="git-failed", then="the remote answers, so it is not the network: report",
        is_deep=True,
    ),
    Situation(
        name="no more than seven files may be open", make=limited("--nofile=7"), mend=unlimited,
        tries=("git-failed",), then="report", is_deep=True,
    ),
    Situation(
        name="our journal is cut", make=garbled_journal, change=True, tries=("",), then="lands", is_deep=True,
    ),
    Situation(
        name="our private ref is empty", make=private_ref(emptied), change=True, tries=("",), then="lands",
        is_deep=True,
    ),
    Situation(
        name="our private ref is garbage", make=private_ref(lambda _data: b"no object\n"), change=True, tries=("",),
        then="lands", is_deep=True,
    ),
    Situation(
        name="origin/main is empty", make=tracking_ref, change=True, tries=("empty-ref",),
        command="git rev-parse --verify refs/remotes/origin/main", names="refs/remotes/origin/main",
        then="git can fetch nothing: the change did not land; report",
    ),
)  # fmt: skip
