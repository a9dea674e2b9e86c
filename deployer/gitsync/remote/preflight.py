"""What is found in a clone before anything is done: by files first, since many a git command hurts in an odd state."""

from __future__ import annotations

import contextlib
import os
import re
import time
from typing import Any, NamedTuple

from . import digest
from .failure import Stopped
from .git import Git, Result

OLDEST_GIT = (2, 39)
STALE_AFTER = 600.0
"""Seconds after which a lock that no process seems to hold is a person's business rather than worth waiting for."""
IN_PROGRESS = (
    ("rebase-apply/applying", "am-in-progress"),
    ("rebase-merge", "rebase-in-progress"),
    ("rebase-apply", "rebase-in-progress"),
    ("MERGE_HEAD", "merge-in-progress"),
    ("CHERRY_PICK_HEAD", "cherry-pick-in-progress"),
    ("REVERT_HEAD", "revert-in-progress"),
    ("sequencer", "cherry-pick-in-progress"),
    ("BISECT_LOG", "bisect-in-progress"),
)
STATUS = ["git", "status"]
BRANCH = "ref: refs/heads/"
MOST_NAMES = 5
"""Names of one branch that git follows, one after the other."""
INDEX_HEADER = 12
SHA256 = 64
"""Digits of such an object id."""


class Place(NamedTuple):
    """Where a clone is, as far as files tell."""

    top: str
    git_dir: str
    common_dir: str

    @property
    def own(self) -> str:
        """Our folder in it."""
        return os.path.join(self.git_dir, "deployer")


class Clone(NamedTuple):
    """A clone that can be worked with."""

    place: Place
    branch: str
    upstream: str
    """The branch on the remote: nearly always of the same name."""
    remote: str
    """`origin`."""
    url: str
    push_url: str
    head: str
    config: dict[str, list[str]]

    @property
    def ref(self) -> str:
        """The clone's branch, in full."""
        return "refs/heads/" + self.branch

    @property
    def seen(self) -> str:
        """Our private ref for the remote's branch: `refs/remotes/…` belongs to the people who use the clone."""
        return "refs/deployer/remote/" + self.upstream


def place(path: str) -> Place:
    """Find the repository at a path, which must be its top.

    Raises:
        Stopped: `missing`, `not-a-repository` or `empty-ref` (an empty HEAD, with which git would look further up).
    """
    top = os.path.realpath(os.path.expanduser(path))
    if not os.path.lexists(os.path.expanduser(path)) or not os.path.exists(top):
        raise Stopped("missing", argv=["git", "clone"])
    argv = ["git", "rev-parse", "--show-toplevel"]
    git_dir = os.path.join(top, ".git")
    if os.path.isfile(git_dir):
        git_dir = _linked(git_dir)
    if not os.path.isdir(git_dir) or not os.path.isdir(os.path.join(_common(git_dir), "objects")):
        raise Stopped("not-a-repository", argv=argv, facts={"empty": os.path.isdir(top) and not os.listdir(top)})
    if not _text(os.path.join(git_dir, "HEAD")).strip():
        raise Stopped("empty-ref", argv=argv, paths=[os.path.join(git_dir, "HEAD")], facts={"ref": "HEAD"})
    return Place(top, git_dir, _common(git_dir))


def _linked(pointer: str) -> str:
    target = _text(pointer).strip()
    target = target[len("gitdir: ") :] if target.startswith("gitdir: ") else ""
    return os.path.realpath(os.path.join(os.path.dirname(pointer), target)) if target else pointer


def _common(git_dir: str) -> str:
    named = _text(os.path.join(git_dir, "commondir")).strip()
    return os.path.realpath(os.path.join(git_dir, named)) if named else git_dir


def _text(path: str) -> str:
    try:
        with open(path, "rb") as handle:
            return handle.read(1 << 20).decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def check_files(found: Place, branch: str) -> str:
    """Look at the state that people (or a crash) left, and name the branch that is checked out.

    Raises:
        Stopped: with the class of what is in the way.
    """
    check_at_work(found)
    head = _text(os.path.join(found.git_dir, "HEAD")).strip()
    if not head.startswith(BRANCH):
        raise Stopped("detached", argv=["git", "symbolic-ref", "HEAD"], facts={"at": head, "wanted": branch})
    named = head[len(BRANCH) :]
    current = _target(found, named)
    if branch and branch not in (named, current):
        raise Stopped("wrong-branch", argv=STATUS, facts={"branch": current, "wanted": branch})
    _check_ref(found, current)
    check_index(found)
    return current


