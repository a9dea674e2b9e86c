"""Sandboxes: throwaway sites and deployer hosts, for a demo, a test, molecule, or the rehearsal of a mass deployment.

An open family: `base.Backend` is what a member can do, `table.BACKENDS` names the members, and each is one module.
The names are loaded when they are first used, because the supervisor of every deployer host is a module of this
package and must stay small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.sandboxes.base import Sandbox
    from deployer.sandboxes.facade import Sandboxes

__all__ = ["Sandbox", "Sandboxes"]


def __getattr__(name: str) -> object:
    if name == "Sandbox":
        from deployer.sandboxes.base import Sandbox  # noqa: PLC0415  lazily: see the docstring

        return Sandbox
    if name == "Sandboxes":
        from deployer.sandboxes.facade import Sandboxes  # noqa: PLC0415  lazily: see the docstring

        return Sandboxes
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
