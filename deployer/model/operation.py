"""An operation: a folder under `playbooks/`, described by its operation.yml."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from deployer.model.json import JsonValue


class ParamType(StrEnum):
    """The types that a parameter of an operation can have."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    LIST = "list"


class ManifestUse(StrEnum):
    """What an operation does to the manifest of its targets before its playbook runs."""

    READ = "read"
    EDIT = "edit"
    """It sets values (`--set PATH=VALUE`), commits and pushes them, and rolls out what landed."""


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter: a variable of the playbook and an option of the command in one."""

    name: str
    """As the playbook sees it: `keep_releases`; the option is `--keep-releases`."""
    type: ParamType
    summary: str
    default: JsonValue = None
    choices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """What can be done to instances."""

    name: str
    """Of the folder: `instance-redeploy`."""
    command: str
    """Short: `redeploy`."""
    summary: str
    """One line."""
    description: str
    folder: str
    playbook: str
    """Absolute path of the playbook."""
    manifest: ManifestUse = ManifestUse.READ
    params: tuple[Param, ...] = ()
    steps: tuple[str, ...] = ()
    """What happens on a host, in order, for people: each one line."""
    checks: tuple[str, ...] = ()
    """Folders of its checks (doc/verify.md), absolute."""
    checks_of: tuple[str, ...] = ()
    """Operations whose checks are its own, too."""
