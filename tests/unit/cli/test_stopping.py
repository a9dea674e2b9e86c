"""Signals at the question: nobody has to press another key."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import click
import pytest

from deployer.cli.stopping import confirmed, signals, terminated_as_by_keys
from deployer.errors import StoppedError
from deployer.rollout.stopping import StopSwitch
from tests.budget.pace import limit

ELSEWHERE = """
import os, signal, threading
from pathlib import Path
from deployer.cli.stopping import question
from deployer.rollout.stopping import StopSwitch

def elsewhere():
    while Path("/proc/self/syscall").read_text().split()[1:2] != [hex(nobody)]:
        pass
    # Taken by this thread, so that it interrupts no call of the one that reads.
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

nobody, _types = os.pipe()
stop = StopSwitch()
try:
    with question(stop):
        threading.Thread(target=elsewhere).start()
        os.read(nobody, 1)
except KeyboardInterrupt:
    print("ended", stop.asked, signal.getitimer(signal.ITIMER_REAL), signal.getsignal(signal.SIGALRM).name)
"""

DROPPED = """
import os, signal
from deployer.cli.stopping import question
from deployer.rollout.stopping import StopSwitch

nobody, _types = os.pipe()
stop = StopSwitch()
try:
    with question(stop):
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            pass
        os.read(nobody, 1)
except KeyboardInterrupt:
    print("ended", stop.asked, signal.getitimer(signal.ITIMER_REAL), signal.getsignal(signal.SIGALRM).name)
"""


@pytest.mark.parametrize("script", [ELSEWHERE, DROPPED])
def test_a_signal_that_interrupts_no_read_ends_the_question(script: str) -> None:
    """One that comes between the prompt and the read, and one of which input() dropped what its handler raised."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=limit(120), check=False
    )

    assert done.stdout == "ended True (0.0, 0.0) SIG_DFL\n", done.stderr


@pytest.fixture
def hangup_is_ignored() -> Iterator[None]:
    """As `nohup` starts a program."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hangup_is_ignored")
@pytest.mark.parametrize("context", [terminated_as_by_keys, lambda: signals(StopSwitch())])
def test_a_hangup_that_is_ignored_at_the_start_stops_nothing(
    context: Callable[[], AbstractContextManager[None]],
) -> None:
    """The command goes on when the terminal is closed."""
    with context():
        signal.raise_signal(signal.SIGHUP)

        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def _ended_input() -> bool:
    raise click.Abort


def _signalled(number: signal.Signals) -> bool:
    signal.raise_signal(number)
    return True


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda: _signalled(signal.SIGINT), 130),
        (lambda: _signalled(signal.SIGTERM), 143),
        (lambda: _signalled(signal.SIGHUP), 129),
        (_ended_input, 130),
    ],
)
def test_what_is_no_answer_is_no_yes(ask: Callable[[], bool], code: int) -> None:
    """Ctrl-C, SIGTERM, SIGHUP and the end of the input stop the command, each with its exit code."""
    with pytest.raises(StoppedError) as stopped:
        confirmed(ask)

    assert stopped.value.exit_code == code
