"""Locks on a deployer host: held there by a live program, free with its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from deployer.errors import HelperFailedError, LockedError
from deployer.model.command import Operand, typed
from deployer.model.json import JsonObject
from deployer.model.site import Repository
from deployer.ports import Host, Lock
from deployer.resources import program


class HostLocks:
    """Implements `deployer.ports.Locks` with `flock` files under `~/deployer/.locks/<repository>/` of the host."""

    @contextmanager
    def hold(
        self, host: Host, repository: Repository, locks: Sequence[Lock], *, run: str, who: str
    ) -> Iterator[Mapping[str, int]]:
        """See `deployer.ports.Locks`."""
        request: JsonObject = {
            "repository": repository.name,
            "locks": [{"name": lock.name, "exclusive": lock.exclusive} for lock in locks],
            "run": run,
            "who": who,
        }
        with host.hold(program("deployer.hosts.remote_locks"), request) as answer:
            if isinstance(refused := answer.get("locked"), Mapping):
                raise locked(host.name, refused)
            yield fences(host.name, answer)


def fences(host: str, answer: JsonObject) -> Mapping[str, int]:
    """The fencing numbers of an answer, by the lock's name."""
    numbers = answer.get("fences")
    if not isinstance(numbers, Mapping):
        raise HelperFailedError(f"the lock helper on {host} gave an answer without fencing numbers")
    return {name: number for name, number in numbers.items() if isinstance(number, int)}


def locked(host: str, refused: JsonObject) -> LockedError:
    """The error that names the lock, its holder, run and since when."""
    name, holder = refused.get("name"), refused.get("holder")
    if not isinstance(holder, Mapping):
        return LockedError(f"{name} on {host} is locked by somebody who did not leave a name")
    shown = typed("deployer", "show", Operand(str(holder.get("run"))))
    return LockedError(
        f"{name} on {host} is locked by {holder.get('who')} (run {holder.get('run')}) since {holder.get('since')}",
        hint=f"wait, or look at it: {shown}; it is process {holder.get('pid')} on {host}",
        run=str(holder.get("run") or ""),
    )
