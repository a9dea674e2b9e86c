"""The text of a manifest: long, commented and nested like those that people keep for years."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from deployer.sandboxes.content import customers

APPLICATION = "shopfront"


@dataclass(frozen=True, slots=True)
class Instance:
    """What differs from one manifest to the next."""

    name: str
    site: str
    cluster: str
    host: str
    port: int
    version: str
    sessions: int = 400
    """Most sessions at the same time: a number that people change."""
    backup: str = "02:15"
    """When the nightly backup starts."""


def render(instance: Instance, form: str) -> bytes:
    """The manifest.

    Args:
        instance: what it is about.
        form: `xml` or `yaml`.
    """
    template = files("deployer.sandboxes.content").joinpath("data", f"manifest.{form}").read_text(encoding="utf-8")
    return Template(template).substitute(_words(instance)).encode()


def _words(instance: Instance) -> dict[str, object]:
    # From the name, so that the same instance always has the same manifest.
    seed = int.from_bytes(hashlib.sha256(instance.name.encode()).digest()[:4], "big")
    return {
        "name": instance.name,
        "title": customers.title(instance.name),
        "site": instance.site,
        "cluster": instance.cluster,
        "host": instance.host,
        "port": instance.port,
        "application": APPLICATION,
        "version": instance.version,
        "sessions": instance.sessions,
        "backup": instance.backup,
        "contract": f"C-{10000 + seed % 90000}",
        "database": instance.name.replace("-", "_"),
        "pool": 8 + seed % 4 * 4,
        "heap": 512 * (1 + seed % 3),
        "seats": 25 * (1 + seed % 40),
    }
