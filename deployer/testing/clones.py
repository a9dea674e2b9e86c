"""Doubles of clones and of the manifests in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from deployer.errors import AttentionError, DeployerError, ManifestError, UsageError
from deployer.model.json import JsonValue
from deployer.model.manifest import Files as ReadFiles
from deployer.model.manifest import Manifest
from deployer.model.merge import Difference
from deployer.model.site import Repository
from deployer.model.sync import Change, CloneState, ManualWork, Snapshot, SyncResult, SyncStatus, Undone
from deployer.ports import Host


def _oid(data: bytes) -> str:
    """A name for content, as long as git's."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


Files = Mapping[str, bytes]
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class _Clone:
    head: str = ""
    remote: str = ""
    revisions: dict[str, dict[str, bytes]] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)
    """What it was before each sync that changed it."""

    def commit(self, files: Files) -> str:
        revision = _oid(repr((sorted(files.items()), len(self.revisions))).encode())
        self.revisions[revision] = dict(files)
        return revision


class FakeClones:
    """Clones in memory that sync without trouble, or end as they are told.

    Args:
        files: repository's name -> its manifests, path -> content.
    """

    def __init__(self, files: Mapping[str, Files]) -> None:
        self._clones: dict[str, _Clone] = {}
        for name, content in files.items():
            self.push(name, content)
            self._clones[name].head = self._clones[name].remote
        self.scripted: dict[str, list[SyncResult | DeployerError]] = {}
        """Repository's name -> how its next syncs end, in order; after the last one they go well again."""
        self.manual: dict[str, ManualWork] = {}
        """Repository's name -> what `inspect` reports instead of a state."""
        self.changes: list[Change] = []
        self.reasons: list[str] = []
        """The `why` of each sync and undo, in order."""
        self.cloned: list[str] = []

    def push(self, name: str, files: Files) -> str:
        """Somebody else pushes: these files are the repository now. Returns the revision."""
        clone = self._clones.setdefault(name, _Clone())
        clone.remote = clone.commit(files)
        return clone.remote

    def files(self, name: str) -> Files:
        """What is on the remote now."""
        clone = self._clones[name]
        return clone.revisions[clone.remote]

    def inspect(self, host: Host, repository: Repository) -> CloneState | ManualWork:
        """The state of the clone, or the scripted manual work."""
        if repository.name in self.manual:
            return self.manual[repository.name]
        clone = self._clones[repository.name]
        return CloneState(host.name, repository.path, repository.branch, clone.head, clone.remote)

    def sync(self, host: Host, repository: Repository, change: Change | None = None, *, why: str = "") -> SyncResult:
        """The next scripted end; else the remote's tip with the change on top."""
        self.changes += [change] if change else []
        self.reasons.append(why)
        if script := self.scripted.get(repository.name):
            end = script.pop(0)
            if isinstance(end, DeployerError):
                raise end
            return end
        clone = self._clones[repository.name]
        clone.heads += [clone.head] if change or clone.head != clone.remote else []
        before, status = clone.head, SyncStatus.RECEIVED if clone.head != clone.remote else SyncStatus.IN_SYNC
        if change:
            edited = {edit.path: edit.content for edit in change.edits}
            clone.remote, status = clone.commit({**self.files(repository.name), **edited}), SyncStatus.LANDED
        clone.head = clone.remote
        landed = clone.head if change else ""
        place = (host.name, repository.path, repository.branch)
        return SyncResult(*place, status, before, clone.head, clone.remote, change=landed)

    def snapshots(self, host: Host, repository: Repository) -> tuple[Snapshot, ...]:  # noqa: ARG002  as the port
        """One for each sync and undo that changed the clone, newest first; their ids are numbers."""
        heads = self._clones[repository.name].heads
        return tuple(
            Snapshot(f"{number:04}", _START + timedelta(seconds=number), "a sync", repository.branch, head)
            for number, head in reversed([*enumerate(heads)])
        )

    def undo(self, host: Host, repository: Repository, *, to: str = "", why: str = "") -> Undone:
        """Back to what the clone was; raises UsageError for no such snapshot."""
        found = [snapshot for snapshot in self.snapshots(host, repository) if snapshot.id.startswith(to)]
        if not found or (to and len(found) > 1):
            raise UsageError(f"{repository.path} on {host.name} has no snapshot {to}")
        self.reasons.append(why)
        clone = self._clones[repository.name]
        before, clone.head = clone.head, found[0].head
        clone.heads.append(before)
        saved = self.snapshots(host, repository)[0]
        return Undone(host.name, repository.path, found[0], saved, before, clone.head)

    def read(self, host: Host, repository: Repository, revision: str) -> ReadFiles:  # noqa: ARG002  as the port
        """The files of a revision, or of `HEAD`."""
        clone = self._clones[repository.name]
        wanted = clone.head if revision == "HEAD" else revision
        if wanted not in clone.revisions:
            raise AttentionError(f"{repository.path} has no revision {wanted}")
        files = clone.revisions[wanted]
        return {path: (_oid(data), data) for path, data in files.items()}

    def clone(self, host: Host, repository: Repository) -> None:  # noqa: ARG002  as the port
        """Remember it; the clone is empty when nobody gave it files."""
        self.cloned.append(repository.name)
        if repository.name not in self._clones:
            self.push(repository.name, {})
        clone = self._clones[repository.name]
        clone.head = clone.remote


class FakeManifests:
    """Manifests that are flat JSON: each key is a field, and the place of its value."""

    def parse(self, path: str, data: bytes, fields: Mapping[str, str]) -> Manifest:  # noqa: ARG002  as the port
        """Every key with a text is a field."""
        try:
            value: dict[str, JsonValue] = json.loads(data)
        except ValueError as exc:
            raise ManifestError((f"{path}:1: {exc}",)) from exc
        return Manifest(path, "json", value, {key: text for key, text in value.items() if isinstance(text, str)})

    def set_value(self, path: str, data: bytes, where: str, value: str, fields: Mapping[str, str]) -> bytes:
        """The same with one key changed; the key must be there."""
        document = dict(self.parse(path, data, fields).value)
        if where not in document:
            raise UsageError(f"{path} has no {where}")
        return json.dumps({**document, where: value}).encode()

    def compare(self, path: str, before: bytes, after: bytes) -> tuple[Difference, ...]:
        """A difference for each key that says something else."""
        old, new = (self.parse(path, data, {}).fields for data in (before, after))
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        return tuple(Difference(name, "changed", old.get(name), new.get(name)) for name in names)
