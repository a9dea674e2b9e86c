"""Paths in arguments for Ansible, which does not run in the folder that they are meant from."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deployer.model.options import PlaybookOptions

_Root = Callable[[str], str]

_SHORT = re.compile(r"(?P<flags>-[CDvbykKJ]*(?P<letter>[eM])=?)(?P<value>.*)", re.DOTALL)
"""An option of one letter that takes a path, also behind flags, and with its value behind it."""
_SSH = re.compile(r"""(?P<option>(?:^|(?<=\s))(?:-F\s*|-i\s*|-o\s*(?:IdentityFile|UserKnownHostsFile)[=\s]\s*))"""
                  r"""(?P<path>[^\s"']+)""")  # fmt: skip
"""In options of ssh, where they stand without quotes."""
_NO_PATHS = frozenset({"--become", "--connection"})
"""Options of their own, which begin as one that takes a path."""


def rooted(options: PlaybookOptions, folder: Callable[[], Path]) -> PlaybookOptions:
    """The same options, with whole paths in place of relative ones.

    Args:
        options: as a person gave them.
        folder: finds the one in which the person is; called for relative paths only.
    """

    def root(place: str) -> str:
        expanded = Path(os.path.expanduser(os.path.expandvars(place)))  # noqa: PTH111  it never fails
        return place if not place or expanded.is_absolute() else str(folder() / expanded)

    vault_ids = tuple(_vault_id(given, root) for given in options.vault_ids)
    return replace(options, vault_ids=vault_ids, raw=tuple(_arguments(options.raw, root)))


def _arguments(arguments: Sequence[str], root: _Root) -> Iterator[str]:
    """Arguments of ansible-playbook, less relative paths."""
    change: Callable[[str, _Root], str] | None = None
    for argument in arguments:
        if change:
            yield change(argument, root)
            change = None
            continue
        name, sign, value = argument.partition("=")
        found = _SHORT.fullmatch(argument)
        change = {"e": _extra, "M": _paths}[found["letter"]] if found else _change_of(name)
        if change and found and found["value"]:
            yield found["flags"] + change(found["value"], root)
            change = None
        elif change and not found and sign:
            yield f"{name}={change(value, root)}"
            change = None
        else:
            yield argument


def _change_of(option: str) -> Callable[[str, _Root], str] | None:
    """What an option's value is; Ansible's parser takes abbreviations. None for one without a path."""
    if not option.startswith("--") or option in {"--", *_NO_PATHS}:
        return None
    return next((change for name, change in _OPTIONS.items() if name.startswith(option)), None)


def _file(value: str, root: _Root) -> str:
    return root(value)


def _extra(value: str, root: _Root) -> str:
    return f"@{root(value[1:])}" if value.startswith("@") else value


def _paths(value: str, root: _Root) -> str:
    return os.pathsep.join(map(root, value.split(os.pathsep)))


def _vault_id(value: str, root: _Root) -> str:
    label, sign, place = value.partition("@")
    if (place if sign else label).startswith("prompt"):
        return value
    whole = root(place if sign else label)
    # Ansible takes what stands before the first @ for the label.
    return f"{label}@{whole}" if sign else f"@{whole}" if "@" in whole else whole


def _ssh(value: str, root: _Root) -> str:
    def whole(found: re.Match[str]) -> str:
        path = root(found["path"])
        return found["option"] + (path if path == found["path"] else shlex.quote(path))

    return _SSH.sub(whole, value)


_OPTIONS: Mapping[str, Callable[[str, _Root], str]] = {
    "--extra-vars": _extra,
    "--vault-id": _vault_id,
    "--vault-password-file": _file,
    "--vault-pass-file": _file,
    "--private-key": _file,
    "--key-file": _file,
    "--module-path": _paths,
    "--become-password-file": _file,
    "--become-pass-file": _file,
    "--connection-password-file": _file,
    "--conn-pass-file": _file,
    "--ssh-common-args": _ssh,
    "--ssh-extra-args": _ssh,
    "--sftp-extra-args": _ssh,
    "--scp-extra-args": _ssh,
}
