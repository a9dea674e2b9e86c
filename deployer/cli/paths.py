"""Where the user's own operations are, without reading every setting: `--help` needs it, and must be quick."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from deployer.resources import setting_files


def own_playbooks(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The user's folder of operations; what is wrong with a settings file is told when it is used."""
    named = environ.get("DEPLOYER_PLAYBOOKS")
    found = named or next(filter(None, map(_playbooks_in, reversed(setting_files(environ)))), "")
    folder = Path(os.path.expanduser(found))  # noqa: PTH111  it never fails
    # The setting cannot be relative: the current folder is anybody's.
    return (folder,) if folder.is_absolute() else ()


def _playbooks_in(file: Path) -> str:
    if not file.is_file():
        return ""
    import tomllib

    try:
        return str(tomllib.loads(file.read_text(encoding="utf-8")).get("playbooks", ""))
    except (OSError, ValueError):
        return ""
