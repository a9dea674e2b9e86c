"""Files that ship with the package: our programs for deployer hosts, the playbooks, the example inventories."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

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
    return Program(modules=sources)


def shipped(folder: str) -> Path:
    """The shipped `playbooks` or `inventories` folder: in the wheel beside the package, in a checkout at its top.

    Ansible needs real paths, so the package must not be run from a zip file.
    """
    installed = Path(str(files("deployer"))) / "shipped" / folder
    return installed if installed.is_dir() else _CHECKOUT / folder
