"""sandbox.json: the first file of a sandbox and the last that goes, so that a half made one can be destroyed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from deployer.sandboxes import layout
from deployer.sandboxes.base import DEFAULT_TTL, ENVIRONMENT, Sandbox
from deployer.sandboxes.files import write_atomically

FILE = "sandbox.json"


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
    """The marker in a folder; None when it is no sandbox."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    created, expires = datetime.fromisoformat(content["created"]), content.get("expires")
    sandbox = Sandbox(
        name=folder.name,
        backend=content["backend"],
        folder=folder,
        environment=ENVIRONMENT,
        inventory=layout.inventory(folder),
        sites=tuple(content["sites"]),
        instances=content["instances"],
        created=created,
        expires=datetime.fromisoformat(expires) if expires else created + DEFAULT_TTL,
        clusters=content.get("clusters", 0),
        is_complete=content["complete"],
    )
    return Marker(sandbox, tuple(content["ports"]))


def set_complete(marker: Marker, *, is_complete: bool) -> Marker:
    """Write down whether all of it is there."""
    changed = replace(marker, sandbox=replace(marker.sandbox, is_complete=is_complete))
    write(changed, changed.sandbox.folder)
    return changed
