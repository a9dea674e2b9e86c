"""Files that a person names on the command line."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import DeployerError, ManifestError
from deployer.model.merge import RULES_FILE

if TYPE_CHECKING:
    from deployer.manifests import ManifestFormats


def read_bytes(path: Path) -> bytes:
    """The file's content; raises DeployerError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DeployerError(f"{path} cannot be read: {error.strerror}") from error


def read_manifest(path: Path, name: str, formats: ManifestFormats) -> bytes:
    """The content of a file that is a sound manifest.

    Args:
        path: of the file.
        name: its suffix says the format.
        formats: that check it.

    Raises:
        UsageError: no format has this suffix.
        DeployerError: the file cannot be read, or is no manifest; unlike one of a site it holds nobody up.
    """
    data = read_bytes(path)
    try:
        formats.check(name, data, called=str(path))
    except ManifestError as error:
        raise DeployerError(error.message) from error
    return data


def rules_near(folder: Path) -> bytes:
    """The repository's own rules of merging, in a folder or one above it; empty where there are none."""
    places = (each / RULES_FILE for each in (folder.absolute(), *folder.absolute().parents))
    found = next((place for place in places if place.is_file()), None)
    return read_bytes(found) if found else b""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; it keeps its mode. What is no file (a pipe, /dev/null) is written to as it is.

    Raises:
        DeployerError: that cannot be done.
    """
    try:
        if path.exists() and not path.is_file():
            # A rename would put a file in its place: as root, in that of /dev/null.
            path.write_bytes(content)
        else:
            # Through a link to the file that is meant, which it would replace too.
            _replace(path.resolve(), content)
    except OSError as error:
        raise DeployerError(f"{path} cannot be written: {error.strerror}") from error


def _replace(target: Path, content: bytes) -> None:
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        _copy_mode(target, Path(draft))
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _copy_mode(target: Path, draft: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.copymode(target, draft)
        return
    mask = os.umask(0)
    os.umask(mask)
    draft.chmod(0o666 & ~mask)
