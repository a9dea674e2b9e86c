"""inspect and sync: the clone opened, looked at, and brought together with its remote."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any, Dict

from . import adopt, history, leftovers, limits, measure, preflight, snapshots, transfer, undo, worktree
from .combine import Fated, Others, Ticket
from .failure import Stopped
from .git import Git
from .journal import Journal, held
from .merge import Merger
from .preflight import Clone
from .replay import Replayer, key_of

Json = Dict[str, Any]


def inspect(request: Json, known: Json) -> Json:
    """Fetch and compare, changing nothing but objects, refs/deployer/* and our own folder."""
    with _opened(request, known, takes_locks=False) as (git, clone, _notes, _waited):
        remote = _fetched(git, clone, known)
        found = history.status(git)
        if found.unmerged:
            raise Stopped("unmerged", argv=preflight.STATUS, paths=found.unmerged)
        return {
            "ahead": history.commits(git, clone.head, "^" + remote),
            "behind": history.commits(git, remote, "^" + clone.head),
            "dirty": found.dirty,
            "untracked": found.untracked,
        }


def undone(request: Json, known: Json) -> Json:
    """The clone brought back to a snapshot."""
    with _opened(request, known, takes_locks=True) as (git, clone, notes, _waited):
        known.pop("left", None)  # what a crash left is saved and undone with the rest
        return undo.undo(git, clone, notes, request)


@contextlib.contextmanager
def _opened(request: Json, known: Json, *, takes_locks: bool) -> Any:  # noqa: ANN401  a generator
    """The clone, locked against other syncs, its last crash mended, and found fit to be worked with."""
    deadline = time.monotonic() + request["seconds"]
    place = preflight.place(request["path"])
    with (
        _turn(place, request, deadline) as (lock, waited),
        contextlib.closing(Git(place.top, deadline, lock, limits.limits_of(request))) as git,
    ):
        notes = Journal(place.own)
        known["good"] = notes.good
        leftovers.release_private_locks(place)
        leftovers.mend_private_refs(place)
        if takes_locks:
            _leave(known, adopt.recover(git, place, notes))
            undo.recover(git, place, notes)
        branch = preflight.check_files(place, request.get("branch", ""))
        known["branch"] = branch
        with _unless_passing(takes_locks=takes_locks):
            preflight.check_locks(place, branch)
        clone = preflight.open_clone(git, place, request, branch)
        known.update(head=clone.head, url=clone.url, upstream=clone.upstream, remote_name=clone.remote)
        yield git, clone, notes, waited


def _fetched(git: Git, clone: Clone, known: Json) -> str:
    """The remote's tip, which is not larger than it may be."""
    tip: str = transfer.fetch(git, clone)
    known["remote"] = tip
    measure.check(git, clone.head, tip, os.path.join(clone.place.git_dir, "index"))
    return tip


def _leave(known: Json, paths: list[str]) -> None:
    """Files that were left to whoever changed them are told of whatever else is done."""
    if paths:
        known["left"] = sorted({*known.get("left", ()), *paths})


@contextlib.contextmanager
def _turn(place: preflight.Place, request: Json, deadline: float) -> Any:  # noqa: ANN401  a generator
    """The clone's lock, and whether it was waited for.

    Raises:
        Fated: whoever had the lock landed our change with his.
    """
    ticket = Ticket(place.own, request, deadline)
    try:
        with held(place.own, request.get("who", ""), deadline, ticket.wait) as lock:
            ticket.look()
            ticket.leave()
            yield lock, ticket.waited
    except Stopped as stopped:
        if stopped.kind == "locked":
            ticket.give_up()
        raise
    finally:
        ticket.drop()


@contextlib.contextmanager
def _unless_passing(*, takes_locks: bool) -> Any:  # noqa: ANN401  a generator
    """Who only looks is not stopped by somebody at work."""
    try:
        yield
    except Stopped as stopped:
        if takes_locks or stopped.kind != "lock":
            raise


def sync(request: Json, known: Json) -> Json:
    """One try to land what is local and to adopt what is new."""
    try:
        with _opened(request, known, takes_locks=True) as (git, clone, notes, waited):
            others = Others(clone.place.own, request)
            try:
                others.gather(waited=waited)
                return _Sync(git, clone, notes, request, known, others).run()
            finally:
                others.give_back()
    except Fated as fated:
        return fated.answer


class _Sync:
    """One try: fetch, publish, adopt."""

    def __init__(self, git: Git, clone: Clone, notes: Journal, request: Json, known: Json, others: Others) -> None:
        self.git = git
        self.clone = clone
        self.notes = notes
        self.known = known
        self.wanted: Json | None = request.get("change")
        self.key = key_of(self.wanted)
        self.request = request
        self.others = others
        self.landed: list[Json] = []
        self.remote = _fetched(git, clone, known)
        answers, rules = request.get("answers", {}), request.get("rules", "")
        merger = Merger(git, clone, answers, asks=bool(request.get("asks")), rules=rules)
        self.replayer = Replayer(git, clone, merger, request.get("identity", ""))
        self.conflict: Stopped | None = None

    def run(self) -> Json:
        """Publish what is local, then adopt what is new."""
        before = self.remote
        self._settle_attempts()
        local = self._local()
        new = self._publish(local)
        answer: Json = {
            "received": history.chain(self.git, before, self.clone.head),
            "after": self.clone.head,
        }
        if self.conflict:
            answer["failure"] = self.conflict.evidence
        elif new != self.clone.head:
            answer.update(self._adopt(new))
        else:
            self.notes.write(landed={})
        if "failure" not in answer:
            self.notes.ended_well()
        self.others.tell({**answer, **self.known, "landed": self.landed})
        return answer

    def _settle_attempts(self) -> None:
        """A push whose end was not known: if its commit is on the remote now, what it carried is not sent again."""
        for attempt in reversed(self.notes.attempts):
            if self.git.is_ancestor(attempt["new"], self.remote):
                if attempt["key"] and attempt["key"] == self.key:
                    self.known["change"] = attempt["change"]
                self.notes.settle(attempt["head"], attempt["new"], attempt.get("ids", {}))
                break
        done = self.notes.done.get(self.request.get("id", ""))
        if done:
            self.known["change"] = done

    def _local(self) -> list[str]:
        """Local commits that are not on the remote, neither as they are nor as they were replayed."""
        if self.git.is_ancestor(self.clone.head, self.remote):
            return []
        landed = self.notes.landed
        known = ["^" + self.remote]
        here = landed and self.git.find(landed["head"])
        if here and self.git.is_ancestor(landed["new"], self.remote):
            known.append("^" + landed["head"])
        plain = history.line(self.git, self.clone.head, self.remote) if len(known) == 1 else None
        return plain if plain is not None else history.rev_list(self.git, self.clone.head, *known)

    def _publish(self, local: list[str]) -> str:
        """Land local commits and the change of automation; the remote's tip after that."""
        new = self._land_local(local)
        made = ""
        if self.wanted and not self.known.get("change"):
            onto, new = new, self.replayer.change(self.wanted, new)
            made = new if new != onto else ""
        own = new
        self.others.take(self._is_like_ours)
        done = {**self.notes.done, self.request.get("id", ""): made}
        new = self.others.commit(self.git, self.clone, new, done, self._may_land)
        if new != self.remote:
            self._push(new, made)
        if self.wanted and not self.known.get("change"):
            self.known["change"] = own
        return new

    def _is_like_ours(self, request: Json) -> bool:
        return all(request.get(name) == self.request.get(name) for name in ("branch", "remote"))

    def _may_land(self, wanted: Json) -> bool:
        return self.conflict is None or self._may_pass(self.conflict, wanted)

    def _land_local(self, local: list[str]) -> str:
        self.known["unlanded"] = history.told(self.git, local)
        try:
            return self._replayed(local)
        except Stopped as stopped:
            if stopped.kind != "conflict" or not self.wanted or not self._may_pass(stopped, self.wanted):
                raise
            self.conflict = stopped
            return self.remote

    def _replayed(self, local: list[str]) -> str:
        if not local:
            return self.remote
        if self.git.is_ancestor(self.remote, self.clone.head):
            return self.clone.head
        return self.replayer.replay(local, self.remote, self.clone.head)

    def _may_pass(self, stopped: Stopped, wanted: Json) -> bool:
        """Whether a change of automation may land although local commits cannot: when they touch other files."""
        touched = {path for commit in self.known["unlanded"] for path in commit["paths"]}
        touched.update(stopped.evidence.get("paths", ()))
        return not touched & {edit["path"] for edit in wanted["edits"]}

    def _push(self, new: str, made: str) -> None:
        head = "" if self.conflict else self.clone.head
        ids = {**self.others.landed, **({self.request["id"]: made} if made and self.request.get("id") else {})}
        self.notes.attempt(head, new, self.key, made, ids)
        deadline = self.git.deadline
        self.git.deadline = min(deadline, self.others.until)
        stopped = transfer.push(self.git, self.clone, new, self.remote)
        self.git.deadline = deadline
        if stopped is not None:
            raise stopped
        self.notes.settle(head, new, ids)
        if head:
            self.known["unlanded"] = []
        self.landed = history.chain(self.git, new, self.remote)
        theirs = {*self.others.landed.values()} - {made}
        self.known["landed"] = [commit for commit in self.landed if commit["oid"] not in theirs]
        self.known["remote"] = new

    def _save(self, plain: bool) -> None:  # noqa: FBT001  a callback
        snapshots.take(self.git, self.clone, self.request, landed=self.known["remote"], plain=plain)

    def _adopt(self, new: str) -> Json:
        done, left = adopt.adopt(self.git, self.clone, self.notes, new, self._save)
        _leave(self.known, left)
        if done:
            return {"after": new}
        found = history.status(self.git)
        argv = ["git", "read-tree", "-m", "-u", self.clone.head, new]
        flagged = {*left} & {*snapshots.flags_of(self.git).tags}
        strange = {*left} - {*found.dirty} - flagged
        in_the_way = {worktree.obstacle(self.git.top, path) for path in strange}
        facts = {"dirty": sorted({*left} - strange), "untracked": sorted(in_the_way), "flagged": sorted(flagged)}
        theirs = history.commits(self.git, new, "^" + self.clone.head, paths=tuple(left))
        kind = "unmerged" if found.unmerged else "dirty-overlap"
        return {"failure": {"kind": kind, "argv": argv, "paths": left, "facts": facts, "theirs": theirs}}
