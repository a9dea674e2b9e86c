"""Where files are: those that ship with the package (programs, playbooks, inventories) and the settings files."""

from __future__ import annotations

import importlib.util
import marshal
from collections.abc import Mapping
from functools import cache
from importlib.abc import InspectLoader
from importlib.resources import files
from pathlib import Path
from typing import cast

import platformdirs

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
    """The settings files, weakest first, whether they are there or not: the machine's, the user's, the named one."""
    files = [Path("/etc/deployer/settings.toml"), Path(platformdirs.user_config_dir("deployer")) / "settings.toml"]
    if named := environ.get("DEPLOYER_SETTINGS"):
        files.append(Path(named))
    return tuple(files)
