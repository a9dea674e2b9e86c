"""Configure: set values in the manifests of the chosen instances, as one commit of automation per site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deployer.errors import ManifestError, UsageError
from deployer.model.manifest import Files
from deployer.model.plan import Target
from deployer.model.site import Site
from deployer.model.sync import Change, Edit
from deployer.ports import Manifests
from deployer.rollout.planning import chosen
from deployer.rollout.reading import content, read_instances
from deployer.rollout.request import Request
from deployer.rollout.syncing import Synced


def edited(request: Request, synced: Sequence[Synced], manifests: Manifests) -> tuple[Synced, ...]:
    """The sites with the values set in memory: what a plan shows, a check rolls out, and a person approves.

    Raises:
        UsageError: no such place in a manifest, or with that value it could not be read or rolled out any more.
    """
    meant = _editable(request, synced)
    return tuple(_overlaid(one, meant, request.sets, manifests) for one in synced)


def changes(request: Request, synced: Sequence[Synced], manifests: Manifests, author: str) -> dict[str, Change]:
    """The commit of each site where a value is not as wanted already; raises as `edited` does."""
    meant = _editable(request, synced)
    found = {one.site.name: _change(one, meant, request.sets, manifests, author) for one in synced}
    return {site: change for site, change in found.items() if change is not None}


def _editable(request: Request, synced: Sequence[Synced]) -> tuple[Target, ...]:
    return tuple(target for target in chosen(request, synced) if not target.held)


def _overlaid(one: Synced, meant: Sequence[Target], sets: Sequence[tuple[str, str]], manifests: Manifests) -> Synced:
    contents = _contents(one, meant, sets, manifests)
    if not contents:
        return one
    files = dict(one.instances.files) | {path: (one.instances.files[path][0], data) for path, data in contents.items()}
    held = {target.name: target.held for target in one.instances.targets}
    fresh = read_instances(one.site, files, one.revision, manifests)
    for target in fresh.targets:
        if target.held and target.manifest in contents:
            # It was not held before: the value would land on the remote, and keep the instance from its next rollout.
            raise UsageError(f"with these values it would be held: {target.held}")
    targets = tuple(replace(t, held=t.held or held.get(t.name, "")) for t in fresh.targets)
    return replace(one, instances=replace(fresh, targets=targets))


def _change(
    one: Synced, meant: Sequence[Target], sets: Sequence[tuple[str, str]], manifests: Manifests, author: str
) -> Change | None:
    files = one.instances.files
    contents = _contents(one, meant, sets, manifests).items()
    edits = tuple(Edit(path, data, files[path][0]) for path, data in contents if data != files[path][1])
    if not edits:
        return None
    paths = ", ".join(edit.path for edit in edits)
    return Change(f"{one.site.environment}-deployer made changes to {paths} via automation", edits, author)


def _contents(
    one: Synced, meant: Sequence[Target], sets: Sequence[tuple[str, str]], manifests: Manifests
) -> dict[str, bytes]:
    mine = [target for target in meant if target.site == one.site.name]
    return {t.manifest: _with_values(one.site, t.manifest, one.instances.files, sets, manifests) for t in mine}


def _with_values(site: Site, path: str, files: Files, sets: Sequence[tuple[str, str]], manifests: Manifests) -> bytes:
    """The manifest's bytes with the values set, checked to be a manifest still."""
    fields = site.repository.fields
    try:
        data = content(files, path)
        for where, value in sets:
            data = manifests.set_value(path, data, where, value, fields)
        manifests.parse(path, data, fields)
    except ManifestError as error:
        # What is there is sound, else its target were held: who typed the value is told, and nobody else is needed.
        raise UsageError(f"with these values it would be no manifest: {error.message}", hint=error.hints) from error
    return data
