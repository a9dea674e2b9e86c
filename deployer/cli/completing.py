"""What the Tab key offers for values: sites, instances, runs, sandboxes, operations.

A failure offers nothing and says nothing: the command itself will tell what is wrong.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import click

from deployer.errors import DeployerError
from deployer.visible import visible

if TYPE_CHECKING:
    from deployer.app import Deployer

Complete = Callable[[click.Context, click.Parameter, str], list[str]]
_MOST_RUNS = 30


def _completer(offer: Callable[[Deployer, tuple[str, ...]], Iterable[str]]) -> Complete:
    """A function as click wants it, from one that names what there is, given the words typed before."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        before = ctx.params.get(param.name or "") if param.nargs != 1 else ()
        typed = tuple(before or ())
        with contextlib.suppress(DeployerError, OSError), _deployer(ctx) as deployer:
            return [word for word in offer(deployer, typed) if _is_offered(word, incomplete) and word not in typed]
        return []

    return complete


def _is_offered(word: str, incomplete: str) -> bool:
    """Whether it goes on from what was typed; the shell would take a line break in a name for two names."""
    return word.startswith(incomplete) and word == visible(word)


def _deployer(ctx: click.Context) -> Deployer:
    from deployer.app import Deployer

    sandbox, inventory, environment = (_given(ctx, name) for name in ("sandbox", "inventory", "environment"))
    return Deployer(sandbox=sandbox, inventory=inventory, environment=environment)


def _given(ctx: click.Context, name: str) -> str:
    """An option as it was given behind the command's name, or before it."""
    here: click.Context | None = ctx
    while here is not None:
        if here.params.get(name):
            return str(here.params[name])
        here = here.parent
    return ""


def _sites(deployer: Deployer, _typed: tuple[str, ...]) -> Iterable[str]:
    return deployer.inventory.sites


def _names(deployer: Deployer, typed: tuple[str, ...]) -> Iterator[str]:
    """Sites; behind a site also its instances, as far as the record knows them."""
    sites = deployer.inventory.sites
    yield from sites
    if typed:
        targets = (target.rpartition(".") for target in deployer.running_versions())
        yield from sorted({instance.partition(".")[0] for instance, _, site in targets if site in typed})


def _runs(deployer: Deployer, _typed: tuple[str, ...]) -> Iterator[str]:
    yield "last"
    yield from (run.id for run in deployer.store.runs(limit=_MOST_RUNS))


def _sandboxes(deployer: Deployer, _typed: tuple[str, ...]) -> Iterator[str]:
    return (sandbox.name for sandbox in deployer.sandboxes.list())


def _operations(deployer: Deployer, _typed: tuple[str, ...]) -> Iterator[str]:
    for operation in deployer.catalog.operations():
        yield from (operation.command, operation.name)


complete_sites = _completer(_sites)
complete_names = _completer(_names)
complete_runs = _completer(_runs)
complete_sandboxes = _completer(_sandboxes)
complete_operations = _completer(_operations)
