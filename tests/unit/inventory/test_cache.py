"""Ansible's answers that are kept: which of them, and what each depends on."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from deployer.inventory import ansible
from deployer.inventory.cache import KEPT, Cache
from deployer.surroundings import ansible_config


def test_the_newest_answers_are_kept(tmp_path: Path) -> None:
    """A changed inventory is a new file: the folder does not grow for ever, and what was asked just now is in it."""
    cache = Cache(tmp_path)
    for number in range(KEPT + 3):
        cache.put(f"{number:03}", 0.0, {"number": number})
        os.utime(tmp_path / f"inventory-{number:03}.json", (number, number))

    names = [path.name for path in sorted(tmp_path.iterdir())]
    newest = cache.get(f"{KEPT + 2:03}", None)

    assert names == [f"inventory-{number:03}.json" for number in range(3, KEPT + 3)]
    assert newest is not None
    assert newest.answer == {"number": KEPT + 2}


def test_an_answer_that_is_too_old_is_none(tmp_path: Path) -> None:
    """One without a limit never is."""
    cache = Cache(tmp_path)
    cache.put("a", 0.0, {})

    assert cache.get("a", 300.0) is None
    assert cache.get("a", None) is not None


def _identity(folder: Path, **environment: str) -> str:
    given = {"HOME": str(folder), **environment}
    return ansible.identity(sys.executable, given | {"ANSIBLE_CONFIG": ansible_config(None, given)})


@pytest.mark.parametrize("place", ["named.cfg", ".ansible.cfg"])
def test_another_configuration_of_ansible_is_asked_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Which plugins read an inventory, and how its groups are named, stands there."""
    monkeypatch.chdir(tmp_path)
    environment: Mapping[str, str] = {"ANSIBLE_CONFIG": str(tmp_path / place)} if place == "named.cfg" else {}
    (tmp_path / place).write_text("[inventory]\n")
    before = _identity(tmp_path, **environment)

    (tmp_path / place).write_text("[inventory]\nenable_plugins = ini\n")

    assert _identity(tmp_path, **environment) != before


def test_a_variable_of_ansible_counts_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of day in a variable of somebody else would make every answer a new one."""
    monkeypatch.chdir(tmp_path)
    plain = _identity(tmp_path)

    assert _identity(tmp_path, ANSIBLE_INVENTORY_ENABLED="ini") != plain
    assert _identity(tmp_path, SSH_AUTH_SOCK="/tmp/agent.1") == plain
