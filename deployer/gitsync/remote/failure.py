"""What stops a step: evidence, not a verdict. The controller names the class (deployer.gitsync.classes)."""

from __future__ import annotations

from typing import Any, Dict, List

Evidence = Dict[str, Any]
Needs = List[Evidence]


class Stopped(Exception):  # noqa: N818  not an error of the program: an answer of its step
    """The step ends here.

    Args:
        kind: the class where a state of files decides it; empty where the controller decides from the rest.
        evidence: `argv`, `exit`, `ssh_exit`, `stderr`, `paths`, `facts` … as far as they are known.
    """

    def __init__(self, kind: str, **evidence: object) -> None:
        super().__init__(kind)
        self.kind = kind
        self.evidence: Evidence = {"kind": kind, **evidence}


class Undecided(Exception):  # noqa: N818  a question, not an error
    """Files that both sides changed: the controller merges them and asks again with the answers.

    Args:
        needs: `{path, base, ours, theirs}` with the contents, and `key`, by which the answer is found.
    """

    def __init__(self, needs: Needs) -> None:
        super().__init__(f"{len(needs)} files")
        self.needs = needs
