"""Our refs under refs/deployer/: which there are, and how some are dropped so that a crash leaves no lock of git.

`git update-ref -d` locks packed-refs, and a kill leaves that lock to stop every git in the clone. Here each lock is a
link to a token (journal.py): the next sync knows it as ours.
"""

from __future__ import annotations

import contextlib
import os
import re

from . import journal
from .git import Git, sync_to_disk
from .preflight import Place

REF = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}|ref: .*)\s*")
MOST_OF_A_REF = 4096


def listed(git: Git, place: Place, under: str) -> dict[str, float]:
    """Refs of ours, and since when each is there at least (seconds since 1970), oldest name first.

    Args:
        git: the clone.
        place: where it is.
        under: `refs/deployer/snap`, for example.
    """
    if is_reftable(place):
        said = git.line("for-each-ref", "--format=%(refname) %(creatordate:unix)", under)
        return {name: float(date or 0) for name, _, date in (line.partition(" ") for line in said.splitlines())}
    packed, since = _packed(place)
    found = {name: since for name in packed if name.startswith(under + "/")}
    for folder, _folders, names in os.walk(os.path.join(place.common_dir, *under.split("/"))):
        for name in names:
            path = os.path.join(folder, name)
            if not name.endswith(".lock"):
                found[os.path.relpath(path, place.common_dir)] = os.lstat(path).st_mtime
    return dict(sorted(found.items()))


def drop(git: Git, place: Place, names: list[str]) -> None:
    """Take refs of ours away; what is locked stays, and is dropped another time. Hold the clone's lock."""
    if not names:
        return
    if is_reftable(place):
        git.run("update-ref", "--stdin", stdin="".join(f"delete {name}\n" for name in names).encode())
        return
    if not _drop_packed(place, set(names)):
        return
    for name in names:
        path = os.path.join(place.common_dir, *name.split("/"))
        if journal.lock_file(place.own, path + ".lock"):
            if os.path.exists(path):
                os.unlink(path)
            journal.unlock_file(place.own, path + ".lock")


def broken(place: Place, under: str = "refs") -> list[str]:
    """Refs that are empty or no object id, as a power cut leaves them.

    Args:
        place: the clone.
        under: `refs/deployer`, for example.
    """
    found = []
    if is_reftable(place):
        return []
    for folder, _folders, names in os.walk(os.path.join(place.common_dir, *under.split("/"))):
        for path in (os.path.join(folder, name) for name in names if not (name.endswith(".lock") or name[0] == ".")):
            # A person's git may take a ref away at any moment.
            with contextlib.suppress(FileNotFoundError), open(path, "rb") as handle:
                if not REF.fullmatch(handle.read(MOST_OF_A_REF)):
                    found.append(os.path.relpath(path, place.common_dir))
    return sorted(found)


def is_reftable(place: Place) -> bool:
    """Whether refs are no files: then git itself must change them."""
    return os.path.exists(os.path.join(place.common_dir, "reftable"))


def _packed(place: Place) -> tuple[list[str], float]:
    """The names in packed-refs, and when it was written."""
    try:
        with open(os.path.join(place.common_dir, "packed-refs"), "rb") as handle:
            lines = handle.read().splitlines()
            since = os.fstat(handle.fileno()).st_mtime
    except FileNotFoundError:
        return [], 0.0
    return [os.fsdecode(line.split(b" ", 1)[1]) for line in lines if _names_a_ref(line)], since


def _names_a_ref(line: bytes) -> bool:
    return b" " in line and not line.startswith((b"#", b"^"))


def _drop_packed(place: Place, names: set[str]) -> bool:
    """Write packed-refs without some; False when somebody else has its lock."""
    path = os.path.join(place.common_dir, "packed-refs")
    if not names & set(_packed(place)[0]):
        return True
    if not journal.lock_file(place.own, path + ".lock"):
        return False
    try:
        with open(path, "rb") as handle:
            kept = _without(handle.read().splitlines(keepends=True), names)
        fresh = os.path.join(place.own, "packed-refs")
        with open(fresh, "wb") as handle:
            handle.write(b"".join(kept))
            sync_to_disk(handle)
        os.chmod(fresh, os.stat(path).st_mode & 0o777)
        os.rename(fresh, path)
        journal.sync_folder(place.common_dir)
    finally:
        journal.unlock_file(place.own, path + ".lock")
    return True


def _without(lines: list[bytes], names: set[str]) -> list[bytes]:
    kept = []
    dropping = False
    for line in lines:
        if _names_a_ref(line):
            dropping = os.fsdecode(line.rstrip(b"\n").split(b" ", 1)[1]) in names
        if not (dropping and not line.startswith(b"#")):
            kept.append(line)
    return kept
