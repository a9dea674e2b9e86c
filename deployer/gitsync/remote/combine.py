"""Changes of several syncs of one clone, landed by one of them with one push.

A sync that finds the clone locked puts its change into `.git/deployer/queue/` and goes on waiting. Whoever has the
lock takes what is there, commits each change by itself, pushes once, and writes down what came of each.

<time>-<id>.json    a change; its sync holds it open under flock, and so is known to live
<time>-<id>.taken   the same while the holder of the clone's lock is at it: it cannot be withdrawn now
<time>-<id>.fate    what came of it
<…>.new             any of these before it is renamed

Nothing here is fsynced: a change whose sync is gone must not land (nobody would be told), and no sync outlives a power
cut. What landed is in the journal by the change's id: a holder that dies between push and fate loses nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from typing import Any, Callable, Dict, NamedTuple

from .failure import Stopped, Undecided
from .git import Git, remove
from .merge import Merger
from .preflight import Clone
from .replay import Replayer

Json = Dict[str, Any]

POLL = 0.01
"""Seconds between two looks at the fate of a change."""
QUIET = 0.1
"""Share of the window without a new change after which no more are waited for."""
ENOUGH = 10.0
"""Seconds that a change must have left to be taken: its sync wants to hear of it in time."""
LATE = 10.0
"""Seconds after its deadline that a sync waits for the fate of a change that is being pushed."""


class Fated(Exception):  # noqa: N818  not an error of the program: another sync did what this one wanted
    """Another sync landed the change.

    Args:
        answer: what this one answers.
    """

    def __init__(self, answer: Json) -> None:
        super().__init__(answer.get("change", ""))
        self.answer = answer


class Ticket:
    """The place of one sync in the queue.

    Args:
        own: `.git/deployer`.
        request: of the step.
        until: deadline, of the monotonic clock (which all processes of a machine share).
    """

    def __init__(self, own: str, request: Json, until: float) -> None:
        self._folder = os.path.join(own, "queue")
        self._request = request
        self._until = until
        self._stem = ""
        self._handle: int | None = None
        self.waited = False
        """Whether somebody else had the clone."""

    def wait(self) -> None:
        """Called again and again while somebody else has the clone: queue up, then look what came of it.

        Raises:
            Fated: another sync landed it.
        """
        if not self.waited:
            self.waited = True
            if self._request.get("change") and self._request.get("combine") and self._request.get("id"):
                # A full disk, or no permission: then the change waits for the lock itself, which says more.
                with contextlib.suppress(OSError):
                    self._enter()
        self.look()
        time.sleep(POLL)

    def _enter(self) -> None:
        os.makedirs(self._folder, exist_ok=True)
        stem = os.path.join(self._folder, f"{time.time_ns():020d}-{self._request['id']}")
        names = ("id", "change", "identity", "branch", "remote", "asks")
        data = {name: self._request.get(name) for name in names}
        self._handle = os.open(stem + ".new", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._stem = stem
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        with open(self._handle, "wb", closefd=False) as handle:
            handle.write(json.dumps({**data, "until": self._until}).encode())
        os.rename(stem + ".new", stem + ".json")

    def look(self) -> None:
        """See what came of it.

        Raises:
            Fated: another sync landed it.
        """
        if not self._stem:
            return
        fate = _read(self._stem + ".fate")
        if fate is None:
            return
        self.leave()
        if not fate.get("alone"):
            raise Fated(fate)

    def leave(self) -> None:
        """Take it out of the queue, with the clone's lock held or its fate known."""
        if self._handle is not None:
            for suffix in (".json", ".taken", ".fate", ".new"):
                remove(self._stem + suffix)
            os.close(self._handle)
        self._stem, self._handle = "", None

    def give_up(self) -> None:
        """At the deadline: withdraw the change; where it is being pushed just now, wait for its fate instead.

        Raises:
            Fated: it landed.
        """
        late = self._until + LATE
        while self._stem and time.monotonic() < late:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._stem + ".json")
                return
            self.look()
            time.sleep(POLL)

    def drop(self) -> None:
        """Whatever happened: nobody waits here any more."""
        if self._handle is not None:
            # What is being pushed now is left for the pusher to remove: it sees by the flock that we are gone.
            for suffix in (".json", ".new"):
                remove(self._stem + suffix)
            os.close(self._handle)
        self._stem, self._handle = "", None


class Waiting(NamedTuple):
    """A change that was taken from the queue."""

    stem: str
    request: Json


