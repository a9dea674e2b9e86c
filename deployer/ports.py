"""The seams of rollout on one page: what the runbook needs, and nothing of who provides it.

Each has two implementations in the tree: the adapter that `app.py` wires, and a fake in `deployer.testing`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from deployer.model.check import TargetChecks
from deployer.model.facts import Finding
from deployer.model.json import JsonObject
from deployer.model.manifest import Files, Manifest
from deployer.model.merge import Difference
from deployer.model.options import PlaybookOptions
from deployer.model.plan import Target
from deployer.model.program import Program
from deployer.model.run import Event, Run, TargetResult
from deployer.model.site import Machine, Repository, Site
from deployer.model.sync import Change, CloneState, ManualWork, Snapshot, SyncResult, Undone


class Clock(Protocol):
    """Time, so that tests need not wait for it."""

    def now(self) -> datetime:
        """The time in UTC, with its zone."""

    def monotonic(self) -> float:
        """Seconds from some start, never going back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ended."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class Host(Protocol):
    """A machine on which a step runs: this one, or one behind SSH."""

    @property
    def name(self) -> str:
        """Of the inventory: `fra1-prod-dep01`."""

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = 60.0) -> Completed:
        """Run a command there and wait for its end.

        Args:
            argv: the command; quoted here, never by the caller.
            stdin: what it reads.
            deadline: seconds after which it is ended there too (SIGTERM to its group first).

        Raises:
            UnreachableError: the host did not answer, or not in time.
        """

    def call(self, program: Program, request: JsonObject, *, deadline: float = 120.0) -> JsonObject:
        """Stream a program to the host, run it on one request, and return its answer: one round trip.

        Raises:
            UnreachableError: the host did not answer, or has no usable python3.
            HelperFailedError: the program ended without an answer.
        """

    def hold(self, program: Program, request: JsonObject) -> AbstractContextManager[JsonObject]:
        """Run a program that answers once and then lives until the context ends: what it locked is free with its end.

        The program ends too when this process or the connection dies.

        Raises:
            UnreachableError: the host did not answer.
            HelperFailedError: the program ended without an answer.
        """


class Hosts(Protocol):
    """Machines of the inventory -> hosts that steps run on."""

    def host(self, machine: Machine) -> Host:
        """The host; its connection is opened when first needed and kept until `close`."""

    def doctor(self, site: Site) -> tuple[Finding, ...]:
        """What the site's deployer host has and lacks."""

    def close(self) -> None:
        """End every connection."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock on the deployer host."""

    name: str
    """`site` or `instance/viatris`."""
    exclusive: bool


class Locks(Protocol):
    """Locks held on a deployer host by a live process or channel."""

    def hold(
        self, host: Host, repository: Repository, locks: Sequence[Lock], *, run: str, who: str
    ) -> AbstractContextManager[Mapping[str, int]]:
        """Take all the locks, or none.

        Yields:
            The fencing number of each exclusive lock by its name: higher than that of any holder before.

        Raises:
            LockedError: one of them is held; the message names it, its holder, run and since when.
        """


class Clones(Protocol):
    """Clones of config repositories beside their remotes: the sync engine."""

    def inspect(self, host: Host, repository: Repository) -> CloneState | ManualWork:
        """Fetch and compare, changing nothing but objects and refs/deployer/*."""

    def sync(self, host: Host, repository: Repository, change: Change | None = None, *, why: str = "") -> SyncResult:
        """Bring the clone and its remote together without losing anything of either.

        Args:
            host: where the clone is.
            repository: the clone.
            change: a commit to make on top, in memory.
            why: what the snapshot says that is taken before the clone is changed.
        """

    def snapshots(self, host: Host, repository: Repository) -> tuple[Snapshot, ...]:
        """What the clone was before each sync that changed it, newest first."""

    def undo(self, host: Host, repository: Repository, *, to: str = "", why: str = "") -> Undone:
        """Bring the clone back to a snapshot, the newest when none is named; the remote stays as it is.

        Raises:
            UsageError: there is no such snapshot.
            AttentionError: a person is in the middle of something in the clone.
            LockedError: somebody is at work in it.
        """

    def read(self, host: Host, repository: Repository, revision: str) -> Files:
        """The manifests of a revision: path -> (blob's object id, content). Never from the work tree."""

    def clone(self, host: Host, repository: Repository) -> None:
        """Make a missing clone, whole or not at all."""


class Manifests(Protocol):
    """The formats that manifests are written in."""

    def parse(self, path: str, data: bytes, fields: Mapping[str, str]) -> Manifest:
        """Read a manifest; raises ManifestError with every problem, file and line."""

    def set_value(self, path: str, data: bytes, where: str, value: str, fields: Mapping[str, str]) -> bytes:
        """The same bytes with one value changed; raises ManifestError or UsageError (no such place)."""

    def compare(self, path: str, before: bytes, after: bytes) -> tuple[Difference, ...]:
        """The change from one version to another, per element; raises ManifestError."""


