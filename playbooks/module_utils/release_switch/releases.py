"""The unpacked releases of an instance: a new one from the store, and old ones away."""

from __future__ import annotations

import os

from .archive import unpack
from .errors import ReleaseError
from .layout import Layout, remove, sync_folder
from .request import Request
from .steps import Step
from .store import ReleaseStore


def has_release(layout: Layout, version: str) -> bool:
    """Whether a release is unpacked: it got its name only when it was complete."""
    return bool(version) and layout.release(version).is_dir()


def install(request: Request, layout: Layout, version: str, step: Step) -> None:
    """Find a release in the store, check it, and unpack it whole or not at all."""
    layout.releases.mkdir(parents=True, exist_ok=True)
    archive, half = layout.temporary("archive"), layout.temporary(f"unpacked-{version}")
    store = ReleaseStore(request.store, request.login)
    try:
        store.fetch(request.application, version, archive, request.limits)
        files = unpack(archive, half, request.limits)
    except ReleaseError:
        remove(half)
        raise
    finally:
        remove(archive)
    # The name is the promise that all is there, so the content goes to the disk before it.
    os.sync()
    half.rename(layout.release(version))
    sync_folder(layout.releases)
    step.did(f"unpacked {files} files of version {version} from {store.shown}")


def discard(layout: Layout, version: str) -> None:
    """Remove a release; a crash leaves no half of it under its name."""
    half = layout.temporary(f"removed-{version}")
    layout.release(version).rename(half)
    remove(half)


def clean_up(layout: Layout, keep: int, needed: set[str], step: Step) -> None:
    """Remove all but the last releases.

    Args:
        layout: of the instance.
        keep: how many to keep.
        needed: those that are kept in any case, and count.
        step: where to tell.
    """
    by_age = layout.versions()
    ordered = [version for version in by_age if version in needed]
    ordered += [version for version in by_age if version not in needed]
    old = ordered[max(keep, len(needed)) :]
    for version in old:
        discard(layout, version)
    if old:
        step.did(f"removed {', '.join(old)}")
