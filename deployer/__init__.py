"""Drive Ansible playbooks through the deployer host of each site.

    from deployer import Deployer

    with Deployer(sandbox="demo") as deployer:
        run = deployer.redeploy("fra1")
        for result in run.results:
            print(result.target, result.outcome, result.running)

The names below are the public ones; each is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.app import Deployer
    from deployer.errors import DeployerError, LockedError, RefusedError, UsageError
    from deployer.model.plan import Plan, Target
    from deployer.model.run import Outcome, Run, TargetResult
    from deployer.model.sync import ManualWork, SyncResult

__version__ = "0.1.0"

__all__ = [
    "Deployer",
    "DeployerError",
    "LockedError",
    "ManualWork",
    "Outcome",
    "Plan",
    "RefusedError",
    "Run",
    "SyncResult",
    "Target",
    "TargetResult",
    "UsageError",
]

_HOMES = {
    "Deployer": "deployer.app",
    "DeployerError": "deployer.errors",
    "LockedError": "deployer.errors",
    "ManualWork": "deployer.model.sync",
    "Outcome": "deployer.model.run",
    "Plan": "deployer.model.plan",
    "RefusedError": "deployer.errors",
    "Run": "deployer.model.run",
    "SyncResult": "deployer.model.sync",
    "Target": "deployer.model.plan",
    "TargetResult": "deployer.model.run",
    "UsageError": "deployer.errors",
}


def __getattr__(name: str) -> object:
    """Load a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
