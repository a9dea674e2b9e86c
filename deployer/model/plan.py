"""A frozen answer to "what would this do"."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from deployer.model.json import JsonObject
from deployer.model.merge import Difference
from deployer.model.sync import ManualWork

_HOST_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
"""Folders, services and users on hosts are named after it."""
_ANSIBLES = frozenset({"all", "ungrouped", "localhost", "127.0.0.1", "::1"})
"""Names that mean something to Ansible in every inventory."""


@dataclass(frozen=True, slots=True)
class Target:
    """One instance that an operation is applied to."""

    instance: str
    environment: str
    site: str
    cluster: str
    host: str
    """Its placement: the inventory host that it runs on."""
    manifest: str
    """The file in the config repository."""
    version: str
    """What the manifest asks for."""
    fields: Mapping[str, str] = field(default_factory=dict)
    value: JsonObject = field(default_factory=dict)
    """The whole manifest as plain data. Hostile: it is never evaluated."""
    revision: str = ""
    held: str = ""
    """Why a person is needed before it can be rolled out; empty when nothing is in the way."""
    fence: int = 0
    """Grows with every run that locks the instance: an older run cannot undo a newer one."""

    @property
    def name(self) -> str:
        """As an Ansible host: `viatris.fra1`."""
        return f"{self.instance}.{self.site}"

    @property
    def misnamed(self) -> str:
        """Why its name can be no Ansible host and no folder: a range, a port or a pattern in a name has a meaning.

        Empty when nothing is wrong with it.
        """
        if _HOST_NAME.fullmatch(self.name) and _INSTANCE.fullmatch(self.instance):
            return ""
        can = "letters, digits, '.', '_' and '-' can, 63 at most, the first a letter or a digit"
        return f"{self.manifest}: the name {self.instance!r} cannot be used: {can}"

    def unusable(self, taken: Collection[str]) -> str:
        """Why it cannot be rolled out under its name; empty when it can.

        Ansible gives a host of a name all variables of that name, and knows an inventory's own hosts and groups first:
        an instance that is called like one would get its secrets, or be run in its place.

        Args:
            taken: names of every host and group of the environment, casefolded.
        """
        if self.misnamed:
            return self.misnamed
        for name in (self.name, self.instance):
            if name.casefold() in taken or name.casefold() in _ANSIBLES:
                return (
                    f"{self.manifest}: the name {self.instance!r} cannot be used: "
                    f"{name} is a host or a group of the inventory, whose variables it would get"
                )
        return ""


@dataclass(frozen=True, slots=True)
class Batch:
    """The share of a bucket behind one deployer host: one playbook run."""

    site: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    """Targets that go together."""

    name: str
    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an operation would do."""

    operation: str
    environment: str
    buckets: tuple[Bucket, ...]
    revisions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Site -> revision before and after the sync."""
    held: tuple[Target, ...] = ()
    params: JsonObject = field(default_factory=dict)
    check: bool = False
    changes: Mapping[str, tuple[Difference, ...]] = field(default_factory=dict)
    """Target -> the change of its manifest since it was rolled out last, where the record knows that."""
    manual: tuple[ManualWork, ...] = ()
    """What a person must do first: nothing of these sites would be rolled out."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """Every target that would be started, in order."""
        return tuple(target for bucket in self.buckets for batch in bucket.batches for target in batch.targets)