class Others:
    """The changes of other syncs, for the one that has the clone's lock.

    Args:
        own: `.git/deployer`.
        request: of the step.
    """

    def __init__(self, own: str, request: Json) -> None:
        self._folder = os.path.join(own, "queue")
        self._request = request
        self._taken: list[Waiting] = []
        self._landed: dict[str, str] = {}

    def gather(self, *, waited: bool) -> None:
        """Where changes come in, wait until no more do, the window at most; a lone change waits for nobody."""
        window = float(self._request.get("combine") or 0)
        end = time.monotonic() + window
        count = self._count()
        while window and (waited or count) and time.monotonic() < end:
            time.sleep(window * QUIET)
            before, count = count, self._count()
            if count == before:
                return

    def _count(self) -> int:
        return sum(name.endswith(".json") for name in self._names())

    def _names(self) -> list[str]:
        try:
            return sorted(os.listdir(self._folder))
        except FileNotFoundError:
            return []

    def take(self, known: Callable[[Json], bool]) -> None:
        """Take the changes whose syncs live, and remove what dead ones left.

        Args:
            known: whether a request is about the same branch of the same remote.
        """
        if not self._request.get("combine"):
            return
        names = self._names()
        living = {name.rpartition(".")[0] for name in names if self._lives(name)}
        for name in names:
            stem, _, suffix = name.rpartition(".")
            path = os.path.join(self._folder, stem)
            if stem not in living:
                with contextlib.suppress(PermissionError):  # of another user: she removes it
                    remove(path + "." + suffix)
            elif suffix in ("json", "taken") and stem + ".fate" not in names:
                self._take(path, suffix, known)

    def _lives(self, name: str) -> bool:
        """Whether the sync that put it there still waits."""
        if name.endswith(".fate"):
            return False
        try:
            descriptor = os.open(os.path.join(self._folder, name), os.O_RDONLY)
        except FileNotFoundError:
            return False
        except PermissionError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _take(self, path: str, suffix: str, known: Callable[[Json], bool]) -> None:
        request = _read(path + "." + suffix)
        if any(waiting.stem == path for waiting in self._taken):
            return
        if request is None or not known(request) or request["until"] < time.monotonic() + ENOUGH:
            return
        with contextlib.suppress(FileNotFoundError, PermissionError):  # withdrawn this instant; of another user
            if suffix == "json":
                os.rename(path + ".json", path + ".taken")
            self._taken.append(Waiting(path, request))

    @property
    def until(self) -> float:
        """When the first of those that wait wants to know."""
        return min((waiting.request["until"] for waiting in self._taken), default=float("inf"))

    @property
    def landed(self) -> dict[str, str]:
        """Id of a change -> the commit that has it."""
        return dict(self._landed)

    def commit(self, git: Git, clone: Clone, onto: str, done: Json, may_land: Callable[[Json], bool]) -> str:
        """Commit each change on top of the last; those that need a merge or a person go back to their own syncs.

        Args:
            git: the clone.
            clone: the clone.
            onto: the commit to start from.
            done: id -> commit, of changes that need not be committed again.
            may_land: whether a change may, whatever else is in the way.

        Returns:
            The new tip.
        """
        self._landed.clear()
        for waiting in list(self._taken):
            wanted = waiting.request["change"]
            # Twice with one id: a line broke, and the sync was started again while its first process lives.
            made = done.get(waiting.request["id"]) or self._landed.get(waiting.request["id"], "")
            if not made and may_land(wanted):
                made = self._commit(git, clone, waiting.request, onto)
                onto = made or onto
            if made:
                self._landed[waiting.request["id"]] = made
            else:
                self._decide(waiting, {"alone": True})
        return onto

    def _commit(self, git: Git, clone: Clone, request: Json, onto: str) -> str:
        merger = Merger(git, clone, {}, asks=bool(request.get("asks")))
        with contextlib.suppress(Stopped, Undecided, ValueError, LookupError):
            return Replayer(git, clone, merger, request.get("identity") or "").change(request["change"], onto)
        return ""

    def tell(self, answer: Json) -> None:
        """Write down what came of each.

        Args:
            answer: of the sync that did it, less what is its own: its change and the commits it landed.
        """
        for waiting in list(self._taken):
            change = self._landed[waiting.request["id"]]
            landed = [commit for commit in answer.get("landed", ()) if commit["oid"] == change]
            self._decide(waiting, {**answer, "change": change, "landed": landed, "received": []})

    def _decide(self, waiting: Waiting, fate: Json) -> None:
        self._taken.remove(waiting)
        # Without a fate it stays in the queue, and the next holder finds in the journal whether it landed.
        with contextlib.suppress(OSError):
            with open(waiting.stem + ".new", "wb") as handle:
                handle.write(json.dumps(fate).encode())
            os.rename(waiting.stem + ".new", waiting.stem + ".fate")

    def give_back(self) -> None:
        """What was not decided waits for the next holder."""
        for waiting in self._taken:
            with contextlib.suppress(OSError):
                os.rename(waiting.stem + ".taken", waiting.stem + ".json")
        self._taken.clear()


def _read(path: str) -> Json | None:
    try:
        with open(path, "rb") as handle:
            data = json.loads(handle.read())
    except (FileNotFoundError, PermissionError, ValueError):
        return None
    return data if isinstance(data, dict) else None
