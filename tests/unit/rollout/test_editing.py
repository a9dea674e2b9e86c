"""Values that are set in manifests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.errors import UsageError
from deployer.manifests import ManifestFormats
from deployer.model.operation import ManifestUse, Operation
from deployer.model.site import Inventory, Machine, Repository, Site
from deployer.rollout.editing import changes, edited
from deployer.rollout.reading import read_instances
from deployer.rollout.request import Request
from deployer.rollout.syncing import Synced

MACHINE = Machine("fra1-dep01", {})
SITE = Site("prod", "fra1", MACHINE, Repository("clusterconfig-fra1", "~/c"), machines={MACHINE.name: MACHINE})
XML = b'<instance name="viatris"><release version="1.4.2"/></instance>\n'


def _request(*sets: tuple[str, str]) -> Request:
    operation = Operation("instance-configure", "configure", "Configure", "", "", "playbook.yml", ManifestUse.EDIT)
    return Request(operation, Inventory("prod", "inventories/prod", {"fra1": SITE}), (SITE,), sets=sets)


def _synced(**files: bytes) -> Synced:
    found = {f"{name}.xml": (name, data) for name, data in files.items()}
    return Synced(SITE, "a", "a", read_instances(SITE, found, "a", ManifestFormats()), "")


@pytest.mark.parametrize("value", ["", "\x00"])
def test_a_value_that_no_manifest_can_have_is_a_usage_error(value: str) -> None:
    """Exit 2: it was typed wrong, and the manifest in the repository is sound, so that no person is needed there."""
    request, synced = _request(("version", value)), (_synced(viatris=XML),)

    with pytest.raises(UsageError, match=r"viatris\.xml"):
        edited(request, synced, ManifestFormats())
    with pytest.raises(UsageError, match=r"viatris\.xml"):
        changes(request, synced, ManifestFormats(), "")


def test_a_manifest_that_is_broken_already_is_held_and_not_set() -> None:
    """That is the repository's fault, and a person's work: the values are set in the others."""
    request, synced = _request(("version", "1.5.0")), (_synced(viatris=XML, acme=b"<instance"),)

    (one,) = edited(request, synced, ManifestFormats())

    assert {t.instance: (t.version, bool(t.held)) for t in one.instances.targets} == {
        "acme": ("", True),
        "viatris": ("1.5.0", False),
    }


@pytest.mark.parametrize(
    ("where", "value", "reason"),
    [
        ("host", "fra1-nowhere", "viatris.xml: its placement fra1-nowhere is no host of fra1"),
        ("name", "acme", "acme.xml and viatris.xml name the same instance, acme"),
        ("name", "a b", "viatris.xml: the name 'a b' cannot be used"),
    ],
)
def test_a_value_that_would_hold_the_instance_is_a_usage_error(where: str, value: str, reason: str) -> None:
    """It would land, and nobody could roll the instance out until somebody took it back."""
    placed = XML.replace(b"/>", b'/><placement host="fra1-dep01"/>')
    synced = (_synced(viatris=placed, acme=XML.replace(b"viatris", b"acme")),)
    request = replace(_request((where, value)), instances=("viatris",))

    with pytest.raises(UsageError, match=reason):
        edited(request, synced, ManifestFormats())
