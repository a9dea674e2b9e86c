"""The sync step of a run: the clone of each site beside its remote, the manifests that landed, and what is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from deployer.errors import DeployerError, StoreError
from deployer.model.manifest import Files
from deployer.model.plan import Target
from deployer.model.run import Outcome, TargetResult
from deployer.model.site import Site
from deployer.model.sync import Change, CloneState, Commit, ManualWork, Snapshot, SyncResult, SyncStatus, Undone
from deployer.ports import Clock, Clones, Host, Hosts, Manifests, Store
from deployer.rollout.reading import Instances, hold, read_instances
from deployer.rollout.status import RUNS_LOOKED_AT
from deployer.rollout.telling import Telling


@dataclass(frozen=True, slots=True)
class Synced:
    """A site after its sync."""

    site: Site
    before: str
    revision: str
    """What targets are rolled out from; empty when the remote could not be reached."""
    instances: Instances
    text: str
    """What the sync did, one line."""
    blocked: Outcome = Outcome.HELD
    """How its held targets end: `unreachable` where only the network stood in the way."""
    manual: ManualWork | None = None


@dataclass(frozen=True, slots=True)
class SiteSync:
    """What `deployer sync` reports of one site: one of result, state, manual alone, and error is set."""

    site: str
    result: SyncResult | None = None
    state: CloneState | None = None
    """With `--check`."""
    manual: ManualWork | None = None
    error: DeployerError | None = None
    """The deployer host could not be reached, or lacks something."""
    last_good: datetime | None = None
    """With `--check`: when a sync of the clone ended well last, here or by anybody on its host."""
    cloned: bool = False
    """Its clone was missing, and was made first."""


class Syncing:
    """Syncs sites, keeps the books about it, and reads the manifests that landed.

    Args:
        hosts: where clones are.
        clones: the sync engine.
        manifests: the formats.
        store: the record.
        clock: for its times.
        telling: tells people of manual work.
        who: on whose behalf; snapshots say so.
    """

    def __init__(
        self,
        hosts: Hosts,
        clones: Clones,
        manifests: Manifests,
        store: Store,
        clock: Clock,
        telling: Telling,
        who: str = "",
    ) -> None:
        self._hosts = hosts
        self._clones = clones
        self._manifests = manifests
        self._store = store
        self._clock = clock
        self._telling = telling
        self._who = who

    def report(
        self, sites: Sequence[Site], *, check: bool, side_by_side: int, clone_missing: bool = False
    ) -> tuple[SiteSync, ...]:
        """Sync every site, side by side, its clone made first where wanted; with `check` only look.

        Returns:
            One answer per site, in order: an error of one stops no other.
        """
        step = self._look_at if check else self._made if clone_missing else self._sync_one
        with ThreadPoolExecutor(max_workers=side_by_side) as pool:
            found = tuple(pool.map(step, sites))
        return self._dated(sites, found) if check else found

    def snapshots(self, site: Site) -> tuple[Snapshot, ...]:
        """What the site's clone was before each sync that changed it, newest first."""
        return self._clones.snapshots(self._host(site), site.repository)

    def undo(self, site: Site, to: str) -> Undone:
        """Bring the site's clone back to a snapshot; see `Clones.undo`."""
        return self._clones.undo(self._host(site), site.repository, to=to, why=self._why("undo"))

    def peek(self, site: Site) -> Instances:
        """The instances as the clone has them before any sync, to know what to lock; none where it cannot be read."""
        try:
            return self._instances(site, "HEAD")
        except DeployerError:
            # Whatever is wrong with the clone is found, named and reported by the sync that follows.
            return Instances()

    def sync(self, site: Site, change: Change | None = None, *, run: str = "") -> Synced:
        """Sync a site, with a commit of automation on top, and read the revision that landed."""
        result = self._land(site, change, run)
        revision = result.revision
        instances = self._instances(site, revision) if revision else self.peek(site)
        reasons = _reasons(result, change) if revision else dict.fromkeys(instances.files, _why(result))
        return Synced(
            site=site,
            before=result.before,
            revision=revision,
            instances=replace(instances, targets=hold(instances.targets, reasons)),
            text=sentence(result),
            blocked=Outcome.UNREACHABLE if result.status is SyncStatus.RETRY_LATER else Outcome.HELD,
            manual=result.manual,
        )

    def as_it_is(self, site: Site) -> Synced:
        """What the clone has, with nothing fetched: what was rolled out last came from there."""
        return Synced(site, "", "HEAD", self._instances(site, "HEAD"), "as the clone has it")

    def look(self, site: Site) -> Synced:
        """What a sync would bring, changing nothing but objects and refs/deployer/*: for `plan` and `--check`."""
        found = self._clones.inspect(self._host(site), site.repository)
        if isinstance(found, ManualWork):
            instances = self.peek(site)
            held = hold(instances.targets, dict.fromkeys(instances.files, found.line))
            work = self._placed(site, found)
            return Synced(site, "", "", replace(instances, targets=held), found.line, manual=work)
        # Local commits on top of the remote's tip land as they are; what becomes of diverged ones the sync decides.
        revision = found.head if found.ahead and not found.behind else found.remote
        text = f"{len(found.ahead)} to land, {len(found.behind)} to receive (looked only)"
        return Synced(site, found.head, revision, self._instances(site, revision), text)

    def away(self, site: Site, error: DeployerError, instances: Sequence[str]) -> Synced:
        """A site whose deployer host does not answer: its targets are those that were asked for, or that ran before."""
        ran = self._ran(site)
        names = [name for asked in instances if (name := _of_site(asked, site, ran))] if instances else ran
        targets = tuple(
            Target(name, site.environment, site.name, "", site.deployer_host.name, "", "", held=error.message)
            for name in dict.fromkeys(names)
        )
        return Synced(site, "", "", Instances(targets), error.message, Outcome.UNREACHABLE)

    def _ran(self, site: Site) -> tuple[str, ...]:
        """The instances that some run found there."""
        runs = self._store.runs(limit=RUNS_LOOKED_AT, site=site.name)
        here = (result for run in runs if run.environment == site.environment for result in run.results)
        found = (result.target for result in here if result.site == site.name and _was_found(result))
        return tuple(name.removesuffix(f".{site.name}") for name in dict.fromkeys(found))

    def _sync_one(self, site: Site) -> SiteSync:
        try:
            result = self._land(site, None, "")
        except DeployerError as error:
            return SiteSync(site.name, error=error)
        return SiteSync(site.name, result=result, manual=result.manual)

    def _made(self, site: Site) -> SiteSync:
        """The site synced, its clone made first if it is missing."""
        try:
            host = self._host(site)
            found = self._clones.inspect(host, site.repository)
            if missing := isinstance(found, ManualWork) and found.kind == "missing":
                self._clones.clone(host, site.repository)
        except DeployerError as error:
            return SiteSync(site.name, error=error)
        return replace(self._sync_one(site), cloned=missing)

    def _look_at(self, site: Site) -> SiteSync:
        try:
            found = self._clones.inspect(self._host(site), site.repository)
        except DeployerError as error:
            return SiteSync(site.name, error=error)
        if isinstance(found, ManualWork):
            return SiteSync(site.name, manual=self._placed(site, found))
        return SiteSync(site.name, state=found)

    def _dated(self, sites: Sequence[Site], found: Sequence[SiteSync]) -> tuple[SiteSync, ...]:
        try:
            known = self._store.last_syncs()
        except StoreError:
            known = {}  # who only looks need not be able to read the record: the hosts know as well
        goods = [known[_key(site)][2] if _key(site) in known else None for site in sites]
        return tuple(replace(one, last_good=_latest(one, good)) for one, good in zip(found, goods, strict=True))

    def _why(self, what: str) -> str:
        return f"{what} by {self._who}" if self._who else what

    def _land(self, site: Site, change: Change | None, run: str) -> SyncResult:
        why = self._why(f"run {run}" if run else "sync")
        result = self._clones.sync(self._host(site), site.repository, change, why=why)
        if result.manual is not None:
            work = replace(self._placed(site, result.manual), run=run)
            self._store.open_work(work)
            self._store.close_work(result.host, result.path, keep=work.id)
            self._telling.tell()
            result = replace(result, manual=work)
        elif result.status is not SyncStatus.RETRY_LATER:
            self._store.close_work(result.host, result.path)
        self._store.record_sync(_key(site), result, self._clock.now())
        return result

    def _placed(self, site: Site, work: ManualWork) -> ManualWork:
        return replace(work, environment=site.environment, site=site.name, since=work.since or self._clock.now())

    def files(self, site: Site, revision: str) -> Files:
        """The manifests of a revision.

        Raises:
            DeployerError: the clone has no such revision, or cannot be read.
        """
        return self._clones.read(self._host(site), site.repository, revision)

    def _instances(self, site: Site, revision: str) -> Instances:
        return read_instances(site, self.files(site, revision), revision, self._manifests)

    def _host(self, site: Site) -> Host:
        return self._hosts.host(site.deployer_host)


