"""Plain texts of vaulted variables, only in order to take them out of what is written.

Ansible decrypts them by itself. The format is its public one: `$ANSIBLE_VAULT;1.1;AES256`, hexadecimal of salt, HMAC
and ciphertext; keys by PBKDF2 (SHA-256, 10000 rounds).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import subprocess
from binascii import Error as NotHexadecimalError
from binascii import unhexlify
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from deployer import surroundings
from deployer.errors import UsageError
from deployer.secrets.redactor import Redactor
from deployer.secrets.values import secrets_in, texts_in

Hidden = Mapping[str, list[str]]
"""`secrets`, and what leads to more of them: `vaulted` texts, `vaulted_files` that are encrypted whole, and
`vault_sources`, as `--vault-id` takes them. `ordinary`: names that messages are made of."""
HEADER = "$ANSIBLE_VAULT;"
_INLINE = re.compile(r"\$ANSIBLE_VAULT;[^\n\"]*\n(?:[ \t]*[0-9a-fA-F]+[ \t]*(?:\n|\Z))+")
_ROUNDS = 10_000
_SCRIPT_SECONDS = 30.0


def redactor(given: Hidden) -> Redactor:
    """Takes all of it out of texts; the vaulted texts are decrypted for that."""
    secrets = list(given["secrets"])
    vaulted, files = given["vaulted"], given.get("vaulted_files", [])
    if vaulted or files:
        known = tuple(passwords(given["vault_sources"]))
        secrets += [*known, *decrypted(vaulted, known)]
        secrets += [found for plain in decrypted(files, known) for found in _in_file(plain)]
    return Redactor(secrets, given.get("ordinary", ()))


def _in_file(plain: str) -> Iterator[str]:
    """The secrets of a file that was encrypted whole: what its names say, and all else that is no ordinary word."""
    # Imported late: the child imports this module, and few runs have such a file.
    import yaml  # noqa: PLC0415  the reason is above

    try:
        data: object = yaml.safe_load(plain)
    except yaml.YAMLError:
        data = plain
    yield from secrets_in(data)
    yield from texts_in(data)


def inline(text: str) -> Iterator[str]:
    """The vaulted values in a file of variables that is not encrypted itself."""
    for found in _INLINE.finditer(text):
        yield "\n".join(line.strip() for line in found[0].splitlines())


def vaulted_in(values: object) -> Iterator[str]:
    """The vaulted texts in variables as `ansible-inventory --list` tells them."""
    if isinstance(values, Mapping):
        vaulted = values.get("__ansible_vault")
        if isinstance(vaulted, str):
            yield vaulted
        else:
            for value in values.values():
                yield from vaulted_in(value)
    elif isinstance(values, Sequence) and not isinstance(values, str):
        for value in values:
            yield from vaulted_in(value)


def source_of(vault_id: str) -> str:
    """The file or script that a `--vault-id` names: what stands behind its first `@`, or all of it.

    Raises:
        UsageError: it asks for a prompt: nobody is asked in a run.
    """
    label, sign, place = vault_id.partition("@")
    source = place if sign else label
    if source.startswith("prompt"):
        raise UsageError(f"--vault-id {vault_id}: nobody is asked in a run; name a file or a script")
    return source


def passwords(sources: Iterable[str]) -> Iterator[str]:
    """The vault passwords that `--vault-id` values name: a file's content, or what a script prints.

    A source that cannot be read gives none: Ansible will say so itself.
    """
    for source in sources:
        label, sign, place = source.partition("@")
        label, place = (label, place) if sign else ("", label)
        path = Path(os.path.expandvars(place)).expanduser()
        try:
            password = _from_script(path, label) if os.access(path, os.X_OK) else path.read_text(encoding="utf-8")
        except (OSError, ValueError, subprocess.SubprocessError):
            continue
        if password.strip():
            yield password.strip()


def _from_script(path: Path, label: str) -> str:
    arguments = ["--vault-id", label] if label and path.stem.endswith("-client") else []
    done = subprocess.run(
        [str(path.absolute()), *arguments],
        cwd="/",
        env=surroundings.inherited(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_SCRIPT_SECONDS,
        check=True,
    )
    return done.stdout.decode()


def decrypted(vaulted: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """The plain texts of those that one of the passwords opens."""
    keys = tuple(known)
    for text in dict.fromkeys(vaulted):
        plain = next((opened for key in keys if (opened := _open(text, key)) is not None), None)
        if plain is not None:
            yield plain


def _open(text: str, password: str) -> str | None:
    header, _, body = text.strip().partition("\n")
    if not header.startswith(HEADER) or "AES256" not in header:
        return None
    try:
        salt, digest, ciphertext = (unhexlify(part) for part in unhexlify("".join(body.split())).split(b"\n", 2))
        keys = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS, 80)
        if not hmac.compare_digest(hmac.digest(keys[32:64], ciphertext, "sha256"), digest):
            return None
        return _decrypt(keys[:32], keys[64:], ciphertext).decode()
    except (NotHexadecimalError, ValueError):
        return None


def _decrypt(key: bytes, counter: bytes, ciphertext: bytes) -> bytes:
    # Imported late: 30 ms, and only a run with vaulted variables needs it.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415  the reason is above
    from cryptography.hazmat.primitives.padding import PKCS7  # noqa: PLC0415  the same

    decryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
    padding = PKCS7(128).unpadder()
    return padding.update(decryptor.update(ciphertext)) + padding.finalize()
