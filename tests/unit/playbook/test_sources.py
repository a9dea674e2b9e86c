"""Files that are named for Ansible."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import UsageError
from deployer.model.options import PlaybookOptions
from deployer.playbook.sources import check_sources


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a file of variables, a script that prints a password, and a folder."""
    (tmp_path / "vars.yml").write_text("a: 1\n")
    (tmp_path / "p@ss.sh").write_text("#!/bin/sh\n")
    (tmp_path / "p@ss.sh").chmod(0o100)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HERE", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("here")
def test_files_that_are_there_are_good_in_every_spelling() -> None:
    """Relative, with a variable, joined to the option; values and other arguments are no files."""
    raw = ("-e", "@vars.yml", "-e@$HERE/vars.yml", "--extra-vars=@vars.yml", "-e", "who=a@b", "-e", '{"a": "@b"}', "-v")

    check_sources(PlaybookOptions(raw=raw, vault_ids=("dev@p@ss.sh", "vars.yml")))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (PlaybookOptions(raw=("-e", "@nonexist.yml")), "--extra-vars @nonexist.yml: nonexist.yml is no file"),
        (PlaybookOptions(raw=("-e", "a=1", "-e@folder")), "folder is no file"),
        (PlaybookOptions(vault_ids=("a@/nonexist",)), "--vault-id a@/nonexist: /nonexist is no file"),
        (PlaybookOptions(vault_ids=("nonexist",)), "nonexist is no file"),
        (PlaybookOptions(vault_ids=("a@prompt",)), "nobody is asked"),
    ],
)
@pytest.mark.usefixtures("here")
def test_a_file_that_is_not_there_is_named(options: PlaybookOptions, said: str) -> None:
    """Before the sync: else a change would land, and the rollout fail after it."""
    with pytest.raises(UsageError) as caught:
        check_sources(options)

    assert said in caught.value.message
