"""A site of one clone on this machine, with no inventory at all."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from deployer.errors import UsageError
from deployer.model.site import Machine, Repository, Site


def lone_site(clone: Path) -> Site:
    """The site that a clone of this machine stands for.

    Raises:
        UsageError: there is no clone. Of a folder that somebody typed nobody knows that there should be one: that is no
            manual work, and nothing ever would close it.
    """
    # Its program runs at home, and reports are pasted anywhere: a relative path would mean another folder there.
    path = os.path.abspath(clone.expanduser())  # noqa: PTH100  no link is followed
    if not os.path.lexists(os.path.join(path, ".git")):  # noqa: PTH118  and none that cannot be read is an error
        said = "is no clone: it has no .git" if os.path.lexists(path) else "is not there"
        raise UsageError(f"{path} {said}", hint="--clone takes the top folder of a clone on this machine")
    machine = Machine(socket.gethostname(), {"ansible_connection": "local"})
    name = clone.resolve().name
    return Site("", name, machine, Repository(name, path, branch=""))
