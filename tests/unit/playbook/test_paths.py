"""Relative paths in arguments for Ansible mean the folder of the person who gave them."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.model.options import PlaybookOptions
from deployer.playbook.paths import rooted

HERE = Path("/here it is")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["-e", "@a.yml"], ["-e", "@/here it is/a.yml"]),
        (["-e@a.yml", "-ve=@a.yml"], ["-e@/here it is/a.yml", "-ve=@/here it is/a.yml"]),
        (["--extra-vars=@../a.yml", "--ex", "@a"], ["--extra-vars=@/here it is/../a.yml", "--ex", "@/here it is/a"]),
        (["-e", "a=@b", "-e", '{"a": "b"}'], ["-e", "a=@b", "-e", '{"a": "b"}']),
        (["--private-key", "key", "--key=k"], ["--private-key", "/here it is/key", "--key=/here it is/k"]),
        (["--vault-id", "dev@p", "--vault-id=p"], ["--vault-id", "dev@/here it is/p", "--vault-id=/here it is/p"]),
        (["--vault-id", "dev@prompt"], ["--vault-id", "dev@prompt"]),
        (["--vault-password-file", "p"], ["--vault-password-file", "/here it is/p"]),
        (["--become-pass-file", "p"], ["--become-pass-file", "/here it is/p"]),
        (["--become", "--connection", "ssh"], ["--become", "--connection", "ssh"]),
        (["-M", "lib:/b", "-vMlib"], ["-M", "/here it is/lib:/b", "-vM/here it is/lib"]),
        (
            ["-e", "@/a", "--private-key", "~/k", "-M", "$HOME/b"],
            ["-e", "@/a", "--private-key", "~/k", "-M", "$HOME/b"],
        ),
        (["-t", "a", "--start-at-task", "b/c", "-vv"], ["-t", "a", "--start-at-task", "b/c", "-vv"]),
    ],
)
def test_paths_of_arguments(given: list[str], meant: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In every spelling that Ansible's parser takes; whole paths and other values stay."""
    monkeypatch.setenv("HOME", "/home/erin")

    assert rooted(PlaybookOptions(raw=tuple(given)), lambda: HERE).raw == tuple(meant)


def test_paths_of_ssh() -> None:
    """A configuration or a key that is named in its arguments."""
    given = "-F cfg -o IdentityFile=k -i key -o ProxyJump=a"
    meant = "-F /w/cfg -o IdentityFile=/w/k -i /w/key -o ProxyJump=a"

    assert rooted(PlaybookOptions(raw=(f"--ssh-common-args={given}",)), lambda: Path("/w")).raw == (
        f"--ssh-common-args={meant}",
    )


def test_a_vault_password_below_a_folder_with_an_at_sign() -> None:
    """Ansible takes what stands before the first @ for the label."""
    assert rooted(PlaybookOptions(vault_ids=("p", "x@p")), lambda: Path("/a@b")).vault_ids == ("@/a@b/p", "x@/a@b/p")
