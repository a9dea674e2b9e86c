"""`deployer sandbox`: throwaway sites and hosts."""

from __future__ import annotations

import click

from deployer.cli.completing import complete_sandboxes
from deployer.cli.options import Context, common


@click.group("sandbox")
def command() -> None:
    """Make, list and destroy throwaway sites and hosts. `--sandbox NAME` on any command works in one."""


@command.command("create")
@click.argument("name")
@click.option("--sites", default="fra1", show_default=True, metavar="A,B", help="Names of its sites.")
@click.option("--instances", type=click.IntRange(1, 500), default=3, show_default=True, help="Instances per site.")
@click.option("--backend", default="local", show_default=True, help="What it is made of.")
@common
def create(context: Context, name: str, sites: str, instances: int, backend: str) -> int:
    """Make a sandbox; its first instance is always viatris."""
    with context.deployer() as deployer:
        made = deployer.sandboxes.create(name, sites=_split(sites), instances=instances, backend=backend)
    return context.finish(made, lambda: click.echo(f"{made.name}: {' '.join(made.sites)} in {made.folder}"))


def _split(sites: str) -> tuple[str, ...]:
    return tuple(site.strip() for site in sites.split(",") if site.strip())


@command.command("list")
@common
def list_all(context: Context) -> int:
    """List the sandboxes."""
    from deployer.cli.output.tables import table

    with context.deployer() as deployer:
        found = deployer.sandboxes.list()
    rows = [(box.name, box.backend, " ".join(box.sites), str(box.instances), str(box.folder)) for box in found]
    return context.finish(found, lambda: table(("name", "backend", "sites", "instances", "folder"), rows))


@command.command("start")
@click.argument("name", shell_complete=complete_sandboxes)
@common
def start(context: Context, name: str) -> int:
    """Bring a sandbox's services back, after a reboot."""
    with context.deployer() as deployer:
        deployer.sandboxes.start(name)
    return context.finish(name, lambda: click.echo(f"{name}: started"))


@command.command("destroy")
@click.argument("name", shell_complete=complete_sandboxes)
@common
def destroy(context: Context, name: str) -> int:
    """End every process of a sandbox and remove its files."""
    with context.deployer() as deployer:
        deployer.sandboxes.destroy(name)
    return context.finish(name, lambda: click.echo(f"{name}: destroyed"))
