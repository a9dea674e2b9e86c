"""What a child process has to do, as it is handed over. The child reads it, so it imports no more than it needs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Job:
    """What the child process has to do."""

    parent: int
    """Process id of the controller."""
    events: str
    log: str
    private: str
    """Folder of this run only; removed at its end."""
    sockets: str
    """Folder of the ssh connections; removed at its end."""
    playbook: str
    inventories: tuple[str, ...]
    arguments: tuple[str, ...]
    """For ansible-playbook, besides inventories and playbook."""
    working: str
    """The folder that Ansible runs in: an empty one, since Ansible reads and runs much that it finds there."""
    masters: tuple[tuple[str, ...], ...] = ()
    """Commands that open one connection to each machine, before Ansible does it many times at once."""
    side_by_side: int = 8
    wake: int = -1
    """A file descriptor: one byte is written to it for each event."""

    def write(self, path: Path) -> None:
        """Keep it for the child."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Job:
        """As it was written."""
        found = json.loads(path.read_text(encoding="utf-8"))
        for name in ("inventories", "arguments"):
            found[name] = tuple(found[name])
        found["masters"] = tuple(tuple(argv) for argv in found["masters"])
        return cls(**found)


class Places(NamedTuple):
    """The folders of a run."""

    private: str
    sockets: str
