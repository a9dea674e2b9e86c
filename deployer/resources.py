"""Where files are: those that ship with the package (programs, playbooks, inventories) and the settings files."""

from __future__ import annotations

import importlib.util
import marshal
import os
from collections.abc import Mapping
from functools import cache
from importlib.abc import InspectLoader
from importlib.resources import files
from pathlib import Path
from typing import Literal, cast

import platformdirs

from deployer.errors import SettingsError
from deployer.model.program import Program

_CHECKOUT = Path(__file__).resolve().parent.parent


@cache
def program(package: str) -> Program:
    """The modules of a package of ours as a program to stream to a host.

    Args:
        package: dotted name, for example `deployer.gitsync.remote`.
    """
    sources = {
        entry.name.removesuffix(".py"): entry.read_text(encoding="utf-8")
        for entry in files(package).iterdir()
        if entry.name.endswith(".py")
    }
    return Program(sources, {name: code(package if name == "__init__" else f"{package}.{name}") for name in sources})


def code(module: str) -> bytes:
    """The compiled form of a module of ours, from its cache beside the source where Python keeps one.

    Args:
        module: dotted name; it is not imported, the packages above it are.
    """
    spec = importlib.util.find_spec(module)
    # Whatever finds a package of ours can tell its code: a folder's loader, or a zip file's.
    return marshal.dumps(cast("InspectLoader", spec.loader if spec else None).get_code(module))


def shipped(folder: str) -> Path:
    """The shipped `playbooks` or `inventories` folder: in the wheel beside the package, in a checkout at its top.

    Ansible needs real paths, so the package must not be run from a zip file.
    """
    installed = Path(str(files("deployer"))) / "shipped" / folder
    return installed if installed.is_dir() else _CHECKOUT / folder


def setting_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The settings files, weakest first, whether they are there or not: the machine's, the user's, the named one.

    Raises:
        SettingsError: `DEPLOYER_SETTINGS` is a relative path, which would name another file in each folder.
    """
    files = [Path("/etc/deployer/settings.toml"), user_folder("config") / "settings.toml"]
    if named := environ.get("DEPLOYER_SETTINGS"):
        file = Path(os.path.expanduser(named))  # noqa: PTH111  it never fails
        if not file.is_absolute():
            raise SettingsError(f"DEPLOYER_SETTINGS: {named} is a relative path", hint="give the whole path")
        files.append(file)
    return tuple(files)


def user_folder(kind: Literal["cache", "config", "state"]) -> Path:
    """Our folder among the user's: that of `XDG_STATE_HOME` …, unless it is relative, which that standard rules out."""
    found = Path(_USERS[kind][0]("deployer"))
    return found if found.is_absolute() else Path.home() / _USERS[kind][1] / "deployer"


_USERS = {
    "cache": (platformdirs.user_cache_dir, ".cache"),
    "config": (platformdirs.user_config_dir, ".config"),
    "state": (platformdirs.user_state_dir, ".local/state"),
}
