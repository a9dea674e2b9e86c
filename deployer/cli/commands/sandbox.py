"""`deployer sandbox`: throwaway sites and hosts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from deployer.cli import console
from deployer.cli.completing import complete_sandboxes
from deployer.cli.options import Context, common
from deployer.cli.stopping import terminated_as_by_keys
from deployer.errors import UsageError

if TYPE_CHECKING:
    from deployer.sandboxes import Sandbox

_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}


@click.group("sandbox")
def command() -> None:
    """Make, list and destroy throwaway sites and hosts. `--sandbox NAME` on any command works in one."""


@command.command("create")
@click.argument("name")
@click.option("--sites", default="fra1", show_default=True, metavar="A,B", help="Names of its sites.")
@click.option(
    "--instances",
    type=click.IntRange(1, 100_000),
    default=3,
    show_default=True,
    help="Instances per site; of all sites together where --clusters is given.",
)
@click.option(
    "--clusters",
    type=click.IntRange(0, 100_000),
    default=0,
    help="Clusters of all sites together, with a node each; one per site unless given.",
)
@click.option("--backend", default="local", show_default=True, help="What it is made of: local, or nspawn (root).")
@click.option("--ttl", default="90d", show_default=True, metavar="TIME", help="How long it is needed: 90d, 12h, 30m.")
@common
def create(context: Context, name: str, sites: str, backend: str, ttl: str, *, instances: int, clusters: int) -> int:
    """Make a sandbox; its first instance is always viatris. Stopped while it does, it leaves nothing."""
    with context.deployer() as deployer, terminated_as_by_keys():
        made = deployer.sandboxes.create(
            name,
            sites=_split(sites),
            instances=instances,
            clusters=clusters,
            backend=backend,
            ttl=_time(ttl),
            say=context.say,
        )
    return context.finish(made, lambda: console.line(f"{made.name}: {' '.join(made.sites)} in {made.folder}"))


def _split(sites: str) -> tuple[str, ...]:
    return tuple(site.strip() for site in sites.split(",") if site.strip())


def _time(text: str) -> timedelta:
    found = re.fullmatch(r"([0-9]{1,5})([dhm])", text)
    if not found:
        raise UsageError(f"--ttl {text} cannot be meant", hint="like: 90d, 12h, 30m")
    return int(found[1]) * _UNITS[found[2]]


@command.command("list")
@common
def list_all(context: Context) -> int:
    """List the sandboxes."""
    from deployer.cli.output.tables import table

    with context.deployer() as deployer:
        found = deployer.sandboxes.list()
    now = datetime.now(UTC)
    titles = ("name", "backend", "sites", "clusters", "instances", "expires", "folder")
    rows = [_row(box, now) for box in found]
    return context.finish(found, lambda: table(titles, rows))


def _row(box: Sandbox, now: datetime) -> tuple[str, ...]:
    counts = (str(box.clusters or len(box.sites)), str(box.total))
    state = _expiry(box.expires - now) if box.is_complete else "half made"
    return (box.name, box.backend, " ".join(box.sites), *counts, state, str(box.folder))


def _expiry(left: timedelta) -> str:
    if left <= timedelta():
        return "expired"
    return f"in {left.days} days" if left.days > 1 else f"in {left.total_seconds() / 3600:.0f} hours"


@command.command("start")
@click.argument("name", shell_complete=complete_sandboxes)
@common
def start(context: Context, name: str) -> int:
    """Bring a sandbox's hosts and services back, after a reboot."""
    with context.deployer() as deployer:
        deployer.sandboxes.start(name)
    return context.finish(name, lambda: console.line(f"{name}: started"))


@command.command("destroy")
@click.argument("name", shell_complete=complete_sandboxes)
@common
def destroy(context: Context, name: str) -> int:
    """End every process of a sandbox and remove its files."""
    with context.deployer() as deployer, terminated_as_by_keys():
        deployer.sandboxes.destroy(name)
    return context.finish(name, lambda: console.line(f"{name}: destroyed"))


@command.command("prune")
@common
def prune(context: Context) -> int:
    """Destroy the sandboxes that have expired."""
    with context.deployer() as deployer, terminated_as_by_keys():
        pruned = deployer.sandboxes.prune()

    def text() -> None:
        for one in pruned:
            console.line(f"{one.name}: {one.error or 'destroyed'}")

    return context.finish(pruned, text, code=1 if any(one.error for one in pruned) else 0)


@command.command("fault")
@click.argument("site")
@click.argument("kind", metavar="cut|delay|loss|heal", type=click.Choice(["cut", "delay", "loss", "heal"]))
@click.argument("amount", required=False, default="")
@common
def fault(context: Context, site: str, kind: str, amount: str) -> int:
    """Hurt the link of a site: cut, delay 100ms, loss 5%; heal it again. It holds in both directions."""
    from deployer.sandboxes.faults import parse

    wanted = parse(kind, amount)
    with context.deployer() as deployer:
        deployer.sandboxes.fault(_name(deployer.settings.sandbox), site, wanted)
    return context.finish(wanted, lambda: console.line(f"{site}: {kind} {amount}".rstrip()))


@command.command("host")
@click.argument("action", metavar="stop|kill|start", type=click.Choice(["stop", "kill", "start"]))
@click.argument("host")
@common
def host(context: Context, action: str, host: str) -> int:
    """Stop a host, pull its plug, or start it again; its files stay as they are."""
    from deployer.sandboxes.base import Power

    with context.deployer() as deployer:
        deployer.sandboxes.power(_name(deployer.settings.sandbox), host, Power(action))
    return context.finish({"host": host, "action": action}, lambda: console.line(f"{host}: {action}"))


def _name(sandbox: str) -> str:
    if not sandbox:
        raise UsageError("which sandbox?", hint="name it with --sandbox NAME or DEPLOYER_SANDBOX")
    return sandbox
