"""One service and its states: what it is asked to become, and what it does when its process ends by itself."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

from deployer.sandboxes.supervisor.child import Child
from deployer.sandboxes.supervisor.definition import Definition, Saved

Reply = Callable[[dict[str, object]], None]


class State(StrEnum):
    """Where a service is."""

    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"
    """It could not be started, or died too often: only `apply` or `restart` start it again."""
    BACKOFF = "backoff"
    """It died and is started again in a moment."""
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient the supervisor is; all but `deaths` in seconds."""

    term: float = 5.0
    """From SIGTERM to SIGKILL."""
    quick: float = 5.0
    """A process that lived shorter died quickly."""
    wait: float = 0.1
    """Before the first restart; doubled for each further quick death."""
    deaths: int = 5
    """Quick deaths in a row after which it has failed."""


class Service:
    """One service.

    Args:
        definition: what to run.
        clock: monotonic seconds.
        note: writes a line to the supervisor's log.
        policy: how patient to be.
    """

    def __init__(
        self, definition: Definition, clock: Callable[[], float], note: Callable[[str], None], policy: Policy
    ) -> None:
        self.definition = definition
        self.state = State.STOPPED
        self.is_wanted = False
        self.starts = 0
        self.deadline: float | None = None
        """When `tick` is due."""
        self._clock, self._note, self._policy = clock, note, policy
        self._child: Child | None = None
        self._asked: State | None = None
        self._replies: list[Reply] = []
        self._deaths = 0
        self._born = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether its process is there, or being ended."""
        return self._child is not None

    def ask(self, state: State, reply: Reply | None = None) -> None:
        """Bring it to running (always with a new process), stopped or absent; a later wish replaces an earlier one.

        Args:
            state: RUNNING, STOPPED or ABSENT.
            reply: called with the answer when it is so.
        """
        if reply:
            self._replies.append(reply)
        self._deaths, is_ending = 0, self._asked is not None
        self._asked = state
        if self._child is None:
            self._settle()
        elif not is_ending:
            self._child.signal(signal.SIGTERM)
            self.deadline = self._clock() + self._policy.term

    def collect(self) -> bool:
        """Look whether its process ended, and go on from there; whether it did."""
        code = self._child.collect() if self._child else None
        if code is None:
            return False
        self._child, self.deadline = None, None
        self._note(f"{self.definition.name}: ended with {code}")
        if self._asked is None:
            self._died()
        else:
            self._settle()
        return True

    def tick(self) -> None:
        """The deadline has come: kill what did not end, or start again what died."""
        self.deadline = None
        if self._child:
            self._child.signal(signal.SIGKILL)
        elif self.state is State.BACKOFF:
            self._start()

    def answer(self) -> dict[str, object]:
        """What `status` says."""
        if self.state is State.ABSENT:
            return absent()
        return {
            "ok": True,
            "state": str(self.state),
            "pid": self._child.pid if self._child else None,
            "starts": self.starts,
            "definition": {**asdict(self.definition), "argv": list(self.definition.argv)},
        }

    def saved(self) -> Saved:
        """What a later supervisor needs to know."""
        return Saved(self.definition, self.is_wanted, self.starts, self._child.identity if self._child else None)

    def _settle(self) -> None:
        asked, self._asked = self._asked, None
        error = ""
        if asked is State.RUNNING:
            error = self._start()
        else:
            self.state, self.deadline = asked or State.STOPPED, None
        replies, self._replies = self._replies, []
        for reply in replies:
            reply({"ok": False, "error": error, "state": str(self.state)} if error else self.answer())

    def _start(self) -> str:
        self.starts += 1
        self.deadline = None
        try:
            self._child = Child(self.definition)
        except OSError as error:
            self.state = State.FAILED
            self._note(f"{self.definition.name}: not started: {error}")
            return f"{self.definition.name} was not started: {error}"
        self.state, self._born = State.RUNNING, self._clock()
        self._note(f"{self.definition.name}: started as {self._child.pid}: {' '.join(self.definition.argv)}")
        return ""

    def _died(self) -> None:
        is_quick = self._clock() - self._born < self._policy.quick
        self._deaths = self._deaths + 1 if is_quick else 1
        if self._deaths >= self._policy.deaths:
            self.state = State.FAILED
            self._note(f"{self.definition.name}: failed: it died {self._deaths} times in a row")
            return
        self.state = State.BACKOFF
        self.deadline = self._clock() + self._policy.wait * 2 ** (self._deaths - 1)


def absent() -> dict[str, object]:
    """What `status` says of a service that is not defined."""
    return {"ok": True, "state": str(State.ABSENT), "pid": None, "starts": 0, "definition": None}
