"""What a fault situation is, and what it must come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deployer.gitsync.classes import CLASSES, Retry
from deployer.model.sync import SyncStatus
from tests.integration.gitsync.faults.scene import Scene

PATH, SSH, HTTP, GIT = "path", "ssh", "http", "git"
"""Transports: of the remote as the clone reaches it."""


def nothing(_scene: Scene) -> None:
    """A person has nothing to do besides pasting, or the fault is over by itself."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A fault, produced for real."""

    name: str
    """As the table names it."""
    make: Callable[[Scene], None]
    tries: tuple[str, ...]
    """The class of each try; empty for one that ended well."""
    then: str
    ends: str = ""
    """The class that is told in the end, where it is not that of the last try."""
    """What happens, for the table."""
    transport: str = PATH
    lasts: bool = False
    """The last class is met until the deadline: once or more often."""
    change: bool = False
    """Whether automation's change comes along (on viatris.xml)."""
    command: str = ""
    """How the command begins that the first line names."""
    paths: tuple[str, ...] = ()
    """The files that the manual work names."""
    waited: float = 0.0
    """Seconds that the engine waits at least between the first two tries."""
    names: str = ""
    """A file in `.git` that the manual work names."""
    edits: str = "all"
    """What Ben has lying about (scene.people)."""
    mend: Callable[[Scene], None] = nothing
    """What a person does before the commands of the report are pasted, or what the world does before the next sync."""
    typed: str = ""
    """What is answered to questions of the commands."""
    act: Callable[[Scene], None] | None = None
    """Done in the place of a sync."""
    needs_root: bool = False
    is_deep: bool = False
    """Left out of the everyday sample: it is slow, or near to another one."""
    seconds: float = 60.0
    """The deadline of the sync, on a usual machine."""
    rewrites: bool = False
    """The remote's history is rewritten by somebody, or what mends it drops commits that somebody decided against."""
    merged: tuple[str, ...] = ()
    """Files of which a person's edit and the remote's come together when she does what the report says."""

    @property
    def last(self) -> str:
        """The class that decides."""
        return self.ends or self.tries[-1]

    @property
    def status(self) -> frozenset[SyncStatus]:
        """How the sync ends."""
        if not self.last:
            return frozenset({SyncStatus.LANDED, SyncStatus.RECEIVED, SyncStatus.IN_SYNC})
        is_final = CLASSES[self.last].retry is Retry.NEVER
        return frozenset({SyncStatus.MANUAL if is_final else SyncStatus.RETRY_LATER})

    @property
    def told_tries(self) -> str:
        """For the table: whether, and how often, it is tried again."""
        if self.lasts:
            return "until the deadline"
        again = len(self.tries) - 1
        return "no" if not again else "once" if again == 1 else f"{again} times"

    @property
    def told_class(self) -> str:
        """For the table: the classes that are met."""
        met = dict.fromkeys(kind for kind in (*self.tries, self.ends) if kind)
        return ", ".join(f"`{kind}`" for kind in met) or "none"
