"""The queue of changes that wait for a clone."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.gitsync.remote.combine import ENOUGH, Others, Ticket
from deployer.model.json import JsonObject

REQUEST: JsonObject = {"id": "first", "change": {"message": "m", "edits": []}, "combine": 0.2, "branch": "main"}


@pytest.fixture
def tickets() -> Iterator[list[Ticket]]:
    """Tickets, dropped in the end."""
    made: list[Ticket] = []
    yield made
    for ticket in made:
        ticket.drop()


def queued(tickets: list[Ticket], own: Path, seconds: float) -> Ticket:
    """A change that waits, and has so many seconds left."""
    ticket = Ticket(str(own), dict(REQUEST), time.monotonic() + seconds)
    tickets.append(ticket)
    ticket.wait()
    return ticket


def test_what_waits_is_for_no_other_users_eyes(tmp_path: Path, tickets: list[Ticket]) -> None:
    """A change holds whole files, secrets perhaps among them, before they are anywhere else on the host."""
    queued(tickets, tmp_path, 60)

    (file,) = (tmp_path / "queue").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(("seconds", "is_taken"), [(60.0, True), (ENOUGH / 2, False)])
def test_a_change_whose_run_ends_soon_is_left_to_it(
    tmp_path: Path,
    tickets: list[Ticket],
    seconds: float,
    is_taken: bool,  # noqa: FBT001  parametrized
) -> None:
    """Its run would give up before it heard of the push, and call it failed although it landed."""
    queued(tickets, tmp_path, seconds)
    others = Others(str(tmp_path), dict(REQUEST))

    others.take(lambda _request: True)

    assert (others.until < float("inf")) == is_taken
    suffix = ".taken" if is_taken else ".json"
    assert [file.suffix for file in (tmp_path / "queue").iterdir()] == [suffix]
