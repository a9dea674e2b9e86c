"""Manifests that make no target that can be rolled out."""

from __future__ import annotations

from deployer.manifests.facade import ManifestFormats
from deployer.model.site import Machine, Repository, Site
from deployer.rollout.reading import read_instances

HOST = Machine("fra1-prod-dep01", {})
SITE = Site(
    "prod",
    "fra1",
    HOST,
    Repository("clusterconfig-fra1", "~/c"),
    machines={HOST.name: HOST},
    taken=frozenset({"web.fra1", HOST.name}),
)


def test_an_instance_that_is_called_like_a_host_is_held() -> None:
    """With the file and the name that is taken, so that a person knows what to rename."""
    files = {f"{name}.yaml": ("a", b"release: {version: 1.0.0}\n") for name in ("Web", "viatris", HOST.name)}

    found = read_instances(SITE, files, "a", ManifestFormats())

    held = {target.instance: target.held for target in found.targets if target.held}
    assert sorted(held) == ["Web", HOST.name]
    assert held["Web"].startswith("Web.yaml: the name 'Web' cannot be used: Web.fra1 is a host or a group")
    assert sorted(found.problems) == sorted(held.values())
