"""`deployer doctor`: what a deployer host lacks."""

from __future__ import annotations

import click

from deployer.cli.completing import complete_sites
from deployer.cli.options import Context, common
from deployer.model.facts import Finding, Verdict

_COLOURS = {Verdict.GOOD: "green", Verdict.WARNING: "yellow", Verdict.BAD: "red"}


@click.command("doctor")
@click.argument("site", shell_complete=complete_sites)
@common
def command(context: Context, site: str) -> int:
    """Check a site's deployer host: ssh, python3, git, identity, keys, disk, clock, become, clone. Exit 5 if bad."""
    with context.deployer() as deployer:
        findings = deployer.doctor(site)
    lacks = any(finding.verdict is Verdict.BAD for finding in findings)
    return context.finish(findings, lambda: _show(findings), 5 if lacks else 0)


def _show(findings: tuple[Finding, ...]) -> None:
    from deployer.cli.output.cells import words
    from deployer.cli.output.tables import table

    rows = [
        (finding.check, words(finding.verdict, _COLOURS[finding.verdict]), finding.text, finding.hint)
        for finding in findings
    ]
    table(("check", "", "found", "to mend it"), rows)
