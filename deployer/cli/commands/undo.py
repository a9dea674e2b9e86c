"""`deployer undo`: a clone back to what it was before a sync."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployer.cli import console
from deployer.cli.completing import complete_sites
from deployer.cli.options import Context, clone_option, common
from deployer.cli.stopping import confirmed
from deployer.errors import RefusedError, UsageError
from deployer.model.command import typed

if TYPE_CHECKING:
    from deployer.app import Deployer
    from deployer.model.sync import Snapshot, Undone


@click.command("undo")
@click.argument("site", required=False, default="", shell_complete=complete_sites)
@click.option("--to", default="", metavar="SNAPSHOT", help="A snapshot of --list; a beginning is enough.")
@click.option("--list", "-l", "lists", is_flag=True, help="List the snapshots, newest first.")
@clone_option
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
            to = _ask(context, deployer, site, to)
        undone = deployer.undo(site, clone=clone, to=to, yes=True)
    # Pasted in another folder, the path of the clone that was meant is the whole one.
    return context.finish(undone, lambda: _show(context, undone, (site,) if site else ("--clone", undone.path)))


def _ask(context: Context, deployer: Deployer, site: str, to: str) -> str:
    """Production asks, and shows what it is about.

    Returns:
        The id of the snapshot that was confirmed: a sync meanwhile makes another one the newest.

    Raises:
        UsageError: there is no such snapshot.
        RefusedError: no, or there is nobody to be asked.
    """
    environment = deployer.inventory.environment
    if not context.is_interactive:
        hint = "--yes confirms without asking"
        raise RefusedError(f"{environment} is production, and there is no terminal to ask on", hint=hint)
    wanted = _wanted(deployer.snapshots(site), site, to)
    said = f"what it was before {wanted.why}, {wanted.head[:10]} {wanted.subject}"
    text = f"bring the clone of {site} in {environment} back to {said}?"
    if not confirmed(lambda: console.ask(text)):
        raise RefusedError("not confirmed; nothing was changed", hint="--yes confirms without asking")
    return wanted.id


def _wanted(known: Sequence[Snapshot], site: str, to: str) -> Snapshot:
    found = [one for one in known if one.id.startswith(to)]
    if not found or (to and len(found) > 1):
        said = f"has no snapshot {to}, or several begin so" if to else "has no snapshot"
        raise UsageError(
            f"the clone of {site} {said}", hint=f"{typed('deployer', 'undo', site, '--list')} shows what there is"
        )
    return found[0]


def _list(found: tuple[Snapshot, ...]) -> None:
    from deployer.cli.output.tables import table
    from deployer.cli.output.words import ago

    if not found:
        console.line("no snapshot: one is taken before each sync that changes the clone, and none has")
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


def _show(context: Context, undone: Undone, what: Sequence[str]) -> None:
    from deployer.cli.output.tables import where_options

    where = f"{undone.path} on {undone.host}"
    if undone.saved is None:
        console.line(f"{where} is as it was then: nothing was changed")
        return
    console.line(f"{where} is what it was before {undone.snapshot.why}: {undone.before[:10]} -> {undone.after[:10]}")
    for kind, paths in (("put back", undone.written), ("taken away", undone.removed), ("left alone", undone.left)):
        if paths:
            console.line(f"  {kind}: {', '.join(paths)}")
    again = ("deployer", "undo", *what, "--to", undone.saved.id, *where_options(context.arguments))
    console.line(f"to undo this: {typed(*again)}")
    if undone.landed:
        _warn(undone)


def _warn(undone: Undone) -> None:
    console.lines("", "these stay on the remote, and the next sync brings them again:")
    for commit in undone.landed:
        console.line(f"  {commit.oid[:12]} {commit.date} {commit.author}: {commit.subject}")
    if undone.commands:
        console.lines("", f"to take them back there as well, on {undone.host}:")
        for line in undone.commands:
            console.line(f"  {line}")
