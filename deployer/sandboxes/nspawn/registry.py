"""Which sandbox of this machine is in which folder: one whose folder was removed by hand can still be ended."""

from __future__ import annotations

from pathlib import Path

from deployer.sandboxes import marker
from deployer.sandboxes.nspawn.plan import Plan

_FOLDER = Path("/run/deployer-sandboxes")


def enter(plan: Plan) -> None:
    """Write a sandbox down, before the first thing of it is on this machine."""
    _FOLDER.mkdir(mode=0o755, exist_ok=True)
    entry = _FOLDER / plan.id
    # Whatever the umask is: only root may say where a sandbox is.
    entry.touch(mode=0o644)
    entry.write_text(str(plan.sandbox.folder), encoding="utf-8", errors="surrogateescape")


def leave(sandbox: str) -> None:
    """Forget a sandbox of which nothing is left.

    Args:
        sandbox: its id.
    """
    (_FOLDER / sandbox).unlink(missing_ok=True)


def orphans() -> dict[str, str]:
    """Ids of sandboxes whose folder has gone, and where it was."""
    entries = _FOLDER.iterdir() if _FOLDER.is_dir() else ()
    found = {entry.name: entry.read_text(encoding="utf-8", errors="surrogateescape") for entry in entries}
    return {name: folder for name, folder in found.items() if not (Path(folder) / marker.FILE).exists()}