@dataclass(frozen=True, slots=True)
class PlaybookRun:
    """One playbook run over the targets of one batch."""

    run: str
    batch: str
    """`fra1`: unique in the run, and a folder name."""
    playbook: str
    inventory: str
    site: Site
    targets: tuple[Target, ...]
    variables: JsonObject = field(default_factory=dict)
    """Parameters of the operation and `-e`, as extra variables. Never secrets."""
    options: PlaybookOptions = field(default_factory=PlaybookOptions)
    checks: tuple[str, ...] = ()
    """Folders of the checks that its targets must pass afterwards; none for no checks."""


class Listener(Protocol):
    """Who is told while a run goes on: the terminal, the store, a test."""

    def event(self, event: Event) -> None:
        """Something happened. Events of one run come in order, one at a time."""

    def result(self, result: TargetResult) -> None:
        """A target ended (or what is known of it changed)."""


class Stop(Protocol):
    """Whether to stop: asked between steps, and by the driver while a playbook runs."""

    @property
    def asked(self) -> bool:
        """Start nothing new (the first Ctrl-C)."""

    @property
    def now(self) -> bool:
        """End what runs (the second Ctrl-C, or SIGTERM)."""


class Driver(Protocol):
    """Runs playbooks."""

    def run(self, playbook: PlaybookRun, listener: Listener, stop: Stop) -> tuple[TargetResult, ...]:
        """Run it to its end; every target of the batch gets exactly one result.

        Raises:
            DeployerError: Ansible could not be started, or the playbook cannot be read.
        """


class Checks(Protocol):
    """Runs checks against live instances."""

    def run(self, playbook: PlaybookRun, stop: Stop) -> tuple[TargetChecks, ...]:
        """Check every target of the batch; each gets exactly one result, in order.

        Raises:
            DeployerError: a test file cannot be used, or the checks could not be started.
        """


class Notifier(Protocol):
    """Tells people that they are needed, wherever they are: `on_attention`."""

    @property
    def name(self) -> str:
        """Tells it from the other notifiers: `webhook`."""

    def tell(self, work: ManualWork) -> None:
        """Tell of one piece of manual work; raises DeployerError when nobody was reached."""


class Engine(Protocol):
    """Executes the batches of a bucket."""

    def execute(
        self, batches: Sequence[PlaybookRun], work: Callable[[PlaybookRun], tuple[TargetResult, ...]]
    ) -> tuple[TargetResult, ...]:
        """Run every batch, side by side where they are of different sites, and wait for all."""


CLAIM = timedelta(minutes=10)
"""How long telling people of something may take."""


@dataclass(frozen=True, slots=True)
class Due:
    """Manual work that is to be told."""

    work: ManualWork
    told_to: frozenset[str]
    """Notifiers that have told of it already."""


class Store(Protocol):
    """Runs, targets, outcomes, events and manual work: the truth for people."""

    @property
    def is_private(self) -> bool:
        """Whether nobody but this user (and root) can have written what it holds.

        What is read from another is checked as what comes over a network: nothing in it runs anything.
        """

    def begin(self, run: Run) -> AbstractContextManager[None]:
        """Record a run; while the context lives the run counts as running, also when asked from another process."""

    def update(self, run: Run) -> None:
        """Record what is known of the run itself now (not its results)."""

    def record(self, run: str, results: Sequence[TargetResult]) -> None:
        """Upsert by run, target and attempt."""

    def append(self, run: str, events: Sequence[Event]) -> None:
        """Upsert by run and sequence."""

    def run(self, run: str) -> Run:
        """One run with its results, by id, a unique beginning of one, or `last`; raises UsageError for none."""

    def runs(self, *, limit: int = 20, site: str = "", operation: str = "") -> tuple[Run, ...]:
        """The newest runs first, with their results."""

    def events(self, run: str, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """Events of a run with a higher sequence than `after`, in order."""

    def open_work(self, work: ManualWork) -> bool:
        """Record manual work; False when the same was open already (its first time is kept)."""

    def claim_work(self, now: datetime | None = None) -> tuple[Due, ...]:
        """Open manual work that not everybody was told of yet, claimed, so that no other process tells the same.

        The claim ends with `record_told`, or after the time `CLAIM`: whoever died with it has told nobody.
        """

    def record_told(self, work: str, to: Collection[str], *, done: bool) -> None:
        """Remember who was told of it so far; until it is `done` it is due again at the next chance."""

    def close_work(self, host: str, path: str, *, keep: str = "") -> int:
        """Close what is open for a clone, since it is in sync again; how many.

        Args:
            host: of the clone.
            path: of the clone.
            keep: id of what stays open: a clone needs one thing at a time, and what was found last holds.
        """

    def attention(self) -> tuple[ManualWork, ...]:
        """Open manual work of all sites, oldest first."""

    def record_sync(self, site: str, result: SyncResult, time: datetime) -> None:
        """Remember the last sync of a site, and the last good one."""

    def last_syncs(self) -> Mapping[str, tuple[SyncResult, datetime, datetime | None]]:
        """Site -> last result, its time, and the time of the last good one."""
