"""Ansible's answers, kept by the digest of what they depend on: asking costs half a second of processor time."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from deployer.folders import make_folder
from deployer.model.json import JsonObject

FORM = 1
"""Of the files; another form is not read."""
KEPT = 50
"""Files that are kept; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer from before."""

    answer: JsonObject
    age: float
    """Seconds."""


class Cache:
    """A folder of answers. What cannot be read or written there is as if it were not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, digest: str) -> Path:
        return self._folder / f"inventory-{digest}.json"

    def get(self, digest: str, longest: float | None) -> Kept | None:
        """The answer; None when there is none, or when it is older than `longest` seconds."""
        try:
            kept = json.loads(self._path(digest).read_bytes())
            if kept["form"] != FORM:
                return None
            age = max(0.0, time.time() - float(kept["asked"]))
            answer: JsonObject = kept["answer"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return None if longest is not None and age > longest else Kept(answer, age)

    def put(self, digest: str, asked: float, answer: JsonObject) -> None:
        """Keep an answer, whole or not at all."""
        with contextlib.suppress(OSError):
            make_folder(self._folder.parent)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(dir=self._folder)  # made with 0600
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump({"form": FORM, "asked": asked, "answer": answer}, stream)
            Path(draft).replace(self._path(digest))
            self._sweep()

    def _sweep(self) -> None:
        newest = sorted(self._folder.glob("inventory-*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in newest[KEPT:]:
            path.unlink()
