"""`deployer verify`: are the live instances as they should be?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployer.cli import console
from deployer.cli.completing import complete_names, complete_operations
from deployer.cli.operations import split_names
from deployer.cli.options import Context, common
from deployer.cli.stopping import signals
from deployer.errors import UsageError

if TYPE_CHECKING:
    from deployer.model.check import TargetChecks, Verification


@click.command("verify")
@click.argument("names", nargs=-1, required=True, metavar="SITE... [INSTANCE...]", shell_complete=complete_names)
@click.option("--limit", "-l", default="", metavar="PATTERN", help="Only these: an Ansible host pattern.")
@click.option(
    "--operation", "-o", default="redeploy", show_default=True, help="Whose checks.", shell_complete=complete_operations
)
@click.option("--param", "-p", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the operation.")
@click.option("--verbose", "-v", is_flag=True, help="All that pytest says of each failure.")
@common
def command(
    context: Context,
    names: tuple[str, ...],
    limit: str,
    operation: str,
    params: tuple[str, ...],
    verbose: bool,
) -> int:
    """Check live instances with the test files of an operation. Nothing is locked or changed.

    Exit 3 when a check failed, 4 when a host did not answer.
    """
    from deployer.app import StopSwitch, Wanted

    stop = StopSwitch()
    with context.deployer() as deployer, signals(stop):
        sites, instances = split_names(deployer, names)
        wanted = Wanted(operation, sites, instances, limit, params=dict(map(_pair, params)))
        found = deployer.verify(wanted, stop=stop)
    return context.finish(found, lambda: _show(found, verbose=verbose), stop.exit_code or found.exit_code)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageError(f"--param {text}: it takes NAME=VALUE")
    return name, value


def _show(found: Verification, *, verbose: bool) -> None:
    from deployer.cli.output.cells import words
    from deployer.cli.output.tables import table
    from deployer.cli.output.words import COLOURS
    from deployer.rollout.verifying import counted

    rows = [(one.target, words(one.outcome, COLOURS[one.outcome]), counted(one)) for one in found.results]
    table(("target", "outcome", "checks"), rows)
    for one in found.results:
        if one.error:
            found_in = [f"  in: {one.first_failed}"] if one.first_failed else []
            console.lines("", f"{one.target}: {one.error}", *found_in)
        if verbose:
            _show_texts(one)


def _show_texts(one: TargetChecks) -> None:
    for check in one.checks:
        if check.text:
            console.lines("", f"{one.target}  {check.check}")
            console.quote(check.text)
