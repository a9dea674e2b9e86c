"""What children get of this process: no settings, no way into the current folder, and one ansible.cfg."""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import deployer
from deployer import surroundings
from deployer.errors import SettingsError

ON_A_HOST = ("gitsync/remote", "hosts/bootstrap", "hosts/remote_facts", "hosts/remote_locks")
"""Streamed programs: their process got its environment from `hosts`."""
IN_A_CHILD = ("checks/connecting", "playbook/child", "playbook/processes", "sandboxes/supervisor")
"""They run in a process of ours whose environment was made already."""


def _starts() -> Iterator[tuple[str, ast.Call]]:
    """Every call that starts a program, with its place."""
    top = Path(deployer.__file__).parent
    for path in top.rglob("*.py"):
        place = path.relative_to(top).as_posix()
        if not place.startswith((*ON_A_HOST, *IN_A_CHILD)):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in {"subprocess.Popen", "subprocess.run"}:
                    yield place, node


def test_every_child_has_an_environment_that_was_made_for_it() -> None:
    """Without `env` it would get all of ours, with the secrets among the settings; `os.environ` itself is no better."""
    given = {
        f"{place}:{call.lineno}": next((ast.unparse(word.value) for word in call.keywords if word.arg == "env"), "")
        for place, call in _starts()
    }

    assert len(given) > 5
    assert [place for place, environment in given.items() if environment in {"", "None", "os.environ"}] == []


def test_every_python_child_leaves_the_current_folder_out() -> None:
    """`python -m` would import from it."""
    top = Path(deployer.__file__).parent
    lists = [
        ast.unparse(node)
        for path in top.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.List | ast.Tuple)
        and "sys.executable" in ast.unparse(node)
        and "'-m'" in ast.unparse(node)
    ]

    assert len(lists) > 3
    assert [found for found in lists if "'-P'" not in found] == []


@pytest.mark.parametrize(
    ("path", "kept"),
    [("/a:/b", "/a:/b"), (":/a:", "/a"), (".:/a:bin:./x", "/a"), ("", "/bin:/usr/bin"), (".", "/bin:/usr/bin")],
)
def test_the_search_path_has_whole_entries_only(path: str, kept: str) -> None:
    """An empty entry means the current folder too."""
    assert surroundings.search_path({"PATH": path}) == kept


def test_settings_are_not_inherited() -> None:
    """Neither by name nor by section; what else there is, is."""
    environ = {"DEPLOYER_STORE": "x", "DEPLOYER_ON_ATTENTION__WEBHOOK": "x", "LANG": "C", "PATH": "/a"}

    assert surroundings.inherited(environ) == {"LANG": "C", "PATH": "/a"}
    assert surroundings.chosen(environ, ("LANG", "TZ")) == {"LANG": "C", "PATH": "/a"}


def test_a_command_of_the_users_gets_no_settings_either() -> None:
    """A ProxyCommand is started by a library, with all of our environment."""
    environ = {"DEPLOYER_STORE": "s3cret", "PATH": "/usr/bin:/bin", "LANG": "C"}
    line = surroundings.leaving_out("sh -c 'env; echo %h'", environ)

    done = subprocess.run(shlex.split(line), env=environ, capture_output=True, text=True, check=True)

    assert "s3cret" not in done.stdout
    assert "LANG=C" in done.stdout
    assert surroundings.leaving_out("nc a 22", {"LANG": "C"}) == "nc a 22"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANSIBLE_CONFIG", "ansible.cfg"),
        ("ANSIBLE_CONFIG", "{{CWD}}/ansible.cfg"),
        ("ANSIBLE_PRIVATE_KEY_FILE", "./key"),
        ("ANSIBLE_VAULT_IDENTITY_LIST", "dev@/a/b,prod@c"),
        ("ANSIBLE_VAULT_PASSWORD_FILE", ".vault_pass"),
    ],
)
def test_a_relative_path_in_a_variable_is_refused(name: str, value: str) -> None:
    """It would name another file in each folder, and some of these files are run."""
    with pytest.raises(SettingsError, match=f"{name}: .* is a relative path"):
        surroundings.ansible_config(None, {name: value})


def test_whole_paths_in_variables_are_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with ~ and variables, as Ansible reads them."""
    (tmp_path / "ansible.cfg").write_text("")
    monkeypatch.setenv("WHERE", str(tmp_path))
    environ = {"ANSIBLE_CONFIG": "$WHERE", "ANSIBLE_VAULT_IDENTITY_LIST": "a@~/x,b@prompt,/c"}

    assert surroundings.ansible_config(None, environ) == str(tmp_path / "ansible.cfg")


def test_there_is_always_an_ansible_cfg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no place has one, an empty one: with none Ansible would take that of the folder it runs in."""
    (tmp_path / "ansible.cfg").write_text("")
    monkeypatch.chdir(tmp_path)

    found = Path(surroundings.ansible_config(None, {"ANSIBLE_CONFIG": "/nonexistent", "HOME": str(tmp_path / "none")}))

    assert found.is_absolute()
    assert found.is_file()
    assert not found.is_relative_to(tmp_path)


def test_a_setting_that_names_no_file_is_an_error(tmp_path: Path) -> None:
    """Not another configuration in its place."""
    with pytest.raises(SettingsError, match=r"ansible\.config"):
        surroundings.ansible_config(tmp_path / "none.cfg", {})


def test_a_user_without_a_name_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers start programs as users that no file lists."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)

    assert surroundings.person({}) == "4000000000"
    assert surroundings.person({"SUDO_USER": "erin"}) == "erin"
