"""What can go wrong with a playbook as a whole; what goes wrong with a target is an outcome."""

from __future__ import annotations

from deployer.errors import DeployerError, Hint
from deployer.model.run import TargetResult


class PlaybookError(DeployerError):
    """Ansible could not be started, or could not read the playbook: no target was touched.

    Args:
        message: Ansible's own first error line.
        results: every target of the batch, as not started.
    """

    reason = "playbook"

    def __init__(self, message: str, *, results: tuple[TargetResult, ...] = (), hint: Hint = "") -> None:
        super().__init__(message, hint=hint)
        self.results = results
