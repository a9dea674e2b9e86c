"""From the manifests of a landed revision to targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from deployer.errors import ManifestError
from deployer.model.manifest import Files, Manifest, Oversized
from deployer.model.plan import Target
from deployer.model.site import Site
from deployer.ports import Manifests


@dataclass(frozen=True, slots=True)
class Instances:
    """The instances of a site at one revision."""

    targets: tuple[Target, ...] = ()
    files: Files = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    """Everything wrong with the manifests, as `file:line: sentence`."""


def read_instances(site: Site, files: Files, revision: str, manifests: Manifests) -> Instances:
    """Every instance of the site; one whose manifest cannot be used is there too, held with the reason."""
    targets: list[Target] = []
    problems: list[str] = []
    for path in sorted(files):
        target = _target(site, path, files, revision, manifests)
        targets.append(target)
        problems.extend([target.held] if target.held else [])
    return Instances(_hold_doubles(targets), files, tuple(problems))


def content(files: Files, path: str) -> bytes:
    """What a manifest holds.

    Raises:
        ManifestError: it is so large that it was not read.
    """
    found = files[path][1]
    if isinstance(found, Oversized):
        raise ManifestError((str(found.problem(path)),))
    return found


def _target(site: Site, path: str, files: Files, revision: str, manifests: Manifests) -> Target:
    try:
        manifest = manifests.parse(path, content(files, path), site.repository.fields)
    except ManifestError as error:
        return _held(site, path, revision, str(error))
    return _from_manifest(site, manifest, revision)


def _held(site: Site, path: str, revision: str, reason: str) -> Target:
    name = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    host = site.deployer_host.name
    return Target(name, site.environment, site.name, "", host, path, version="", revision=revision, held=reason)


def _from_manifest(site: Site, manifest: Manifest, revision: str) -> Target:
    host = manifest.fields.get("host") or site.deployer_host.name
    held = "" if host in site.machines else f"{manifest.path}: its placement {host} is no host of {site.name}"
    target = Target(
        instance=manifest.instance,
        environment=site.environment,
        site=site.name,
        cluster=manifest.fields.get("cluster") or site.cluster_of(host),
        host=host,
        manifest=manifest.path,
        version=manifest.fields.get("version", ""),
        fields=manifest.fields,
        value=manifest.value,
        revision=revision,
    )
    return replace(target, held=target.unusable(site.taken) or held)


def _hold_doubles(targets: list[Target]) -> tuple[Target, ...]:
    """Two manifests that name one instance: nobody but a person can say which is meant."""
    count = Counter(target.name for target in targets)
    paths = {name: [t.manifest for t in targets if t.name == name] for name, many in count.items() if many > 1}
    return tuple(
        replace(target, held=f"{' and '.join(paths[target.name])} name the same instance, {target.instance}")
        if target.name in paths
        else target
        for target in targets
    )


def hold(targets: Iterable[Target], paths: Mapping[str, str]) -> tuple[Target, ...]:
    """The same targets, held where their manifest is among the paths (path -> reason)."""
    return tuple(
        replace(target, held=target.held or paths[target.manifest]) if target.manifest in paths else target
        for target in targets
    )