def _target(found: Place, named: str) -> str:
    """The branch that commits go to: one may be another name of another, and must stay that."""
    branch, said = named, ""
    for _ in range(MOST_NAMES):
        said = _text(os.path.join(found.common_dir, "refs", "heads", branch)).strip()
        if not said.startswith("ref:"):
            return branch
        if not said.startswith(BRANCH):
            break
        branch = said[len(BRANCH) :]
    stands_for = said[len("ref: ") :]
    why = f"{named} is no branch of its own: it stands for {stands_for} (refs/heads/{branch} is a symbolic ref)"
    raise Stopped("wrong-branch", argv=STATUS, stderr=why, facts={"branch": stands_for, "wanted": named})


def check_at_work(found: Place) -> None:
    """Find a merge, rebase … that somebody is in the middle of: it counts on a branch that does not move.

    Raises:
        Stopped: with its class.
    """
    for name, kind in IN_PROGRESS:
        if os.path.lexists(os.path.join(found.git_dir, name)):
            raise Stopped(kind, argv=STATUS, facts={"file": name})


def _check_ref(found: Place, branch: str) -> None:
    """A ref that a power cut emptied shows every file as added; a commit on it would start a new history."""
    path = os.path.join(found.common_dir, "refs", "heads", branch)
    if os.path.isfile(path) and not re.fullmatch(r"([0-9a-f]{40}|[0-9a-f]{64})", _text(path).strip()):
        raise empty_ref(found, "refs/heads/" + branch)


def empty_ref(found: Place, ref: str) -> Stopped:
    """A ref that is no ref any more, with the commit that it had last, where a log says so."""
    log = _text(os.path.join(found.common_dir, "logs", *ref.split("/"))).strip().splitlines()
    last = log[-1].split(" ")[1] if log else ""
    path = os.path.join(found.common_dir, *ref.split("/"))
    return Stopped(
        "empty-ref", argv=["git", "rev-parse", "--verify", ref], paths=[path], facts={"ref": ref, "last": last}
    )


def check_index(found: Place) -> None:
    """Without its index every file shows as deleted: `commit -a` would delete them all.

    Raises:
        Stopped: `index-missing`, `index-corrupt`.
    """
    path = os.path.join(found.git_dir, "index")
    if not os.path.exists(path):
        raise Stopped("index-missing", argv=STATUS, paths=[path])
    with open(path, "rb") as handle:
        data = handle.read()
    if len(data) < INDEX_HEADER or data[:4] != b"DIRC" or not _is_whole(data):
        raise Stopped("index-corrupt", argv=STATUS, paths=[path])


def _is_whole(index: bytes) -> bool:
    """Whether an index ends with its checksum; git itself looks at it in `fsck` only, and takes garbage for edits."""
    for algorithm in (digest.sha1, digest.sha256):
        size = algorithm(b"").digest_size
        end = index[-size:]
        # All zeros: `index.skipHash` is set.
        if end in (algorithm(index[:-size]).digest(), bytes(size)):
            return True
    return False


def check_locks(found: Place, branch: str) -> None:
    """Find lock files of other git processes, which nobody may remove for them.

    Raises:
        Stopped: `lock` when somebody may be at work, `stale-lock` when nobody seems to be.
    """
    names = (
        (found.git_dir, "index.lock"),
        (found.git_dir, "HEAD.lock"),
        (found.common_dir, "packed-refs.lock"),
        (found.common_dir, "config.lock"),
        (found.common_dir, "shallow.lock"),
        (found.common_dir, "refs/heads/" + branch + ".lock"),
    )
    for folder, name in names:
        path = os.path.join(folder, name)
        if os.path.lexists(path):
            raise locked(found, path)


def locked(found: Place, path: str) -> Stopped:
    """What a lock file of somebody else stops: `lock` when somebody may be at work, else `stale-lock`."""
    try:
        age = time.time() - os.lstat(path).st_mtime
    except FileNotFoundError:
        age = 0.0
    stale = age > STALE_AFTER and not in_use(found, path)
    return Stopped("stale-lock" if stale else "lock", argv=["ls", "-l", path], paths=[path], facts={"age": int(age)})


