"""What a git of ours that was killed left under `refs/deployer/`, where nobody but us has business.

Hold the clone's lock: the gits that we start inherit it, so none of ours lives.
"""

from __future__ import annotations

import os

from . import refs
from .git import remove
from .preflight import Place, in_use


def mend_private_refs(place: Place) -> None:
    """Remove what a power cut left of our private refs: git would refuse every fetch because of one that is empty."""
    for ref in refs.broken(place, "refs/deployer"):
        remove(os.path.join(place.common_dir, *ref.split("/")))


def release_private_locks(place: Place) -> None:
    """Remove the locks of our private refs, unless a git of a person (`gc` packs them too) is at work in the clone."""
    top = os.path.join(place.common_dir, "refs", "deployer")
    for folder, _folders, names in os.walk(top):
        for path in (os.path.join(folder, name) for name in names if name.endswith(".lock")):
            if not in_use(place, path):
                remove(path)
