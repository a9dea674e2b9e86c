"""Which instances are meant."""

from __future__ import annotations

import pytest

from deployer.errors import UsageError
from deployer.model.plan import Target
from deployer.rollout.select import pick


def _target(instance: str, site: str, cluster: str = "", host: str = "") -> Target:
    return Target(instance, "prod", site, cluster, host or f"{site}-prod-dep01", f"{instance}.xml", "1.0")


TARGETS = (
    _target("viatris", "fra1", "c01", "fra1-prod-app07"),
    _target("acme", "fra1", "c02"),
    _target("viatris", "ams2"),
    _target("northwind", "ams2"),
)


@pytest.mark.parametrize(
    ("limit", "names"),
    [
        ("viatris", ["viatris.fra1", "viatris.ams2"]),
        ("viatris.fra1", ["viatris.fra1"]),
        ("v*,acme", ["viatris.fra1", "acme.fra1", "viatris.ams2"]),
        ("all:!viatris", ["acme.fra1", "northwind.ams2"]),
        ("!viatris", ["acme.fra1", "northwind.ams2"]),
        ("viatris:&fra1", ["viatris.fra1"]),
        ("fra1_c01", ["viatris.fra1"]),
        ("c02", ["acme.fra1"]),
        ("fra1-prod-app07", ["viatris.fra1"]),
        ("~^(acme|north)", ["acme.fra1", "northwind.ams2"]),
        ("!viatris,all", ["acme.fra1", "northwind.ams2"]),
    ],
)
def test_a_limit_reads_as_in_ansible(limit: str, names: list[str]) -> None:
    """Names, wildcards, exclusion, intersection and expressions, in any order."""
    assert [target.name for target in pick(TARGETS, limit=limit)] == names


@pytest.mark.parametrize("limit", ["nobody", "viatris,nobody", "viatris:!nobody", "viatris:!viatris", ",", "~("])
def test_a_limit_that_matches_nothing_is_an_error(limit: str) -> None:
    """It never widens, and a term that matches nothing is a typo."""
    with pytest.raises(UsageError):
        pick(TARGETS, limit=limit)


def test_an_unknown_instance_is_an_error_that_helps() -> None:
    """The error names what is close."""
    with pytest.raises(UsageError, match="viatriss") as error:
        pick(TARGETS, instances=["viatriss"])

    assert "viatris" in error.value.hint


def test_a_whole_name_means_that_target_alone() -> None:
    """Whoever can push a manifest could else widen a command that names one target."""
    targets = (*TARGETS, _target("viatris.fra1", "fra1"), _target("viatris.fra1", "ams2"))

    for picked in (pick(targets, instances=["viatris.fra1"]), pick(targets, limit="viatris.fra1")):
        assert [target.name for target in picked] == ["viatris.fra1"]
    assert [target.name for target in pick(targets, instances=["viatris.fra1.ams2"])] == ["viatris.fra1.ams2"]


def test_instances_and_limit_narrow_together() -> None:
    """Both must hold."""
    assert [target.name for target in pick(TARGETS, instances=["viatris"], limit="ams2")] == ["viatris.ams2"]
