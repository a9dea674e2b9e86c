"""sandbox.json: the first file of a sandbox and the last that goes, so that a half made one can be destroyed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployer.sandboxes import layout
from deployer.sandboxes.base import DEFAULT_TTL, Sandbox, environment_of
from deployer.sandboxes.files import write_atomically

FILE = "sandbox.json"
UNREADABLE = "unreadable"
"""In place of the backend of a sandbox whose marker is damaged."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A sandbox with what only we need to know of it."""

    sandbox: Sandbox
    ports: tuple[int, ...]


def write(marker: Marker, folder: Path) -> None:
    """Write the marker into a folder: the sandbox's own, or the draft that will be renamed to it."""
    sandbox = marker.sandbox
    content = {
        "schema": 1,
        "name": sandbox.name,
        "backend": sandbox.backend,
        "sites": sandbox.sites,
        "instances": sandbox.instances,
        "clusters": sandbox.clusters,
        "created": sandbox.created.isoformat(),
        "expires": sandbox.expires.isoformat(),
        "complete": sandbox.is_complete,
        "ports": marker.ports,
    }
    write_atomically(folder / FILE, json.dumps(content, indent=1) + "\n")


def read(folder: Path) -> Marker | None:
    """The marker in a folder; None when it is no sandbox. One that is damaged is that of a half made sandbox."""
    try:
        return _parsed(folder, json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return _unreadable(folder)


def _parsed(folder: Path, content: dict[str, Any]) -> Marker:
    created, expires = _time(content["created"]), content.get("expires")
    sandbox = Sandbox(
        name=folder.name,
        backend=str(content["backend"]),
        folder=folder,
        environment=environment_of(folder.name),
        inventory=layout.inventory(folder),
        sites=tuple(str(site) for site in content["sites"]),
        instances=int(content["instances"]),
        created=created,
        expires=_time(expires) if expires else created + DEFAULT_TTL,
        clusters=int(content.get("clusters", 0)),
        is_complete=bool(content["complete"]),
    )
    return Marker(sandbox, tuple(int(port) for port in content["ports"]))


def _time(text: str) -> datetime:
    # One without a zone would be UTC: then it can be compared with others.
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _unreadable(folder: Path) -> Marker:
    """What the folder itself still says: enough to list it and to destroy it."""
    hosts = folder / "hosts"
    suffix = layout.SiteLayout(folder, "").host_name
    names = sorted(host.name for host in hosts.iterdir()) if hosts.is_dir() else []
    created = datetime.fromtimestamp(folder.stat().st_mtime, UTC).replace(microsecond=0)
    sandbox = Sandbox(
        name=folder.name,
        backend=UNREADABLE,
        folder=folder,
        environment=environment_of(folder.name),
        inventory=layout.inventory(folder),
        sites=tuple(name.removesuffix(suffix) for name in names if name.endswith(suffix)),
        instances=0,
        created=created,
        expires=created + DEFAULT_TTL,
        is_complete=False,
    )
    return Marker(sandbox, ())


def set_complete(marker: Marker, *, is_complete: bool) -> Marker:
    """Write down whether all of it is there."""
    changed = replace(marker, sandbox=replace(marker.sandbox, is_complete=is_complete))
    write(changed, changed.sandbox.folder)
    return changed
