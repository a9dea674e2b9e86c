"""What the checks of an operation found on live instances."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from deployer.model.run import Outcome


class CheckOutcome(StrEnum):
    """How one check of one instance ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It says of itself that it has no meaning here."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of one instance."""

    check: str
    """File and function: `test_service.py::test_it_runs`."""
    outcome: CheckOutcome
    seconds: float = 0.0
    error: str = ""
    """The first line of what it found; empty unless it failed."""
    text: str = ""
    """All that pytest says of the failure."""


@dataclass(frozen=True, slots=True)
class TargetChecks:
    """All checks of one instance."""

    target: str
    """`viatris.fra1`."""
    site: str
    outcome: Outcome
    """`ok`, `failed`, `unreachable`, `interrupted`; `held` where its manifest needs a person."""
    checks: tuple[CheckResult, ...] = ()
    error: str = ""
    """Why it is neither ok nor failed; of a failed one its first failed assertion."""

    @property
    def first_failed(self) -> str:
        """The name of the first check that failed; empty for none."""
        return next((one.check for one in self.checks if one.outcome is CheckOutcome.FAILED), "")


@dataclass(frozen=True, slots=True)
class Verification:
    """The checks of an operation on some instances."""

    operation: str
    environment: str
    sites: tuple[str, ...]
    results: tuple[TargetChecks, ...]
    exit_code: int
