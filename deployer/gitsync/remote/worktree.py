"""Looks at files of the work tree, and puts new ones in their place, never over something else."""

from __future__ import annotations

import contextlib
import os
import stat

from . import digest, limits
from .git import Git
from .history import Entry, Step

Found = os.stat_result
GITLINK = "160000"
"""Mode of a submodule, of which a commit names a commit only."""


class Worktree:
    """The work tree, as far as some steps touch it.

    Args:
        git: the clone.
        top: of the work tree.
        steps: what is to be changed: what one step takes away is not in the way of another.
    """

    def __init__(self, git: Git, top: str, steps: list[Step]) -> None:
        self._git = git
        self._top = top
        self._leaving = {step.path: step for step in steps if step.new is None}

    def stands(self, step: Step) -> str:
        """What is at the path: `old` or `new`, as either commit has it, or `other`: somebody's."""
        if _is_link(step.old) and (step.new is None or _is_link(step.new)):
            return "new"  # a submodule is a repository of its own: only the index names its commit
        try:
            found = self._find(step.path)
        except NotADirectoryError:
            return "other"
        if self._is(step.path, found, None if _is_link(step.old) else step.old):
            return "old"
        if _is_link(step.new):
            return "new" if found is None or stat.S_ISDIR(found.st_mode) else "other"
        return "new" if self._is(step.path, found, step.new) else "other"

    def put(self, step: Step, staged: str) -> bool:
        """Put the new file there (from the stage), or take the old one away; False where somebody put his own there."""
        path = os.path.join(self._top, step.path)
        if step.new is None:
            os.unlink(path)
            self._prune(os.path.dirname(path))
        elif _is_link(step.new):
            return self._make_folder(step, path)
        elif step.old is None or _is_link(step.old):
            self._clear(path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            # A link fails where a rename would overwrite what somebody put there this instant.
            try:
                os.link(staged, path, follow_symlinks=False)
            except FileExistsError:
                return False
        else:
            self._keep_mode(step.old, step.new, path, staged)
            os.rename(staged, path)
        return True

    def _make_folder(self, step: Step, path: str) -> bool:
        """An empty folder for a submodule, as git makes it: without it git says that it was deleted."""
        if step.old:
            os.unlink(path)
        try:
            os.makedirs(path, exist_ok=True)
        except FileExistsError:
            return False
        return True

    def _find(self, path: str) -> Found | None:
        """The file's status; None where nothing is, or only what other steps take away.

        Raises:
            NotADirectoryError: something that stays is in the way of a folder: a file, or a link to who knows where.
        """
        parts = path.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            found = self._lstat(parent)
            if found is None:
                return None
            if not stat.S_ISDIR(found.st_mode):
                if parent in self._leaving and self.stands(self._leaving[parent]) == "old":
                    return None
                raise NotADirectoryError(parent)
        found = self._lstat(path)
        if found is not None and stat.S_ISDIR(found.st_mode) and self._all_leaving(path):
            return None
        return found

    def _lstat(self, path: str) -> Found | None:
        try:
            return os.lstat(os.path.join(self._top, path))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _all_leaving(self, folder: str) -> bool:
        """Whether nothing stays in a folder but empty folders, of which git knows nothing."""
        for place, folders, names in os.walk(os.path.join(self._top, folder)):
            for path in (os.path.join(place, name) for name in folders + names):
                is_folder = os.path.isdir(path) and not os.path.islink(path)
                if not is_folder and os.path.relpath(path, self._top) not in self._leaving:
                    return False
        return True

    def _is(self, path: str, found: Found | None, entry: Entry | None) -> bool:
        if found is None or entry is None:
            return found is None and entry is None
        full = os.path.join(self._top, path)
        if stat.S_ISLNK(found.st_mode):
            return entry[0] == "120000" and _blob_id(os.fsencode(os.readlink(full)), entry[1]) == entry[1]
        if not stat.S_ISREG(found.st_mode) or not entry[0].startswith("100"):
            return False
        if self._as_it_is(full, found.st_size, entry[1]) == entry[1]:
            return True
        # Line ends and other filters: ask git what it would store.
        return self._git.line("hash-object", f"--path={path}", "--", full) == entry[1]

    def _as_it_is(self, full: str, size: int, like: str) -> str:
        """The object id of a file's bytes."""
        if size > limits.IN_MEMORY:
            return self._git.line("hash-object", "--no-filters", "--", full)
        with open(full, "rb") as handle:
            return _blob_id(handle.read(), like)

    def _keep_mode(self, old: Entry, new: Entry, path: str, staged: str) -> None:
        """A person's `chmod +x` is kept where the commits say nothing new about it."""
        if old[0] == new[0] and new[0].startswith("100"):
            executable = os.lstat(path).st_mode & 0o111
            mode = stat.S_IMODE(os.lstat(staged).st_mode)
            os.chmod(staged, mode | executable if executable else mode & ~0o111)

    def _clear(self, path: str) -> None:
        """Take empty folders away from where a file goes; a folder with anything in it stays."""
        if os.path.islink(path):
            return
        for folder, _folders, _names in os.walk(path, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)

    def _prune(self, folder: str) -> None:
        while len(folder) > len(self._top):
            try:
                os.rmdir(folder)
            except OSError:
                return
            folder = os.path.dirname(folder)


def obstacle(top: str, path: str) -> str:
    """What is in the way of a file: something at its path, or a file or link where it needs a folder.

    Args:
        top: of the work tree.
        path: of the file, in it.
    """
    parts = path.split("/")
    for depth in range(1, len(parts)):
        parent = "/".join(parts[:depth])
        with contextlib.suppress(OSError):
            if not stat.S_ISDIR(os.lstat(os.path.join(top, parent)).st_mode):
                return parent
    return path


def _is_link(entry: Entry | None) -> bool:
    return entry is not None and entry[0] == GITLINK


def _blob_id(data: bytes, like: str) -> str:
    return digest.object_id("blob", data, is_sha256=len(like) == digest.SHA256)
