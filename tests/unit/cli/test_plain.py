"""Plain lines."""

from __future__ import annotations

import threading

import click
import pytest

from deployer.cli.output.plain import PlainLines
from deployer.cli.output.tables import retry_command
from deployer.model.run import Run
from deployer.testing import FakeClock
from tests.budget.pace import limit


def test_a_heartbeat_tells_that_the_run_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing happens for a while a line says so: CI systems end jobs that say nothing."""
    lines: list[str] = []
    beaten = threading.Event()

    def echo(line: str, *, err: bool) -> None:
        assert err
        lines.append(line)
        beaten.set()

    monkeypatch.setattr(click, "echo", echo)
    with PlainLines(silence=0.01):
        assert beaten.wait(limit(120))

    assert "still running" in lines[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--sandbox", "a b", "-l", "x", "--inventory=far"), "--sandbox 'a b' --inventory=far"),
        (("-i/etc/far", "-Eprod", "-e", "a=1"), "-i/etc/far -Eprod"),
        (("-i", "far", "--environment", "prod"), "-i far --environment prod"),
    ],
)
def test_the_retry_command_says_where_the_run_was(given: tuple[str, ...], said: str) -> None:
    """Pasted as it is, it works in the same sandbox or inventory, however that was written."""
    arguments = ("redeploy", "fra1", *given)
    run = Run("r1", "instance-redeploy", "prod", ("fra1",), (), "erin", "box", FakeClock().now(), arguments=arguments)

    assert retry_command(run) == f"deployer retry r1 {said}"