def _of_site(asked: str, site: Site, known: Sequence[str]) -> str:
    """The instance of the site that a name means, `viatris` or `viatris.fra1`; empty where it is none of its own."""
    name = asked.removesuffix(f".{site.name}")
    # A dot that is not before this site is before another one, or before nothing that there is.
    return name if name in known or "." not in name else ""


def _was_found(result: TargetResult) -> bool:
    """Whether there was such an instance: of one that was only named while its site was away nobody knows."""
    # The record has a target as interrupted too whose run died, whatever it was before.
    return bool(result.version_after) or result.outcome not in {Outcome.UNREACHABLE, Outcome.INTERRUPTED}


def _key(site: Site) -> str:
    """Of a site in the record."""
    return f"{site.environment}/{site.name}"


def _latest(one: SiteSync, known: datetime | None) -> datetime | None:
    looked = one.state or one.manual
    seen = looked.last_good if looked else None
    return max((moment for moment in (seen, known) if moment), default=None)


def sentence(result: SyncResult) -> str:
    """What a sync did, one line."""
    done = {
        SyncStatus.IN_SYNC: "in step with its remote",
        SyncStatus.RECEIVED: f"received {_commits(result.received)}",
        SyncStatus.LANDED: f"landed {_commits(result.landed)}"
        + (f", received {_commits(result.received)}" if result.received else ""),
    }.get(result.status, _why(result))
    tries = f", {result.attempts} tries" if result.attempts > 1 else ""
    left = f"; left for a person: {', '.join(result.left)}" if result.left else ""
    return f"{done}{tries}{left}"


def _commits(commits: Sequence[Commit]) -> str:
    return "1 commit" if len(commits) == 1 else f"{len(commits)} commits"


def _why(result: SyncResult) -> str:
    if result.manual is not None:
        return result.manual.line
    because = f": {result.reason}" if result.reason else ""
    return (
        f"{result.path} on {result.host} could not be synced now{because}; "
        "nothing was changed, it is tried again next time"
    )


def _reasons(result: SyncResult, change: Change | None) -> Mapping[str, str]:
    """Manifest -> why it is not rolled out: a commit that touches it is not on the remote."""
    reasons = {
        path: f"{path}: {commit.oid[:10]} ({commit.subject}) by {commit.author} did not land; {_why(result)}"
        for commit in result.unlanded
        for path in commit.paths
    }
    if change is not None and not result.change:
        reasons |= {edit.path: f"{edit.path}: the change did not land; {_why(result)}" for edit in change.edits}
    return reasons
