"""The git repositories of a site: the bare remote with its history, the clone of automation, the clone of a person."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from git.config import GitConfigParser

from deployer.errors import DeployerError
from deployer.sandboxes import programs
from deployer.sandboxes.apart import Stop
from deployer.sandboxes.content.history import BRANCH, steps, stream
from deployer.sandboxes.content.manifest_text import Instance
from deployer.sandboxes.layout import SiteLayout
from deployer.surroundings import search_path


@dataclass(frozen=True, slots=True)
class Person:
    """Who commits in a clone."""

    name: str
    mail: str


AUTOMATION = Person("sandbox-deployer", "deployer@sandbox.example")
ERIN = Person("Erin Halvorsen", "erin.halvorsen@example.com")
_LONGEST = 2000


def build(site: SiteLayout, instances: Sequence[Instance], form: str, stop: Stop) -> None:
    """Make the three repositories of a site.

    Args:
        site: where they go.
        instances: what the manifests are about.
        form: `xml` or `yaml`.
        stop: ends git.

    Raises:
        StoppedError: it was stopped.
        DeployerError: git failed.
    """
    _write_identity(site.home, AUTOMATION)
    _make_remote(site, stream(steps(instances, form, site.repository)), stop)
    _clone(site, site.clone, stop)
    _clone(site, site.persons_clone, stop)
    _set_person(site.persons_clone, ERIN)


def point(site: SiteLayout, remote: str) -> None:
    """Let the clone of automation push to another address of the same repository.

    Args:
        site: whose clone it is.
        remote: the address, as the deployer host knows it.
    """
    with GitConfigParser(site.clone / ".git" / "config", read_only=False) as config:
        config.set_value('remote "origin"', "url", remote)


def _make_remote(site: SiteLayout, history: bytes, stop: Stop) -> None:
    site.remote.mkdir(parents=True)
    _git(site, stop, "init", "--quiet", "--bare", "--template=", f"--initial-branch={BRANCH}", str(site.remote))
    _git(site, stop, "-C", str(site.remote), "fast-import", "--quiet", "--done", stdin=history)
    with GitConfigParser(site.remote / "config", read_only=False) as config:
        config.set_value("receive", "denyNonFastForwards", "true")
        config.set_value("receive", "denyDeletes", "true")


def _clone(site: SiteLayout, path: Path, stop: Stop) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _git(site, stop, "clone", "--quiet", "--template=", "--", site.remote.as_uri(), str(path))


def _write_identity(home: Path, person: Person) -> None:
    home.mkdir(parents=True, exist_ok=True)
    text = f"[user]\n\tname = {person.name}\n\temail = {person.mail}\n[init]\n\tdefaultBranch = {BRANCH}\n"
    (home / ".gitconfig").write_text(text, encoding="utf-8")


def _set_person(clone: Path, person: Person) -> None:
    # Not through Repo, which GIT_WORK_TREE leads astray also when it is given a path.
    with GitConfigParser(clone / ".git" / "config", read_only=False) as config:
        config.set_value("user", "name", person.name)
        config.set_value("user", "email", person.mail)
        # The settings of whoever plays the person must not ask for a key that is not there.
        config.set_value("commit", "gpgSign", "false")


def _git(site: SiteLayout, stop: Stop, *arguments: str, stdin: bytes = b"") -> None:
    """Run git with an environment of its own: GIT_DIR of a hook or the user's settings must not reach it."""
    environment = {
        "PATH": search_path(os.environ),
        "HOME": str(site.home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
    }
    what = f"git could not build {site.repository} of the sandbox"
    try:
        # Not through GitPython, which leaves git running when an exception comes in the middle.
        done = programs.run(["git", *arguments], environment=environment, stdin=stdin, folder=site.folder, stop=stop)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise DeployerError(f"{what}: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-_LONGEST:]
        raise DeployerError(f"{what}: it ended with {done.returncode}: {said}")
