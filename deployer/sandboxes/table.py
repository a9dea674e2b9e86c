"""The members of the family."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from deployer.errors import DeployerError
from deployer.sandboxes.base import Backend


def _local() -> Backend:
    # Only here: it imports GitPython, which `--sandbox NAME` on every command should not have to wait for.
    try:
        from deployer.sandboxes.local import Local  # noqa: PLC0415  see above
    except ImportError as error:
        # GitPython refuses to be imported where there is no git.
        raise DeployerError("a sandbox needs git, and it is not on PATH", hint="apt-get install git") from error
    return Local()


def _nspawn() -> Backend:
    try:
        from deployer.sandboxes.nspawn.backend import Nspawn  # noqa: PLC0415  see above
    except ImportError as error:
        raise DeployerError("a sandbox needs git, and it is not on PATH", hint="apt-get install git") from error
    return Nspawn()


BACKENDS: Mapping[str, Callable[[], Backend]] = {"local": _local, "nspawn": _nspawn}
