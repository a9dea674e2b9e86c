"""What a sync found, did, and could not do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from deployer.model.merge import shown


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as a person wants to see it."""

    oid: str
    author: str
    """`Name <mail>`."""
    date: str
    """ISO 8601 with zone, the author's date."""
    subject: str
    paths: tuple[str, ...] = ()
    """The files that it changed."""


@dataclass(frozen=True, slots=True)
class Edit:
    """New content of one file, to be committed on top of what was read."""

    path: str
    content: bytes
    base: str
    """The blob that was read and edited (object id): the edit is merged when the file has moved on meanwhile."""


@dataclass(frozen=True, slots=True)
class Change:
    """A commit that automation wants to make: in memory, never through the index or the work tree of the clone."""

    message: str
    edits: tuple[Edit, ...]
    author: str = ""
    """`Name <mail>`; empty for the identity of the deployer host."""


class SyncStatus(StrEnum):
    """How a sync ended."""

    IN_SYNC = "in-sync"
    """There was nothing to do."""
    RECEIVED = "received"
    """The clone was brought to the remote's tip."""
    LANDED = "landed"
    """Local commits are on the remote now."""
    MANUAL = "manual"
    """A person is needed; the clone is as it was."""
    RETRY_LATER = "retry-later"
    """Nothing a person must mend, and nothing changed: the network or a live lock stood in the way."""


@dataclass(frozen=True, slots=True)
class CloneState:
    """A clone beside its remote."""

    host: str
    path: str
    branch: str
    head: str
    """Object id of the clone's branch."""
    remote: str
    """Object id of the remote's branch, as fetched."""
    ahead: tuple[Commit, ...] = ()
    behind: tuple[Commit, ...] = ()
    dirty: tuple[str, ...] = ()
    """Paths with staged or unstaged edits of a person."""
    untracked: tuple[str, ...] = ()
    last_good: datetime | None = None
    """When a sync of this clone ended well last, whoever ran it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a clone was before something changed it."""

    id: str
    """Names it for `deployer undo --to`: the time, to the microsecond."""
    time: datetime
    why: str
    """What was about to be done, and by whom or in which run."""
    branch: str
    head: str
    """Object id of the branch."""
    subject: str = ""
    """Of that commit."""
    dirty: tuple[str, ...] = ()
    """Paths with staged or unstaged edits; the first 20."""
    untracked: tuple[str, ...] = ()
    """The first 20."""
    left: tuple[str, ...] = ()
    """Untracked files that were too large to keep or are for some eyes only, and folders that are repositories of their
    own; the first 20.
    """


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did."""

    host: str
    path: str
    snapshot: Snapshot
    """What the clone was brought back to."""
    saved: Snapshot | None
    """What it was before; None when it was like the snapshot already."""
    before: str
    after: str
    written: tuple[str, ...] = ()
    """Files that were put back, or changed back."""
    removed: tuple[str, ...] = ()
    """Files that were not there at the time; `saved` has them."""
    left: tuple[str, ...] = ()
    """Files that could not be brought back: not kept, or changed by somebody in that instant."""
    landed: tuple[Commit, ...] = ()
    """Commits that the clone no longer has and the remote keeps: the next sync brings them again."""
    commands: tuple[str, ...] = ()
    """To paste, when those commits shall be undone on the remote as well."""


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """One place in a file that both sides changed, each otherwise."""

    file: str
    path: str
    """In the document: `release/@version`; empty for the file as a whole."""
    kind: str
    """As in `deployer.model.merge.Conflict`."""
    base: str | None = None
    ours: str | None = None
    """What the clone, or automation, says there; None where nothing is."""
    theirs: str | None = None
    """What the remote says there."""
    said: str = ""
    """A sentence in place of the three, where they say little."""
    ours_by: str = ""
    """Who changed the file last on our side, `Ben <ben@example.org>`; empty where that is not known."""
    ours_at: str = ""
    """And when: ISO 8601 with a zone."""
    theirs_by: str = ""
    theirs_at: str = ""

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.file, self.path) if part)
        ours, theirs = _by(self.ours_by, self.ours_at), _by(self.theirs_by, self.theirs_at)
        if self.said:
            sides = "; ".join(f"{name}{by}" for name, by in (("ours", ours), ("theirs", theirs)) if by)
            return f"{where}: {self.said}" + (f"; {sides}" if sides else "")
        return f"{where}: was {shown(self.base)}, ours {shown(self.ours)}{ours}, theirs {shown(self.theirs)}{theirs}"


def _by(who: str, when: str) -> str:
    return f" ({', '.join(part for part in (who, when) if part)})" if who else ""


@dataclass(frozen=True, slots=True)
class ManualWork:
    """What a person must do, complete: it is solved from this text alone."""

    id: str
    """Stable for the same problem on the same clone: reported again it is the same work."""
    host: str
    path: str
    """Of the clone, as a person types it: `~/deployer/clusterconfig-fra1`."""
    command: str
    """The command that really failed."""
    kind: str
    """The class of the failure: `conflict`, `rebase-in-progress`, `remote-gone` … (doc/sync.md)."""
    line: str
    """The first line of the report, in the words people know from years of logs."""
    detail: str
    """What was found, in sentences."""
    commands: tuple[str, ...]
    """To paste, in order."""
    paths: tuple[str, ...] = ()
    conflicts: tuple[FieldConflict, ...] = ()
    """Field by field, where both sides changed manifests."""
    ours: tuple[Commit, ...] = ()
    theirs: tuple[Commit, ...] = ()
    output: str = ""
    """What the command and the server (`remote:` lines) said, redacted."""
    environment: str = ""
    site: str = ""
    since: datetime | None = None
    run: str = ""
    """The run that found it; empty for a plain sync."""
    last_good: datetime | None = None
    """When a sync of the clone ended well last, as its host knows; only where it was just looked at (`--check`)."""


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What one sync did."""

    host: str
    path: str
    branch: str
    status: SyncStatus
    before: str
    """The clone's branch before."""
    after: str
    """The clone's branch after."""
    revision: str
    """What is known to be on the remote: manifests are read from here. Empty when the remote was not reached."""
    landed: tuple[Commit, ...] = ()
    received: tuple[Commit, ...] = ()
    unlanded: tuple[Commit, ...] = ()
    """Local commits that are not on the remote: the instances whose manifests they touch are held."""
    left: tuple[str, ...] = ()
    """Paths with a person's edits that were left as they are although the remote changed them too."""
    attempts: int = 1
    change: str = ""
    """The commit of automation that was asked for, as it landed (object id)."""
    manual: ManualWork | None = None
    seconds: float = 0.0
    reason: str = ""
    """Where it is left for later: what stood in the way, in a line."""
