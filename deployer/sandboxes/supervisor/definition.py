"""A service as it is defined, and what of it is written down so that a later supervisor can take over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from deployer.sandboxes.files import write_atomically
from deployer.sandboxes.processes import Identity

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}")


class RequestError(Exception):
    """A request that cannot be meant; its text is the answer."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What to run."""

    name: str
    argv: tuple[str, ...]
    cwd: str
    environment: Mapping[str, str]
    """Added to the small environment of the supervisor."""
    log: str
    """The file to which output and errors are appended."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A service as it stands in services.json."""

    definition: Definition
    wanted: bool
    """Whether it is to run; false after `stop`."""
    starts: int
    """How often it was started since it was first defined."""
    process: Identity | None
    """The process that was started last, until it was seen to end."""


def name_of(request: Mapping[str, object]) -> str:
    """The service that a request is about.

    Raises:
        RequestError: it has no usable name.
    """
    name = request.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RequestError("name must be letters, digits and . _ @ -, 128 at most")
    return name


def parse(request: Mapping[str, object]) -> Definition:
    """The definition in an `apply` request.

    Raises:
        RequestError: a part is missing or of another type.
    """
    argv, environment = request.get("argv"), request.get("environment", {})
    if not isinstance(argv, list) or not argv or not _all_text(argv):
        raise RequestError("argv must be a list of text, not empty")
    if not isinstance(environment, dict) or not _all_text(environment.values()):
        raise RequestError("environment must be an object of text")
    cwd, log = request.get("cwd"), request.get("log")
    if not isinstance(cwd, str) or not isinstance(log, str) or not cwd.startswith("/") or not log.startswith("/"):
        raise RequestError("cwd and log must be absolute paths")
    return Definition(name_of(request), tuple(argv), cwd, environment, log)


def save(path: Path, services: Iterable[Saved]) -> None:
    """Write the services down, all or none."""
    write_atomically(path, json.dumps([asdict(service) for service in services], indent=1) + "\n")


def load(path: Path) -> tuple[Saved, ...]:
    """Read what `save` wrote; nothing when it never did."""
    if not path.is_file():
        return ()
    return tuple(_saved(entry) for entry in json.loads(path.read_text(encoding="utf-8")))


def _saved(entry: dict[str, object]) -> Saved:
    definition, process, starts = entry["definition"], entry["process"], entry["starts"]
    if not isinstance(definition, dict) or not isinstance(starts, int):
        raise RequestError("services.json is damaged")
    return Saved(
        definition=parse(definition),
        wanted=bool(entry["wanted"]),
        starts=starts,
        process=Identity(**process) if isinstance(process, dict) else None,
    )


def _all_text(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) and "\0" not in value for value in values)
