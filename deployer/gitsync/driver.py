"""Our merge as a merge driver of git, in a person's own clone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import git

from deployer.errors import DeployerError, UsageError

SECTION = 'merge "deployer"'
NAME = "deployer: manifests by their structure"
ARGUMENTS = "--driver --marker-size %L --path %P %O %A %B"
"""As git fills them in: the path comes quoted for the shell, the others are names of temporary files."""


def install(folder: Path, command: str, suffixes: Iterable[str]) -> tuple[str, ...]:
    """Register the driver in a clone, and name it for some suffixes in its .gitattributes.

    Args:
        folder: in the clone's work tree.
        command: how git shall call us, up to the arguments; quoted for a shell.
        suffixes: of files (`.xml`).

    Returns:
        The lines that were added to .gitattributes; none where all are there.

    Raises:
        UsageError: there is no clone.
        DeployerError: its files cannot be written.
    """
    try:
        with git.Repo(folder, search_parent_directories=True) as repository:
            _configure(repository, f"{command} {ARGUMENTS}")
            return _attribute(Path(_top(repository)), [f"*{suffix} merge=deployer" for suffix in suffixes])
    except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
        raise UsageError(f"{folder} is in no clone of git", hint="name its folder: merge --install FOLDER") from error
    except OSError as error:
        raise DeployerError(f"the merge driver cannot be installed in {folder}: {error}") from error


def _top(repository: git.Repo) -> str:
    if repository.working_tree_dir is None:
        raise UsageError(f"{repository.git_dir} has no work tree: nothing is merged in it")
    return str(repository.working_tree_dir)


def _configure(repository: git.Repo, command: str) -> None:
    wanted = {"name": NAME, "driver": command}
    with repository.config_reader() as known:
        if all(known.get_value(SECTION, name, "") == value for name, value in wanted.items()):
            return
    with repository.config_writer() as config:
        for name, value in wanted.items():
            config.set_value(SECTION, name, value)


def _attribute(top: Path, lines: Sequence[str]) -> tuple[str, ...]:
    path = top / ".gitattributes"
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    missing = tuple(line for line in lines if line not in text.splitlines())
    if missing:
        start = text if not text or text.endswith("\n") else text + "\n"
        added = start + "".join(line + "\n" for line in missing)
        path.write_text(added, encoding="utf-8", errors="surrogateescape")
    return missing
