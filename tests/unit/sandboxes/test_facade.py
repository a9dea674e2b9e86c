"""What `Sandboxes` refuses before it does anything. No backend runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployer.errors import UsageError
from deployer.sandboxes import Sandboxes

SOUND = {
    "name": "sound",
    "backend": "local",
    "sites": ["fra1"],
    "instances": 1,
    "created": "2026-01-01T00:00:00+00:00",
    "complete": True,
    "ports": [],
}
DAMAGED = ["", "[]", "{}", "null", "\ufeff{", json.dumps(SOUND | {"created": "soon"}), json.dumps(SOUND | {"ports": 3})]


def _put(root: Path, name: str, content: str) -> None:
    folder = root / name
    (folder / "hosts" / "fra1-sandbox-dep01").mkdir(parents=True)
    (folder / "sandbox.json").write_text(content, encoding="utf-8")


@pytest.mark.parametrize("name", ["", "Demo", "../demo", "-demo", "demo-", "a b", "a" * 41, ".lock"])
def test_a_name_that_cannot_be_a_sandbox(tmp_path: Path, name: str) -> None:
    """The name is checked, and nothing is written."""
    with pytest.raises(UsageError):
        Sandboxes(tmp_path / "root").create(name)
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("sites", [(), ("fra1", "fra1"), ("fra-1",), ("Fra1",), ("all",), ("instances",), ("1fra",)])
def test_sites_that_cannot_be_groups(tmp_path: Path, sites: tuple[str, ...]) -> None:
    """A site's name is that of an Ansible group, used once and not taken."""
    with pytest.raises(UsageError):
        Sandboxes(tmp_path / "root").create("demo", sites=sites)
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("instances", [0, -1, 2001])
def test_a_number_of_instances_that_cannot_be(tmp_path: Path, instances: int) -> None:
    """A site has at least one instance."""
    with pytest.raises(UsageError, match=f"not {instances}"):
        Sandboxes(tmp_path / "root").create("demo", instances=instances)


@pytest.mark.parametrize("hours", [0, -1])
def test_a_sandbox_that_would_have_expired_already_is_not_made(tmp_path: Path, hours: int) -> None:
    """The next `prune` of anybody would destroy it under one's hands."""
    with pytest.raises(UsageError, match="time to live"):
        Sandboxes(tmp_path / "root").create("demo", ttl=timedelta(hours=hours))
    assert not (tmp_path / "root").exists()


def test_an_unknown_backend_is_answered_with_those_there_are(tmp_path: Path) -> None:
    """The message names the backends."""
    with pytest.raises(UsageError, match="no backend moon; there is local"):
        Sandboxes(tmp_path / "root").create("demo", backend="moon")


def test_a_folder_that_ansible_would_evaluate(tmp_path: Path) -> None:
    """A path with a template in it would be run by Ansible: it is refused."""
    with pytest.raises(UsageError, match="template"):
        Sandboxes(tmp_path / "{{ lookup('pipe', 'id') }}").create("demo")


def test_nothing_there_yet(tmp_path: Path) -> None:
    """Without a root there are no sandboxes, and get says so."""
    assert Sandboxes(tmp_path / "root").list() == ()
    with pytest.raises(UsageError, match="no sandbox demo; there is none"):
        Sandboxes(tmp_path / "root").get("demo")


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_sandbox_is_in_nobodys_way(tmp_path: Path, content: str) -> None:
    """It is listed with what can be told; the others work on, and `destroy` removes it."""
    sandboxes = Sandboxes(tmp_path)
    _put(tmp_path, "broken", content)
    _put(tmp_path, "sound", json.dumps(SOUND))

    broken, sound = sandboxes.list()
    assert (broken.name, broken.backend, broken.sites, broken.is_complete) == ("broken", "unreadable", ("fra1",), False)
    assert sandboxes.get("sound") == sound
    assert "sandbox sound has expired" in sandboxes.warning("sound")
    with pytest.raises(UsageError, match=r"sandbox broken is unreadable \(sandbox\.json is damaged\)"):
        sandboxes.get("broken")
    assert [one.error for one in sandboxes.prune() if one.name == "sound"] == [""]
    assert [one.name for one in sandboxes.list()] == ["broken"]

    sandboxes.destroy("broken")

    assert not (tmp_path / "broken").exists()


@pytest.mark.parametrize("key", ["created", "expires"])
def test_a_time_without_a_zone_is_taken_for_utc(tmp_path: Path, key: str) -> None:
    """Somebody wrote it by hand: no command fails over it, and the sandbox expires when it says."""
    sandboxes = Sandboxes(tmp_path)
    _put(tmp_path, "sound", json.dumps(SOUND | {"expires": "2026-01-02T00:00:00+00:00", key: "2026-01-02T00:00:00"}))

    assert "sandbox sound has expired" in sandboxes.warning("sound")
    pruned = {one.name: (one.expired, one.error) for one in sandboxes.prune()}
    assert pruned["sound"] == (datetime(2026, 1, 2, tzinfo=UTC), "")


def test_a_backend_that_nobody_knows_is_named_with_those_there_are(tmp_path: Path) -> None:
    """Another release made it: it is listed, and keeps `prune` from no other."""
    sandboxes = Sandboxes(tmp_path)
    _put(tmp_path, "moon", json.dumps(SOUND | {"backend": "moon"}))
    _put(tmp_path, "sound", json.dumps(SOUND))

    for call in (sandboxes.destroy, sandboxes.start):
        with pytest.raises(UsageError, match="no backend moon; there is local, nspawn"):
            call("moon")
    pruned = {one.name: one.error for one in sandboxes.prune()}

    assert (pruned["moon"], pruned["sound"]) == ("no backend moon; there is local, nspawn", "")
    assert [box.name for box in sandboxes.list()] == ["moon"]
