"""What a process that we start gets of this one.

This is the one place that makes environments of child processes from ours. A child gets no setting of deployer, since a
setting can be a secret (`DEPLOYER_ON_ATTENTION__WEBHOOK`), and no search path that leads into the current folder, since
anybody who pushes to a config repository can put a program there.
"""

from __future__ import annotations

import getpass
import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from deployer.errors import SettingsError, UsageError

PREFIX = "DEPLOYER_"
"""Of the variables that are settings of deployer."""
_ANSIBLE_FILES = (
    "ANSIBLE_CONFIG",
    "ANSIBLE_PRIVATE_KEY_FILE",
    "ANSIBLE_VAULT_IDENTITY_LIST",
    "ANSIBLE_VAULT_PASSWORD_FILE",
)
"""Variables that name files for Ansible; a password file may be a program."""
_EMPTY = Path(__file__).with_name("empty.cfg")


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child that is to find what a person would find: ours, less settings of deployer.

    Args:
        environ: this process's environment.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
    return kept | {"PATH": search_path(environ)}


def chosen(environ: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The environment of a child that gets these variables only, and `PATH`.

    Args:
        environ: this process's environment.
        names: of variables; those that are not set are left out.
    """
    return {name: environ[name] for name in names if name in environ} | {"PATH": search_path(environ)}


def leaving_out(command: str, environ: Mapping[str, str]) -> str:
    """A command line of the user's that a library starts with our environment: less settings of deployer.

    Args:
        command: words, as a shell would split them.
        environ: this process's environment.
    """
    settings = [word for name in sorted(environ) if name.startswith(PREFIX) for word in ("-u", name)]
    return f"{shlex.join(['env', *settings])} {command}" if settings else command


def search_path(environ: Mapping[str, str]) -> str:
    """`PATH` without relative and empty entries: these mean the current folder, whichever that is."""
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if entry.startswith(os.sep)) or os.defpath


def current_folder() -> Path:
    """The folder that relative paths on the command line are meant from.

    Raises:
        UsageError: it is gone: a relative path means nothing any more.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError("the current folder is gone", hint="cd to one that is there, or give whole paths") from error


def person(environ: Mapping[str, str]) -> str:
    """The name of who started us, also behind sudo; the number of a user who has no name, as in some containers."""
    try:
        return environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        return str(os.getuid())


def home_folder(environ: Mapping[str, str]) -> str:
    """The folder in which programs of the user run: the home, where there is one."""
    home = Path(environ.get("HOME", ""))
    return str(home) if home.is_absolute() and home.is_dir() else "/"


def ansible_config(named: Path | None, environ: Mapping[str, str]) -> str:
    """The ansible.cfg for every program of Ansible; Ansible itself would also take one of the current folder.

    Args:
        named: the setting `ansible.config`.
        environ: the user's environment.

    Returns:
        The setting's file, else that of `ANSIBLE_CONFIG`, `~/.ansible.cfg`, `/etc/ansible/ansible.cfg`; an empty file
        of ours where there is none.

    Raises:
        SettingsError: the setting's file cannot be read, or a variable of the environment names a file by a relative
            path.
    """
    _refuse_relative(environ)
    if named is not None:
        if not _is_readable(named):
            raise SettingsError(f"ansible.config: {named} is no file that can be read")
        return str(named)
    return str(next((place for place in _usual_places(environ) if _is_readable(place)), _EMPTY))


def _usual_places(environ: Mapping[str, str]) -> Iterable[Path]:
    if given := environ.get("ANSIBLE_CONFIG"):
        path = _expanded(given)
        yield path / "ansible.cfg" if path.is_dir() else path
    yield Path(home_folder(environ)) / ".ansible.cfg"
    yield Path("/etc/ansible/ansible.cfg")


def _is_readable(path: Path) -> bool:
    return path.exists() and not path.is_dir() and os.access(path, os.R_OK)


def _refuse_relative(environ: Mapping[str, str]) -> None:
    """A variable goes from folder to folder: a relative path in it would mean whatever is in the current one."""
    for name in _ANSIBLE_FILES:
        for value in filter(None, environ.get(name, "").split(",")):
            place = value.partition("@")[2] or value if name == "ANSIBLE_VAULT_IDENTITY_LIST" else value
            if not _expanded(place).is_absolute() and not place.startswith("prompt"):
                hint = "give the whole path; a relative one would mean another file in each folder"
                raise SettingsError(f"{name}: {place} is a relative path", hint=hint)


def _expanded(place: str) -> Path:
    return Path(os.path.expanduser(os.path.expandvars(place)))  # noqa: PTH111  it never fails
