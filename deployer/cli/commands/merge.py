"""`deployer merge`: three versions of a manifest into one, for a person and for git."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployer.cli.files import read_bytes, read_manifest, rules_near, write_bytes
from deployer.cli.options import Context, common
from deployer.errors import AttentionError, UsageError

if TYPE_CHECKING:
    from deployer.app import Deployer
    from deployer.model.merge import MergeResult

CONFLICT = AttentionError.exit_code
_MOST_CONFLICTS = 127
"""More than that git takes for a failure of the driver."""


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
    with context.deployer() as deployer:
        if driver:
            return _drive(deployer, files, name, marker_size)
        return _merge(context, deployer, files, name, output)


def _install(context: Context, folders: tuple[Path, ...]) -> int:
    if len(folders) > 1:
        raise UsageError("--install takes one repository")
    with context.deployer() as deployer:
        added = deployer.install_merge_driver(*folders or (Path(),))
    said = [f".gitattributes: {line}" for line in added] or ["nothing to add to .gitattributes"]
    return context.finish({"attributes": added}, lambda: click.echo("\n".join(said)))


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
        sys.stdout.buffer.write(content)


def _document(result: MergeResult, content: bytes | None) -> dict[str, object]:
    text = None if content is None else content.decode("utf-8", "backslashreplace")
    return {"clean": result.content is not None, "conflicts": result.conflicts, "content": text}


def _drive(deployer: Deployer, files: tuple[Path, ...], name: str, marker_size: int) -> int:
    """What has no structure is merged by its lines; what has not even lines keeps our side, in conflict."""
    base, ours, theirs = (read_bytes(path) for path in files)
    result = deployer.manifests.merge(name, base, ours, theirs, rules=rules_near(Path()), marker_size=marker_size)
    content = result.partial if result.content is None else result.content
    if content or result.content is not None:
        write_bytes(files[1], content)
    for conflict in result.conflicts:
        click.echo(f"{name}: {conflict}", err=True)
    return 0 if result.content is not None else max(1, min(len(result.conflicts), _MOST_CONFLICTS))
