"""`deployer undo`: a clone back to what it was before a sync."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployer.cli.completing import complete_sites
from deployer.cli.options import Context, common
from deployer.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from deployer.app import Deployer
    from deployer.model.sync import Snapshot, Undone


@click.command("undo")
@click.argument("site", required=False, default="", shell_complete=complete_sites)
@click.option("--to", default="", metavar="SNAPSHOT", help="A snapshot of --list; a beginning is enough.")
@click.option("--list", "-l", "lists", is_flag=True, help="List the snapshots, newest first.")
@click.option("--clone", type=click.Path(path_type=Path), help="One clone on this machine; needs no inventory.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask, also in production.")
@common
def command(context: Context, site: str, to: str, lists: bool, clone: Path | None, yes: bool) -> int:
    """Bring a site's clone back to what it was before a sync: its branch, what was staged, and every file.

    A snapshot of the present is taken first, so that an undo can be undone. Without --to the newest one is meant. The
    remote stays as it is, and the next sync brings the clone forward again.
    """
    if bool(site) == (clone is not None):
        raise UsageError("name one site, or one clone with --clone")
    with context.deployer() as deployer:
        if lists:
            found = deployer.snapshots(site, clone=clone)
            return context.finish(found, lambda: _list(found))
        if clone is None and not yes and deployer.inventory.is_production:
            _ask(context, deployer, site, to)
        undone = deployer.undo(site, clone=clone, to=to, yes=True)
    return context.finish(undone, lambda: _show(undone, site or f"--clone {clone}"))


def _ask(context: Context, deployer: Deployer, site: str, to: str) -> None:
    """Production asks, and shows what it is about.

    Raises:
        RefusedError: no, or there is nobody to be asked.
    """
    environment = deployer.inventory.environment
    if not context.is_interactive:
        hint = "--yes confirms without asking"
        raise RefusedError(f"{environment} is production, and there is no terminal to ask on", hint=hint)
    known = deployer.snapshots(site)
    wanted = next((one for one in known if one.id.startswith(to)), None)
    said = f"what it was before {wanted.why}, {wanted.head[:10]} {wanted.subject}" if wanted else "a snapshot"
    if not click.confirm(f"bring the clone of {site} in {environment} back to {said}?", err=True):
        raise RefusedError("not confirmed; nothing was changed", hint="--yes confirms without asking")


def _list(found: tuple[Snapshot, ...]) -> None:
    from deployer.cli.output.tables import table
    from deployer.cli.output.words import ago

    if not found:
        click.echo("no snapshot: one is taken before each sync that changes the clone, and none has")
        return
    now = datetime.now(UTC)
    rows = [
        (one.id, ago(one.time, now), one.why, f"{one.branch} {one.head[:10]}", one.subject, _edits(one))
        for one in found
    ]
    table(("snapshot", "taken", "before", "revision", "", "edits"), rows)


def _edits(one: Snapshot) -> str:
    """What people had there that was not committed."""
    kinds = (("edited", one.dirty), ("untracked", one.untracked), ("not kept", one.left))
    return "; ".join(f"{kind}: {', '.join(paths)}" for kind, paths in kinds if paths) or "none"


def _show(undone: Undone, what: str) -> None:
    where = f"{undone.path} on {undone.host}"
    if undone.saved is None:
        click.echo(f"{where} is as it was then: nothing was changed")
        return
    click.echo(f"{where} is what it was before {undone.snapshot.why}: {undone.before[:10]} -> {undone.after[:10]}")
    for kind, paths in (("put back", undone.written), ("taken away", undone.removed), ("left alone", undone.left)):
        if paths:
            click.echo(f"  {kind}: {', '.join(paths)}")
    click.echo(f"to undo this: deployer undo {what} --to {undone.saved.id}")
    if undone.landed:
        _warn(undone)


def _warn(undone: Undone) -> None:
    click.echo("\nthese stay on the remote, and the next sync brings them again:")
    for commit in undone.landed:
        click.echo(f"  {commit.oid[:12]} {commit.date} {commit.author}: {commit.subject}")
    if undone.commands:
        click.echo(f"\nto take them back there as well, on {undone.host}:")
        for line in undone.commands:
            click.echo(f"  {line}")
