"""Hashes as git makes them, by Python's own code: to load OpenSSL for them takes as long as a fetch of nothing."""

from __future__ import annotations

import contextlib
from typing import Any

SHA256 = 64
"""Digits of an object id of SHA-256."""


def sha1(data: bytes) -> Any:  # noqa: ANN401  a hash object; modules name its type differently
    """As `hashlib.sha1`; git's choice, not ours."""
    return _algorithm("sha1", "_sha1")(data)


def sha256(data: bytes) -> Any:  # noqa: ANN401  as above
    """As `hashlib.sha256`."""
    return _algorithm("sha256", "_sha2", "_sha256")(data)


def object_id(kind: str, data: bytes, *, is_sha256: bool) -> str:
    """The id of an object of git."""
    whole = b"%s %d\0" % (kind.encode(), len(data)) + data
    return str((sha256 if is_sha256 else sha1)(whole).hexdigest())


def _algorithm(name: str, *modules: str) -> Any:  # noqa: ANN401  as above
    for module in modules:
        with contextlib.suppress(ImportError):
            return getattr(__import__(module), name)
    import hashlib

    return getattr(hashlib, name)
