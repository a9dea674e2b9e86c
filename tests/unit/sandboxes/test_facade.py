"""What `Sandboxes` refuses before it does anything. No backend runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import UsageError
from deployer.sandboxes import Sandboxes


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
