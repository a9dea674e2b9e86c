"""read and clone: steps that need no sync."""

from __future__ import annotations

import binascii
import contextlib
import fcntl
import os
import time
from typing import Any, Dict, List

from . import history, limits, measure, preflight, transfer, trees
from .failure import Stopped
from .git import Git

Json = Dict[str, Any]


def read(request: Json, _known: Json) -> Json:
    """The manifests of a revision, from its objects: `files`, and `large`, those that are not read, with their size."""
    place = preflight.place(request["path"])
    bounds = limits.limits_of(request)
    with contextlib.closing(Git(place.top, time.monotonic() + request["seconds"], None, bounds)) as git:
        found = _matching(git, request["revision"], request["patterns"])
        sizes = history.sizes(git, list(found.values()))
        large = {path: [oid, sizes[oid]] for path, oid in found.items() if sizes[oid] > limits.MANIFEST}
        fitting = {path: oid for path, oid in found.items() if path not in large}
        whole = sum(sizes[oid] for oid in fitting.values())
        if whole > bounds.most_manifests:
            what = f"the {len(fitting)} manifests of revision {request['revision'][:12]} together"
            raise limits.too_large(what, f"{whole} bytes", f"{bounds.most_manifests} bytes", "sync.most_manifests")
        contents = history.blobs(git, list(fitting.values()))
    packed = {oid: binascii.b2a_base64(data, newline=False).decode() for oid, data in contents.items()}
    return {"files": {path: [oid, packed[oid]] for path, oid in fitting.items()}, "large": large}


def _matching(git: Git, revision: str, patterns: List[str]) -> Dict[str, str]:
    """Path -> object id, of the files whose paths match a pattern."""
    import fnmatch

    tree = git.resolve(revision + "^{tree}")
    if not tree:
        raise git.run("rev-parse", "--verify", revision + "^{tree}").stopped("no-revision")
    measure.Measure(git, revision).tree(tree)
    return {
        path: entry[1]
        for path, entry in trees.files(git, tree)
        if entry[0].startswith("100") and any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)
    }


def clone(request: Json, known: Json) -> Json:
    """Make the clone beside its place, then rename it there: whole or not at all."""
    path = os.path.abspath(os.path.expanduser(request["path"]))
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.path.lexists(path) and not (os.path.isdir(path) and not os.listdir(path)):
            raise Stopped("exists", argv=["ls", "-ld", path])
        return _clone_aside(request, path, os.path.join(folder, "." + name + ".deployer-clone"), known)
    finally:
        os.close(descriptor)


def _clone_aside(request: Json, path: str, aside: str, known: Json) -> Json:
    import shutil

    shutil.rmtree(aside, ignore_errors=True)  # of a clone of ours that was killed: we hold the lock
    git = Git(os.path.dirname(path), time.monotonic() + request["seconds"], None, limits.limits_of(request))
    branch = ["--branch", request["branch"]] if request.get("branch") else []
    url = request["remote"]
    known["url"] = url
    try:
        result = git.run("clone", "-q", "--no-checkout", "--origin", "origin", *branch, "--", url, aside, network=True)
        if result.code != 0:
            from . import tls

            facts = {"scheme": transfer.scheme(url), "path_missing": transfer.path_missing(url, git.top)}
            facts.update(disk_full=transfer.disk_full(git.top), untrusted=tls.refused(git, url, result))
            argv = ["git", "clone", *branch, url, request["path"]]
            raise result.stopped("", argv=argv, facts=facts)
        _check_out(git, aside)
        os.rename(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return {"cloned": True}


def _check_out(outside: Git, top: str) -> None:
    """The files of a new clone, once it is known how many, how large and whether there is room."""
    with contextlib.closing(Git(top, outside.deadline, None, outside.limits)) as git:
        tree = git.resolve("HEAD^{tree}")
        if not tree:
            return  # a remote without commits
        extent = measure.Measure(git, git.resolve("HEAD")).content(tree)
        room = os.statvfs(top)
        if room.f_bavail * room.f_frsize < extent.size or (room.f_files > 0 and room.f_favail < extent.files):
            raise Stopped("disk-full", argv=["df", os.path.dirname(top)], facts={"needed": extent.size})
        result = git.run("checkout", "-q")
        if result.code != 0:
            raise result.stopped("")
