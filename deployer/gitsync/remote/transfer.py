"""Fetch and push, and what can be told of their failures without reading messages."""

from __future__ import annotations

import os
import re
from typing import Any

from . import history, preflight, refs
from .failure import Stopped
from .git import Git, Result
from .preflight import Clone, Place

SSH_FAILED = 255
BY_CLIENT = "rejected"
"""Of the porcelain line: git looked at the remote's branch, found that it had moved on, and sent nothing."""
UNPACKER = "unpacker error"
"""Of the porcelain line, since 2005: the server could not unpack what came."""
NO_SUCH_REF = 2
"""Of `ls-remote --exit-code`."""
FETCH = (
    "fetch", "--quiet", "--no-tags", "--no-prune", "--refmap=", "--no-write-fetch-head",
    "--no-recurse-submodules", "--no-auto-maintenance",
)  # fmt: skip


def fetch(git: Git, clone: Clone) -> str:
    """Bring the remote's branch into our private ref, and return its tip.

    Without `+`: then a force-push is an exit code, not a silent loss, and a login page in place of git is one too.

    Raises:
        Stopped: the remote could not be read, or its history is not what it was.
    """
    refspec = f"refs/heads/{clone.upstream}:{clone.seen}"
    result = git.run(*FETCH, clone.remote, refspec, network=True)
    if result.code == 1 and not result.timed_out:
        if _made_way(git, clone):
            return fetch(git, clone)
        tip = _rewritten(git, clone, result)
        _check_related(git, clone, tip, result)
        return tip
    if result.code != 0:
        raise _failed(git, clone, result, clone.url)
    tip = git.resolve(clone.seen + "^{commit}")
    if not tip:
        raise result.stopped("git-failed")
    _check_related(git, clone, tip, result)
    return tip


def _made_way(git: Git, clone: Clone) -> bool:
    """Drop our private refs of branches that were called so before: `release` is in the way of `release/1`."""
    names = refs.listed(git, clone.place, "refs/deployer/remote")
    clashing = [name for name in names if clone.seen.startswith(name + "/") or name.startswith(clone.seen + "/")]
    refs.drop(git, clone.place, clashing)
    left = refs.listed(git, clone.place, "refs/deployer/remote") if clashing else {}
    return bool(clashing) and not {*clashing} & left.keys()


def _check_related(git: Git, clone: Clone, tip: str, result: Result) -> None:
    if not git.nearest(clone.head) & git.nearest(tip) and git.run("merge-base", clone.head, tip).code == 1:
        raise result.stopped("unrelated-history", facts={"remote": tip})


def _rewritten(git: Git, clone: Clone, result: Result) -> str:
    """The remote's branch is no descendant of what we saw last: accept it only where nothing of the clone is lost."""
    listed = git.run("ls-remote", "--exit-code", clone.remote, "refs/heads/" + clone.upstream, network=True)
    tip = listed.stdout.decode().split("\t")[0]
    if listed.code != 0:
        raise _failed(git, clone, result, clone.url)
    aside = "refs/deployer/moved/" + tip
    again = git.run(*FETCH, clone.remote, f"refs/heads/{clone.upstream}:{aside}", network=True)
    if again.code != 0:
        raise _failed(git, clone, again, clone.url)
    tip = git.line("rev-parse", "--verify", aside + "^{commit}")
    known = git.resolve(clone.seen + "^{commit}")
    if not known or git.is_ancestor(known, tip):
        # Not rewritten: our private ref itself could not be written.
        lock = os.path.join(clone.place.common_dir, clone.seen + ".lock")
        raise result.stopped("lock" if os.path.exists(lock) else "git-failed", paths=[lock])
    if _loses(git, clone.head, known, tip):
        gone = history.commits(git, known, "^" + tip)
        raise result.stopped("force-pushed", facts={"was": known, "remote": tip, "aside": aside}, theirs=gone)
    git.ok("update-ref", clone.seen, tip, known)
    refs.drop(git, clone.place, [aside])
    return tip


def _loses(git: Git, head: str, known: str, tip: str) -> bool:
    """Whether the remote had commits of the clone, as they are or replayed, and dropped them."""
    if git.is_ancestor(head, tip):
        return False
    dropped, own = (_identities(git, commit, "^" + tip) for commit in (known, head))
    return bool(dropped.keys() & own.keys() or {*dropped.values()} & {*own.values()})


def _identities(git: Git, *revisions: str) -> dict[str, bytes]:
    """Commits -> author, date and subject, which a replay keeps."""
    said = git.ok("log", "-z", "--format=%H%x02%an <%ae> %aI %s", *revisions, "--").split(b"\0")
    found = [line.partition(b"\2") for line in said if line]
    return {oid.decode(): name for oid, _, name in found}