def in_use(found: Place, lock: str) -> bool:
    """Whether a process has the lock open, or a git process stands in the clone (an editor holds it for `commit`)."""
    for process in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else []):
        folder = "/proc/" + process
        with contextlib.suppress(OSError):
            if any(_links_to(folder + "/fd/" + name, lock) for name in os.listdir(folder + "/fd")):
                return True
            inside = (os.readlink(folder + "/cwd") + "/").startswith(found.top + "/")
            if inside and _text(folder + "/comm").strip() == "git":
                return True
    return False


def _links_to(link: str, target: str) -> bool:
    try:
        return os.readlink(link) == target
    except OSError:
        return False


def open_clone(git: Git, found: Place, request: dict[str, Any], branch: str) -> Clone:
    """Ask git about the clone, now that the files look sound.

    Raises:
        Stopped: with the class of what is in the way.
    """
    version, listed = git.run_both("version", "config", "--list", "-z")
    _check_version(version)
    config = _config(listed)
    # For files of ours git does not refuse, and nothing but these settings can put its work tree elsewhere.
    if any(os.stat(path).st_uid != os.geteuid() for path in (found.top, found.git_dir)) or (
        "core.worktree" in config or "core.bare" not in config or config["core.bare"][-1] != "false"
    ):
        _check_top(git, found)
    clone = _configured(git, config, found, request, branch)
    clone = clone._replace(head=git.resolve(clone.ref + "^{commit}"))
    if not clone.head:
        # A branch whose commit cannot be read is not a new one; `cat-file` of git 2.47 calls that commit missing.
        is_named = git.run("rev-parse", "--verify", "--quiet", clone.ref).code == 0
        raise git.run("rev-parse", "--verify", clone.ref + "^{commit}").stopped("" if is_named else "no-commits")
    if "core.sharedrepository" not in config:
        git.objects = os.path.join(found.common_dir, "objects")
        git.sha256 = len(clone.head) == SHA256
    return clone


def _check_top(git: Git, found: Place) -> None:
    top = git.run("rev-parse", "--show-toplevel")
    if top.code != 0:
        foreign = os.stat(found.top).st_uid != os.geteuid()
        raise top.stopped("ownership" if foreign else "git-failed", facts=_owners(found))
    if os.path.realpath(os.fsdecode(top.stdout.rstrip(b"\n"))) != found.top:
        raise top.stopped("not-a-repository", facts={"work_tree": os.fsdecode(top.stdout).rstrip("\n")})


def _check_version(result: Result) -> None:
    numbers = re.search(rb"(\d+)\.(\d+)", result.stdout)
    if result.code != 0 or numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST_GIT:
        raise result.stopped("no-git")


def _owners(found: Place) -> dict[str, Any]:
    return {"owner": os.stat(found.top).st_uid, "user": os.geteuid()}


def _configured(git: Git, config: dict[str, list[str]], found: Place, request: dict[str, Any], branch: str) -> Clone:
    named = config.get("branch." + branch + ".remote", [""])[-1]
    wanted = request.get("remote", "")
    remote = "origin" if wanted or named in ("", ".") else named
    urls = config.get("remote." + remote + ".url", [])
    if not urls:
        raise Stopped("no-remote", argv=["git", "remote", "get-url", remote], facts={"wanted": wanted})
    push_urls = config.get("remote." + remote + ".pushurl", urls)
    for url in (urls[0], push_urls[0]):
        if wanted and _plain(url) != _plain(wanted):
            argv = ["git", "remote", "-v"]
            raise Stopped("other-remote", argv=argv, facts={"url": url, "wanted": wanted, "remote": remote})
    merge = config.get("branch." + branch + ".merge", [""])[-1]
    upstream = request.get("branch", "") or (merge[len("refs/heads/") :] if merge.startswith("refs/heads/") else branch)
    git.ssh_command = config.get("core.sshcommand", [""])[-1]
    return Clone(found, branch, upstream, remote, urls[0], push_urls[0], "", config)


def _config(listed: Result) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    if listed.code != 0:
        raise listed.stopped("bad-config")
    for entry in listed.stdout.decode("utf-8", "surrogateescape").split("\0"):
        name, _, value = entry.partition("\n")
        values.setdefault(name, []).append(value)
    return values


def _plain(url: str) -> str:
    """A URL without what makes no difference to where it points."""
    url = re.sub(r"^file://(?=/)", "", url.strip())
    return re.sub(r"(\.git)?/*$", "", os.path.expanduser(url))
