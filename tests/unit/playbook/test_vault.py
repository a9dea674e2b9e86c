"""Vaulted texts are opened only to know what must not be written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deployer.playbook import vault


def test_opens_what_ansible_vault_made(tmp_path: Path) -> None:
    """A text of the real ansible-vault is opened with its password and with no other."""
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("open-sesame\n", encoding="utf-8")
    wrong.write_text("other\n", encoding="utf-8")
    made = subprocess.run(
        [Path(sys.executable).parent / "ansible-vault", "encrypt", "--vault-password-file", right, "--output", "-"],
        input="the plain text",
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    ).stdout
    found = list(vault.vaulted_in({"a": [{"__ansible_vault": made}], "b": "c"}))

    assert found == [made]
    assert list(vault.decrypted(found, vault.passwords([f"dev@{wrong}", f"dev@{right}"]))) == ["the plain text"]
    assert list(vault.decrypted(found, ["other"])) == []


def test_password_scripts_and_missing_files(tmp_path: Path) -> None:
    """A script is run, a client script with its vault id; what is not there gives no password."""
    script = tmp_path / "ask-client.sh"
    script.write_text('#!/bin/sh\necho "for $2"\n', encoding="utf-8")
    script.chmod(0o700)

    assert list(vault.passwords([f"dev@{script}", str(tmp_path / "gone")])) == ["for dev"]


def test_broken_texts() -> None:
    """What is no vault is not opened, and is no error."""
    assert list(vault.decrypted(["", "$ANSIBLE_VAULT;1.1;AES256\nzz", "$ANSIBLE_VAULT;1.1;AES256\n6162"], ["p"])) == []
