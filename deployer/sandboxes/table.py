"""The members of the family."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from deployer.sandboxes.base import Backend


def _local() -> Backend:
    # Only here: it imports GitPython, which `--sandbox NAME` on every command should not have to wait for.
    from deployer.sandboxes.local import Local  # noqa: PLC0415  see above

    return Local()


BACKENDS: Mapping[str, Callable[[], Backend]] = {"local": _local}
