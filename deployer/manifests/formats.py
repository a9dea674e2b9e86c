"""The table of formats: a new format is one module and its line here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from deployer.errors import ManifestError
from deployer.manifests.base import Format
from deployer.manifests.json import JsonFormat
from deployer.manifests.xml import XmlFormat
from deployer.manifests.yaml import YamlFormat

FORMATS: Mapping[str, Format] = {
    ".xml": XmlFormat(),
    ".yaml": YamlFormat(),
    ".yml": YamlFormat(),
    ".json": JsonFormat(),
}
"""Suffix -> format."""


def format_of(path: str) -> Format:
    """The format of a file by its suffix; raises ManifestError where there is none."""
    if form := known_format(path):
        return form
    raise ManifestError((f"{path}: not a manifest: its name ends in none of {', '.join(FORMATS)}",))


def known_format(path: str) -> Format | None:
    """The format of a file by its suffix; None for a file that is no manifest."""
    return FORMATS.get(PurePosixPath(path).suffix.lower())
