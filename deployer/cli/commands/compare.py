"""`deployer compare`: what one manifest says that another does not, per element."""

from __future__ import annotations

from pathlib import Path

import click

from deployer.cli.files import read_manifest, rules_near
from deployer.cli.options import Context, common

DIFFERENT = 8


@click.command("compare")
@click.argument("before", metavar="A", type=click.Path(path_type=Path))
@click.argument("after", metavar="B", type=click.Path(path_type=Path))
@click.option("--path", "name", default="", metavar="NAME", help="Name of the file: its suffix says the format.")
@common
def command(context: Context, before: Path, after: Path, name: str) -> int:
    """Show the change from A to B per element: exit 0 when both say the same, 8 when not."""
    from deployer.cli.output.differences import print_differences

    with context.deployer() as deployer:
        path = name or after.name
        versions = (read_manifest(file, path, deployer.manifests) for file in (before, after))
        found = deployer.manifests.compare(path, *versions, rules=rules_near(Path()))
    return context.finish({"changes": found}, lambda: print_differences(found), DIFFERENT if found else 0)
