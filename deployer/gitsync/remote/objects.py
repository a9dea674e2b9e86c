"""read and clone: steps that need no sync."""

from __future__ import annotations

import binascii
import fcntl
import os
import time
from typing import Any, Dict

from . import history, preflight, transfer
from .failure import Stopped
from .git import Git

Json = Dict[str, Any]


def read(request: Json, _known: Json) -> Json:
    """The manifests of a revision, from its objects."""
    import fnmatch

    place = preflight.place(request["path"])
    git = Git(place.top, time.monotonic() + request["seconds"])
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", request["revision"])
    if listed.code != 0:
        raise listed.stopped("no-revision")
    found: dict[str, str] = {}
    for line in listed.stdout.split(b"\0")[:-1]:
        head, _, name = line.partition(b"\t")
        mode, _kind, oid = head.decode().split(" ")
        path = history.text(name)
        if mode.startswith("100") and any(fnmatch.fnmatchcase(path, pattern) for pattern in request["patterns"]):
            found[path] = oid
    contents = history.blobs(git, list(found.values()))
    packed = {oid: binascii.b2a_base64(data, newline=False).decode() for oid, data in contents.items()}
    return {"files": {path: [oid, packed[oid]] for path, oid in found.items()}}


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
    git = Git(os.path.dirname(path), time.monotonic() + request["seconds"])
    branch = ["--branch", request["branch"]] if request.get("branch") else []
    url = request["remote"]
    known["url"] = url
    try:
        result = git.run("clone", "-q", "--origin", "origin", *branch, "--", url, aside, network=True)
        if result.code != 0:
            from . import tls

            facts = {"scheme": transfer.scheme(url), "path_missing": transfer.path_missing(url, git.top)}
            facts.update(disk_full=transfer.disk_full(git.top), untrusted=tls.refused(git, url, result))
            argv = ["git", "clone", *branch, url, request["path"]]
            raise result.stopped("", argv=argv, facts=facts)
        os.rename(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return {"cloned": True}
