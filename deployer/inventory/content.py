"""What an inventory directory holds: its digest, and whether a program or a plugin answers in it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import InventoryError

VARIABLES = frozenset({"group_vars", "host_vars"})
IGNORED = (".pyc", ".retry", ".orig", "~", ".swp", ".bak")
"""Ends of names that Ansible passes over, too."""
PLUGIN = re.compile(rb"^plugin\s*:", re.MULTILINE)
VAULT = b"$ANSIBLE_VAULT"


@dataclass(frozen=True, slots=True)
class Content:
    """A directory as far as its inventory depends on it."""

    digest: str
    is_dynamic: bool
    """A script or a plugin answers: the same files can mean something else tomorrow."""
    has_vault: bool
    """Something in it is encrypted."""


def look(directory: Path, *, salt: str) -> Content:
    """Read every file.

    Args:
        directory: of the inventory.
        salt: whatever else the answer depends on.

    Raises:
        InventoryError: a file cannot be read.
    """
    digest = hashlib.sha256(f"{directory}\0{salt}\0".encode("utf-8", "surrogateescape"))
    is_dynamic = has_vault = False
    for path in files(directory):
        data, executable = _read(path)
        name = os.fsencode(path.relative_to(directory))
        digest.update(b"%d %d %d\0%s%s" % (len(name), len(data), executable, name, data))
        is_dynamic = is_dynamic or (path.parent == directory and _answers(path, data, executable=executable))
        has_vault = has_vault or VAULT in data
    return Content(digest.hexdigest(), is_dynamic, has_vault)


def _read(path: Path) -> tuple[bytes, bool]:
    try:
        return path.read_bytes(), os.access(path, os.X_OK)
    except OSError as error:
        raise InventoryError(f"{path} cannot be read: {error.strerror}") from error


def _answers(path: Path, data: bytes, *, executable: bool) -> bool:
    """Whether it is a script or configures a plugin."""
    return executable or (path.suffix in {".yml", ".yaml"} and PLUGIN.search(data) is not None)


def files(directory: Path) -> Iterator[Path]:
    """Every file in a fixed order; symbolic links to folders are followed once each."""
    seen: set[Path] = set()
    for folder, folders, names in os.walk(directory, followlinks=True):
        real = Path(folder).resolve()
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.endswith(IGNORED))


def sources(directory: Path) -> Iterator[Path]:
    """The files that can name hosts: all but variables and hidden ones."""
    for path in files(directory):
        parts = path.relative_to(directory).parts
        if parts[0] not in VARIABLES and not parts[-1].startswith("."):
            yield path


def mentions(directory: Path, variable: str) -> str:
    """The file that sets a variable, as far as its text tells; the directory itself otherwise."""
    key = re.compile(rb"^[\s\-{]*[\"']?" + re.escape(variable.encode()) + rb"[\"']?\s*[:=]", re.MULTILINE)
    for path in files(directory):
        if key.search(path.read_bytes()):
            return str(path.relative_to(directory))
    return str(directory)
