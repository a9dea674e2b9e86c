"""`deployer logs`: what happened in a run, live or afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from deployer.cli import console
from deployer.cli.completing import complete_runs
from deployer.cli.options import Context, common
from deployer.model.run import Event, RunState

if TYPE_CHECKING:
    from deployer.ports import Store

POLL = 0.2
"""Seconds between two looks at a run that goes on; the record is a database, which tells nobody of news."""


@click.command("logs")
@click.argument("run", shell_complete=complete_runs)
@click.option("--follow", "-f", is_flag=True, help="Go on until the run ends.")
@common
def command(context: Context, run: str, follow: bool) -> int:
    """Print the events of a run. RUN is its id, the beginning of one, or `last`. With --json, one event per line."""
    with context.deployer() as deployer:
        found = deployer.store.run(run)
        with console.reader_may_leave():
            for event in _events(deployer.store, found.id, follow=follow):
                _print(context, event)
            console.flush()
    return 0


def _events(store: Store, run: str, *, follow: bool) -> Iterator[Event]:
    last = 0
    while True:
        # Asked before the events are read: what came before the end is then surely among them.
        is_over = not follow or store.run(run).state is not RunState.RUNNING
        while events := store.events(run, after=last):
            last = events[-1].sequence
            yield from events
        if is_over:
            return
        time.sleep(POLL)


def _print(context: Context, event: Event) -> None:
    from deployer.model.codec import to_json

    if context.as_json:
        console.document(to_json(event))
    elif event.kind != "start":
        target = f"{event.target}  " if event.target else ""
        console.line(f"{event.time.astimezone():%Y-%m-%d %H:%M:%S}  {target}{event.text}")
