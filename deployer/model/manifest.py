"""A manifest, read: one file per instance in a config repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.model.json import JsonObject

MAX_BYTES = 10 * 1024 * 1024
"""A larger manifest is refused unread."""


LONGEST = 1000
"""Characters of a problem that are told: it may quote the manifest, where a key may have any length."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a place in a manifest."""

    path: str
    line: int
    """From 1; 0 where no line can be named."""
    message: str

    def __str__(self) -> str:
        said = self.message if len(self.message) <= LONGEST else f"{self.message[:LONGEST]}…"
        return f"{self.path}:{self.line}: {said}" if self.line else f"{self.path}: {said}"


@dataclass(frozen=True, slots=True)
class Oversized:
    """In place of a manifest's content: it is larger than it may be, and was not read."""

    size: int
    """Bytes."""

    def problem(self, path: str) -> Problem:
        """What is told of it."""
        return Problem(path, 0, f"{self.size} bytes, more than the {MAX_BYTES} that a manifest may have")


Files = Mapping[str, tuple[str, bytes | Oversized]]
"""Path -> (object id of the blob, content)."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says.

    `value` holds the whole document as plain data. For XML the conventions are those of xmltodict: an attribute is
    `@name`, repeated elements are a list, text beside attributes or children is `#text`, the root element's content is
    the top level.
    """

    path: str
    """In the repository: `viatris.xml`."""
    format: str
    """`xml`, `yaml` or `json`."""
    value: JsonObject
    fields: Mapping[str, str] = field(default_factory=dict)
    """The mapped fields that are present, as text: `version`, `port` …"""

    @property
    def instance(self) -> str:
        """The instance that it describes; the file's stem when it names none."""
        return self.fields.get("name") or self.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
