"""The release store of a sandbox: archives of the service, the same bytes every time, and their checksums."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from deployer.sandboxes.content.manifest_text import APPLICATION

VERSIONS: Mapping[str, int] = {"1.4.1": 7, "1.4.2": 7, "1.5.0": 7, "1.5.1": 8}
"""Version -> the database schema that it needs. There is schema 7: 1.5.1 starts and never becomes healthy."""
_MTIME = 1789635600
"""Of everything in an archive: the same sources give the same checksum on every machine."""


def build(store: Path) -> None:
    """Write `<store>/<application>/<version>/<application>-<version>.tar.gz` and SHA256SUMS beside it."""
    for version, schema in VERSIONS.items():
        folder = store / APPLICATION / version
        folder.mkdir(parents=True)
        name = f"{APPLICATION}-{version}.tar.gz"
        data = archive(version, schema)
        (folder / name).write_bytes(data)
        (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(data).hexdigest()}  {name}\n", encoding="ascii")


def archive(version: str, schema: int) -> bytes:
    """A release as a compressed tar file.

    Args:
        version: what the service will say.
        schema: the database schema that it waits for.
    """
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry, data in _entries(version, schema):
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=_MTIME)


def _entries(version: str, schema: int) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    folder = _entry("bin", 0o755, b"")
    folder.type = tarfile.DIRTYPE
    yield folder, b""
    release = json.dumps({"application": APPLICATION, "version": version, "schema": schema}, indent=2) + "\n"
    contents = {
        "bin/serve": (0o755, files("deployer.sandboxes.content.service").joinpath("serve.py").read_bytes()),
        "release.json": (0o644, release.encode()),
    }
    for name, (mode, data) in contents.items():
        yield _entry(name, mode, data), data


def _entry(name: str, mode: int, data: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size, entry.mtime = mode, len(data), _MTIME
    entry.uname = entry.gname = "root"
    return entry
