"""Configure: set values in the manifests of the chosen instances, as one commit of automation."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.errors import ManifestError
from deployer.model.plan import Target
from deployer.model.site import Site
from deployer.model.sync import Change, Edit
from deployer.ports import Manifests
from deployer.rollout.reading import Files


def change_for(
    site: Site,
    targets: Sequence[Target],
    files: Files,
    sets: Sequence[tuple[str, str]],
    manifests: Manifests,
    author: str,
) -> Change | None:
    """The commit that sets the values, or None where they stand like that already.

    Raises:
        UsageError: no such place in a manifest.
        ManifestError: a manifest cannot be read, or could not be read any more with that value.
    """
    edits = tuple(
        Edit(target.manifest, content, files[target.manifest][0])
        for target in targets
        if (content := edited(site, target, files, sets, manifests)) != files[target.manifest][1]
    )
    if not edits:
        return None
    paths = ", ".join(edit.path for edit in edits)
    return Change(f"{site.environment}-deployer made changes to {paths} via automation", edits, author)


def edited(site: Site, target: Target, files: Files, sets: Sequence[tuple[str, str]], manifests: Manifests) -> bytes:
    """The manifest's bytes with the values set, checked to be a manifest still."""
    if target.held:
        raise ManifestError((target.held,), hint=f"mend {target.manifest} first")
    data = files[target.manifest][1]
    for where, value in sets:
        data = manifests.set_value(target.manifest, data, where, value, site.repository.fields)
    manifests.parse(target.manifest, data, site.repository.fields)
    return data
