"""The exceptions of deployer: each class says what is to be decided about it.

    DeployerError                 1   deployer itself failed
    ├── SettingsError             1   a setting is unknown or has no usable value
    ├── StoreError                1   the record of runs cannot be read or written
    ├── HelperFailedError         1   our helper on a deployer host ended without an answer
    ├── UsageError                2   what was asked for does not exist or cannot be meant
    │   ├── InventoryError        2   the inventory is missing, empty or says nothing usable
    │   └── OperationError        2   an operation.yml is missing or wrong
    ├── UnreachableError          4   a host did not answer
    ├── AttentionError            5   a person is needed
    │   └── ManifestError         5   a manifest cannot be read, or not be changed as asked
    ├── LockedError               6   somebody else works on the same thing
    ├── RefusedError              7   a guard says no, or nobody confirmed
    └── StoppedError    130/143/129   Ctrl-C, SIGTERM or SIGHUP

The classes carry the decision, so that whoever catches one reads attributes and never the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from deployer.visible import visible

Hint = str | Sequence[str]
"""A line, or several: a line break in one of them is no second one."""


class DeployerError(Exception):
    """Something went wrong that deployer can name.

    Whatever was put into message and hint: they are cleaned (`deployer.visible`) before anybody reads them.

    Args:
        message: one line for a person, without a final full stop.
        hint: what the person can do next, or what another program said (`deployer.visible.quoted`); empty when there
            is nothing to say.
    """

    reason: ClassVar[str] = "failed"
    """A stable word for machines: it stands in `--json` and in logs."""
    exit_code: int = 1
    """What the command line ends with (doc/exit_codes.md)."""
    retry: ClassVar[bool] = False
    """Whether the same call can succeed later without a person."""
    notify: ClassVar[bool] = False
    """Whether a person has to hear of it even when the job ran unattended."""

    def __init__(self, message: str, *, hint: Hint = "") -> None:
        self.message = visible(message)
        """One line."""
        self.hints = tuple(visible(line) for line in ((hint,) if isinstance(hint, str) else hint) if line)
        """The lines of the hint."""
        super().__init__(self.message)

    @property
    def hint(self) -> str:
        """The hint as one text."""
        return "\n".join(self.hints)


class SettingsError(DeployerError):
    """A setting is unknown, or its value cannot be used."""

    reason = "settings"


class StoreError(DeployerError):
    """The record of runs cannot be read or written."""

    reason = "store"


class HelperFailedError(DeployerError):
    """The helper that we run on a deployer host ended without an answer."""

    reason = "helper-failed"


class UsageError(DeployerError):
    """What was asked for does not exist, or cannot be what was meant."""

    reason = "usage"
    exit_code = 2


class InventoryError(UsageError):
    """The inventory is missing, empty, or does not describe a site as doc/inventory.md says."""

    reason = "inventory"


class OperationError(UsageError):
    """An operation does not exist, or its operation.yml cannot be used."""

    reason = "operation"


class UnreachableError(DeployerError):
    """A host did not answer, or does not have what a step needs."""

    reason = "unreachable"
    exit_code = 4
    retry = True


class AttentionError(DeployerError):
    """A person is needed."""

    reason = "attention"
    exit_code = 5
    notify = True


class ManifestError(AttentionError):
    """A manifest cannot be read, or cannot be changed as asked.

    Args:
        problems: every problem found, as `file:line: sentence`.
    """

    reason = "manifest"

    def __init__(self, problems: tuple[str, ...], *, hint: Hint = "") -> None:
        super().__init__("; ".join(problems), hint=hint)
        self.problems = problems


class LockedError(DeployerError):
    """Somebody else works on the same thing; the message names the holder and the run.

    Args:
        run: id of the run that holds it, where it is known.
    """

    reason = "locked"
    exit_code = 6
    retry = True

    def __init__(self, message: str, *, hint: Hint = "", run: str = "") -> None:
        super().__init__(message, hint=hint)
        self.run = run


class RefusedError(DeployerError):
    """A guard refused, or nobody confirmed."""

    reason = "refused"
    exit_code = 7


class StoppedError(DeployerError):
    """The work was stopped by a signal.

    Args:
        signal_number: 2 for Ctrl-C (exit code 130), 15 for SIGTERM (143), 1 for SIGHUP (129).
    """

    reason = "stopped"

    def __init__(self, message: str, *, signal_number: int = 2, hint: Hint = "") -> None:
        super().__init__(message, hint=hint)
        self.exit_code = 128 + signal_number
