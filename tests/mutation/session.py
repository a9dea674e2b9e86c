"""What is known of a run: kept in a file, one line each, so that an interrupted run goes on where it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One answer: of a mutant, or of a package's tests without one."""

    package: str
    name: str
    """Of the mutant; empty without one."""
    is_deep: bool
    is_killed: bool
    is_timeout: bool
    """Killed, but no test failed before a limit."""
    seconds: float
    by: str
    diff: str


class Session:
    """The answers over one state of the source, for one seed."""

    def __init__(self, folder: Path, root: Path, seed: int) -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / f"{seed}-{_digest(root)}.jsonl"
        self.lines: list[Line] = []
        if self.path.exists():
            # The last line may be half of one.
            texts = [text for text in self.path.read_text(encoding="utf-8").splitlines() if text.endswith("}")]
            self.lines = [Line(**json.loads(text)) for text in texts]

    def add(self, line: Line) -> None:
        """Remember it at once."""
        self.lines.append(line)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(line)) + "\n")

    def find(self, package: str, name: str, *, is_deep: bool) -> Line | None:
        """The answer, if there is one."""
        wanted = (package, name, is_deep)
        return next((line for line in self.lines if (line.package, line.name, line.is_deep) == wanted), None)

    def has(self, package: str, name: str) -> bool:
        """Whether the everyday tests were tried on a mutant."""
        return self.find(package, name, is_deep=False) is not None


def _digest(root: Path) -> str:
    """Of all code and tests: an answer holds for them only."""
    found = hashlib.sha256()
    for folder in ("deployer", "tests", "playbooks"):
        for path in sorted((root / folder).rglob("*.py")):
            found.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:12]
