"""`deployer merge`: three versions of a manifest into one, for a person and for git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployer.cli import console
from deployer.cli.files import read_bytes, read_manifest, rules_near, write_bytes
from deployer.cli.options import Context, common
from deployer.errors import AttentionError, DeployerError, UsageError
from deployer.surroundings import inherited

if TYPE_CHECKING:
    from deployer.app import Deployer
    from deployer.manifests import ManifestFormats
    from deployer.model.merge import MergeResult

CONFLICT = AttentionError.exit_code
_MOST_CONFLICTS = 127
"""More than that git takes for a failure of the driver."""
_FAILED = 129
"""To git no conflict, but a merge that failed: it leaves everything as it was."""


@click.command("merge")
@click.argument("files", nargs=-1, metavar="BASE OURS THEIRS", type=click.Path(path_type=Path))
@click.option("--path", "name", default="", metavar="NAME", help="Name of the file: its suffix says the format.")
@click.option("--output", "-o", default=None, metavar="OUT", type=click.Path(path_type=Path), help="Write it here.")
@click.option("--install", is_flag=True, help="Register it as git's merge driver in the clone named, or in this one.")
@click.option("--driver", is_flag=True, hidden=True, help="Called by git: the result goes into OURS.")
@click.option("--marker-size", default=7, type=click.IntRange(1, 1000), hidden=True, help="Of conflict markers.")
@common
def command(
    context: Context,
    files: tuple[Path, ...],
    name: str,
    output: Path | None,
    install: bool,
    driver: bool,
    marker_size: int,
) -> int:
    """Merge two changes of a manifest by its structure: exit 0 merged, 5 a person must decide, 1 cannot be read."""
    if install:
        return _install(context, files)
    if len(files) != len(("base", "ours", "theirs")):
        raise UsageError("merge takes three files: BASE OURS THEIRS", hint="or --install [REPOSITORY]")
    if driver:
        return _drive(files, name, marker_size)
    with context.deployer() as deployer:
        return _merge(context, deployer, files, name, output)


def _install(context: Context, folders: tuple[Path, ...]) -> int:
    if len(folders) > 1:
        raise UsageError("--install takes one repository")
    with context.deployer() as deployer:
        added = deployer.install_merge_driver(*folders or (Path(),))
    said = [f".gitattributes: {line}" for line in added] or ["nothing to add to .gitattributes"]
    return context.finish({"attributes": added}, lambda: console.lines(*said))


def _merge(context: Context, deployer: Deployer, files: tuple[Path, ...], name: str, output: Path | None) -> int:
    path = name or files[1].name
    base, ours, theirs = (read_manifest(file, path, deployer.manifests) for file in files)
    result = deployer.manifests.merge(path, base, ours, theirs, rules=rules_near(Path()))
    if not context.as_json:
        for conflict in result.conflicts:
            context.say(f"{path}: {conflict}")
    content = result.partial if result.content is None else result.content
    if output is not None:
        write_bytes(output, content)
    shown = None if output is not None else content
    return context.finish(
        _document(result, shown), lambda: _print(shown), 0 if result.content is not None else CONFLICT
    )


def _print(content: bytes | None) -> None:
    if content is not None:
        console.raw(content)


def _document(result: MergeResult, content: bytes | None) -> dict[str, object]:
    text = None if content is None else content.decode("utf-8", "backslashreplace")
    return {"clean": result.content is not None, "conflicts": result.conflicts, "content": text}


def _drive(files: tuple[Path, ...], name: str, marker_size: int) -> int:
    """Whatever our merge stumbles over, git's own is still to be done: else the file would hold our side alone."""
    try:
        code = _by_structure(files, name, marker_size)
    except Exception as error:  # noqa: BLE001  a fault of ours must not lose their side either
        known = isinstance(error, DeployerError)
        console.tell(f"{name}: {error}" if known else f"{name}: {type(error).__name__}: {error}")
        code = None
    return _by_lines(files, name, marker_size) if code is None else code


def _by_structure(files: tuple[Path, ...], name: str, marker_size: int) -> int | None:
    """The exit code for git; None where there is nothing that a person could go on from."""
    base, ours, theirs = (read_bytes(path) for path in files)
    result = _formats().merge(name, base, ours, theirs, rules=rules_near(Path()), marker_size=marker_size)
    for conflict in result.conflicts:
        console.tell(f"{name}: {conflict}")
    if result.content is not None:
        write_bytes(files[1], result.content)
        return 0
    if not result.partial or any(conflict.kind == "rules" for conflict in result.conflicts):
        return None
    write_bytes(files[1], result.partial)
    return max(1, min(len(result.conflicts), _MOST_CONFLICTS))


def _formats() -> ManifestFormats:
    """With no settings: a wrong one must not stop a merge that needs none."""
    from deployer.app import Deployer
    from deployer.settings import Settings

    return Deployer(settings=Settings()).manifests


def _by_lines(files: tuple[Path, ...], name: str, marker_size: int) -> int:
    """Have git merge into OURS; what has not even lines keeps our side, in conflict, as under git alone."""
    base, ours, theirs = (os.path.abspath(path) for path in files)  # noqa: PTH100  a name like -p is no option then
    labels = [part for label in ("ours", "base", "theirs") for part in ("-L", label)]
    command = ["git", "--no-pager", "merge-file", f"--marker-size={marker_size}", *labels, ours, base, theirs]
    environment = inherited(os.environ) | {"LC_ALL": "C"}
    try:
        done = subprocess.run(command, stderr=subprocess.PIPE, check=False, env=environment)
    except OSError as error:
        console.tell(f"{name}: git merge-file could not be run on this machine: {error}")
        return _FAILED
    if 0 <= done.returncode <= _MOST_CONFLICTS:
        return done.returncode
    console.tell(f"{name}: {done.stderr.decode(errors='replace').strip()}")
    return 1 if b"binary" in done.stderr else _FAILED
