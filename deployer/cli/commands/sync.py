"""`deployer sync`: bring clones and their remotes together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployer.cli import console
from deployer.cli.completing import complete_sites
from deployer.cli.options import Context, clone_option, common
from deployer.errors import AttentionError, UsageError

if TYPE_CHECKING:
    from deployer.rollout.syncing import SiteSync


@click.command("sync")
@click.argument("sites", nargs=-1, metavar="[SITE]...", shell_complete=complete_sites)
@click.option("--check", "-C", is_flag=True, help="Only look: ahead, behind, dirty. Exit 8 when there is work to do.")
@clone_option
@click.option("--clone-missing", is_flag=True, help="Make clones that are missing first.")
@click.option("--cron", is_flag=True, help="Silent unless something needs a person.")
@common
def command(
    context: Context,
    sites: tuple[str, ...],
    check: bool,
    clone: Path | None,
    clone_missing: bool,
    cron: bool,
) -> int:
    """Bring the clones of sites (all for none named) and their remotes together, losing nothing of either.

    Local commits land on the remote, the remote's reach the clone. What a person is in the middle of is left alone.
    """
    context.is_silent = cron
    if clone is not None and (sites or clone_missing):
        raise UsageError("--clone is for one clone on this machine: no sites, no --clone-missing")
    if check and clone_missing:
        raise UsageError("--check only looks: --clone-missing makes clones", hint="name one of the two")
    with context.deployer() as deployer:
        if clone is not None:
            found: Sequence[SiteSync] = (deployer.sync_clone(clone, check=check),)
        else:
            found = deployer.sync(*sites, check=check, clone_missing=clone_missing)
    for one in found:
        if one.cloned:
            context.say(f"{one.site}: cloned")
    return context.finish(found, lambda: _show(found), _code(found))


def _code(found: Sequence[SiteSync]) -> int:
    errors = [one.error.exit_code for one in found if one.error]
    if any(one.manual for one in found) or AttentionError.exit_code in errors:
        return AttentionError.exit_code
    if errors:
        return errors[0]
    if any(one.result and one.result.status == "retry-later" for one in found):
        return 4
    return 8 if any(one.state and (one.state.ahead or one.state.behind) for one in found) else 0


def _show(found: Sequence[SiteSync]) -> None:
    from deployer.app import manual_report
    from deployer.cli.output.tables import table

    if any(one.result for one in found):
        table(("site", "status", "revision", ""), (_row(one) for one in found))
    else:
        now = datetime.now(UTC)
        table(("site", "ahead", "behind", "dirty", "last good sync", ""), (_looked(one, now) for one in found))
    for one in found:
        if one.manual:
            console.lines("", *manual_report(one.manual))
        elif isinstance(one.error, AttentionError):
            console.lines("", f"{one.site}: {one.error.message}", *one.error.hints)


def _row(one: SiteSync) -> tuple[str, ...]:
    from deployer.app import sync_sentence

    if one.result:
        moved = one.result.before[:10]
        if one.result.before != one.result.after:
            moved = f"{moved} -> {one.result.after[:10]}"
        return one.site, one.result.status.value, moved, sync_sentence(one.result)
    return one.site, "error", "", _problem(one)


def _looked(one: SiteSync, now: datetime) -> tuple[str, ...]:
    from deployer.cli.output.words import ago

    good = ago(one.last_good, now)
    if one.state is None:
        return one.site, "?", "?", "?", good, _problem(one)
    state = one.state
    edits = (("edited", state.dirty), ("untracked", state.untracked))
    said = "; ".join(f"{kind}: {', '.join(paths)}" for kind, paths in edits if paths)
    counts = (len(state.ahead), len(state.behind), len(state.dirty))
    return one.site, *(str(count) for count in counts), good, said


def _problem(one: SiteSync) -> str:
    if one.manual:
        return one.manual.line
    return one.error.message if one.error else ""
