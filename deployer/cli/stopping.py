"""Ctrl-C and SIGTERM while something is carried out, and while a person is asked."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import click

from deployer.errors import StoppedError
from deployer.rollout.stopping import StopSwitch

Handler = Callable[[int, FrameType | None], None]
_LOOKS = 0.2
"""Seconds between two looks at signals while a person is asked."""


@contextmanager
def signals(stop: StopSwitch) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into requests to stop, said once each."""

    def handle(number: int, _frame: FrameType | None) -> None:
        stop.ask(number)
        # Not through click: a signal may come in the middle of a write.
        text = "stopping now" if stop.now else "no new batch is started; what runs may finish (Ctrl-C again stops it)"
        with suppress(OSError):
            os.write(sys.stderr.fileno(), f"\ndeployer: {text}\n".encode())

    with _handled_by(handle):
        yield


@contextmanager
def question(stop: StopSwitch) -> Iterator[None]:
    """While a person is asked nothing runs that could finish: a signal is a request to stop, and ends the question.

    Raises:
        KeyboardInterrupt: at the signal; `stop` was asked.
    """
    is_late = False

    def handle(number: int, _frame: FrameType | None) -> None:
        stop.ask(number)
        raise KeyboardInterrupt

    def look(_number: int, _frame: FrameType | None) -> None:
        # Python's input() drops what a handler raises while the prompt is written, and a signal between that and the
        # read would wait for a key. This alarm interrupts the read.
        nonlocal is_late
        if is_late:
            raise KeyboardInterrupt
        is_late = stop.asked

    with _handled_by(handle), _handled_by(look, signal.SIGALRM):
        before = signal.setitimer(signal.ITIMER_REAL, _LOOKS, _LOOKS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, *before)


def confirmed(ask: Callable[[], bool]) -> bool:
    """The answer to a question that nothing else depends on.

    Raises:
        StoppedError: a signal or the end of the input was the answer.
    """
    stop = StopSwitch()
    try:
        with question(stop):
            return ask()
    except (KeyboardInterrupt, click.Abort):
        raise StoppedError("stopped", signal_number=stop.exit_code % 128 or signal.SIGINT) from None


@contextmanager
def terminated_as_by_keys() -> Iterator[None]:
    """SIGTERM goes the way of Ctrl-C: what was begun is taken back. A second signal disturbs that in nothing.

    Raises:
        StoppedError: at the end of that way.
    """
    asked = 0

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if not asked:
            asked = number
            raise KeyboardInterrupt

    # A command in the background of a script ignores the keys.
    keys = () if signal.getsignal(signal.SIGINT) is signal.SIG_IGN else (signal.SIGINT,)
    try:
        with _handled_by(handle, signal.SIGTERM, *keys):
            yield
    except KeyboardInterrupt:
        raise StoppedError("stopped", signal_number=asked or signal.SIGINT) from None


@contextmanager
def _handled_by(handler: Handler, *numbers: int) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers or (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
