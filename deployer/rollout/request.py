"""What somebody asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from deployer.errors import UsageError
from deployer.model.json import JsonObject
from deployer.model.operation import ManifestUse, Operation
from deployer.model.options import PlaybookOptions
from deployer.model.run import Asked, Run
from deployer.model.site import Inventory, Site


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked for, in words: nothing of it was looked up yet."""

    operation: str
    """Its name or its short command."""
    sites: tuple[str, ...]
    instances: tuple[str, ...] = ()
    """Names; empty for all."""
    limit: str = ""
    """An Ansible host pattern over instances, clusters, nodes and sites."""
    only: tuple[str, ...] = ()
    """Target names (`viatris.fra1`) that a retry is about; empty for no such bound."""
    sets: tuple[tuple[str, str], ...] = ()
    """(path, value) to set in the manifests first, for operations that edit them."""
    params: JsonObject = field(default_factory=dict)
    options: PlaybookOptions = field(default_factory=PlaybookOptions)
    arguments: tuple[str, ...] = ()
    """The command line that would do the same, less the program's name, for the record."""
    retry_of: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for, looked up: one operation on the instances of some sites. The rest is as in `Wanted`.

    Raises:
        UsageError: values are to be set by an operation that takes manifests as they are.
    """

    operation: Operation
    inventory: Inventory
    sites: tuple[Site, ...]
    instances: tuple[str, ...] = ()
    limit: str = ""
    only: frozenset[str] = frozenset()
    sets: tuple[tuple[str, str], ...] = ()
    params: JsonObject = field(default_factory=dict)
    options: PlaybookOptions = field(default_factory=PlaybookOptions)
    arguments: tuple[str, ...] = ()
    retry_of: str = ""
    who: str = ""
    controller: str = ""

    def __post_init__(self) -> None:
        if self.sets and self.operation.manifest is not ManifestUse.EDIT:
            # The places alone: a value may be a secret.
            places = ", ".join(where for where, _ in self.sets)
            raise UsageError(
                f"{self.operation.name} takes manifests as they are and sets no value: {places}",
                hint="an operation whose operation.yml says `manifest: edit` does, like configure",
            )

    @property
    def edits(self) -> bool:
        """Whether manifests are changed before the playbook runs."""
        return bool(self.sets)


def new_run(request: Request, run: str, started: datetime, log: str) -> Run:
    """The record of a request that is about to be carried out.

    Args:
        request: what was asked for.
        run: the id.
        started: now.
        log: where its log will be.
    """
    return Run(
        id=run,
        operation=request.operation.name,
        environment=request.inventory.environment,
        sites=tuple(site.name for site in request.sites),
        instances=request.instances,
        who=request.who,
        controller=request.controller,
        started=started,
        check=request.options.check,
        params=request.params,
        arguments=request.arguments,
        asked=Asked(request.limit, tuple(sorted(request.only)), request.sets, request.options),
        retry_of=request.retry_of,
        log=log,
    )