def _failed(git: Git, clone: Clone, result: Result, url: str, *, answers: bool = False) -> Stopped:
    """What can be told of a failure by looking at the clone and, unless it is known to answer, at the remote."""
    broken = refs.broken(clone.place)
    if broken:
        return preflight.empty_ref(clone.place, broken[0])
    facts: dict[str, Any] = {"scheme": scheme(url), "path_missing": path_missing(url, git.top), "answers": answers}
    if not (answers or result.timed_out or facts["path_missing"] or result.ssh_exit == SSH_FAILED):
        # By its name, as it was fetched: settings of the remote (uploadpack, proxy) count.
        where = clone.remote if url == clone.url else url
        listed = git.run("ls-remote", "--exit-code", where, "refs/heads/" + clone.upstream, network=True)
        facts.update(answers=listed.code == 0, branch_missing=listed.code == NO_SUCH_REF)
    facts["disk_full"] = disk_full(clone.place.common_dir)
    facts["denied"] = denied(clone.place)
    if not facts["answers"]:
        from . import tls

        own = clone.config.get(f"remote.{clone.remote}.proxy") if url == clone.url else None
        facts["untrusted"] = tls.refused(git, url, result, own[-1] if own else None)
    return result.stopped("", facts=facts)


def push(git: Git, clone: Clone, new: str, tip: str) -> Stopped | None:
    """Push a commit, and look at the remote when that seems to have failed: the answer may be what got lost.

    By URL: by the remote's name git would move `refs/remotes/…` too, and leave its lock when it is killed.

    Args:
        git: the clone.
        clone: the clone.
        new: the commit.
        tip: the remote's tip that it was made on.

    Returns:
        None when the commit is on the remote; else why it is not.
    """
    program = [f"--receive-pack={name}" for name in clone.config.get(f"remote.{clone.remote}.receivepack", [])[-1:]]
    refspec = f"{new}:refs/heads/{clone.upstream}"
    result = git.run("push", "-q", "--porcelain", *program, clone.push_url, refspec, network=True)
    if result.code == 0:
        git.run("update-ref", clone.seen, new, tip)
        return None
    flags = _flags(result)
    if flags.get("rejected") == BY_CLIENT and not result.timed_out:
        return result.stopped("", facts={"moved": True, **flags})
    try:
        seen = fetch(git, clone)
    except Stopped as blind:
        if blind.kind in ("force-pushed", "unrelated-history"):
            return blind
        stopped = _failed(git, clone, result, clone.push_url)
        stopped.evidence["facts"]["blind"] = True
        return stopped
    if git.is_ancestor(new, seen):
        return None
    # The remote answers and moved on: no need to ask it what else there may be.
    stopped = result.stopped("") if seen != tip else _failed(git, clone, result, clone.push_url, answers=True)
    stopped.evidence.setdefault("facts", {}).update(moved=seen != tip, **flags)
    return _unpackable(git, new, tip) or stopped if flags.get("reason") == UNPACKER and seen == tip else stopped


def _unpackable(git: Git, new: str, tip: str) -> Stopped | None:
    """The server says `unpacker error` too where an object of the clone is broken: try to pack what was pushed."""
    packed = git.run("pack-objects", "--revs", "--stdout", "-q", stdin=f"{new}\n^{tip}\n".encode())
    return packed.stopped("git-failed", stdout="") if packed.code != 0 else None


def _flags(result: Result) -> dict[str, Any]:
    """The fields of the porcelain line that tells of a rejected ref."""
    found = re.search(
        r"^!\t[^\t]*\t\[([^\]]*)\](?: \((.*)\))?$", result.stdout.decode("utf-8", "replace"), re.MULTILINE
    )
    return {"rejected": found[1], "reason": found[2] or ""} if found else {}


def scheme(url: str) -> str:
    """`ssh`, `http`, `git` or `file`, as git understands the URL."""
    named = re.match(r"([a-z+]+)://", url)
    if named:
        return {"https": "http", "git+ssh": "ssh", "ssh+git": "ssh"}.get(named[1], named[1])
    return "ssh" if re.match(r"[^/]+:", url) else "file"


def path_missing(url: str, top: str) -> bool:
    """Whether a remote that is a folder of this machine is not there."""
    if scheme(url) != "file":
        return False
    path = re.sub(r"^file://", "", url)
    return not os.path.exists(os.path.join(top, os.path.expanduser(path)))


def denied(place: Place) -> list[str]:
    """Folders of git into which we may not write, and so no git of ours."""
    names = ("", "objects", "refs", "refs/deployer", "refs/deployer/remote", "deployer")
    paths = [os.path.join(place.common_dir, name) if name else place.git_dir for name in names]
    return [path for path in paths if os.path.isdir(path) and not os.access(path, os.W_OK | os.X_OK)]


def disk_full(folder: str) -> bool:
    """Whether the file system has no room left, in bytes or in inodes."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize < (1 << 20) or (room.f_files > 0 and room.f_favail == 0)
