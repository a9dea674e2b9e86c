"""Ctrl-C, SIGTERM and SIGHUP (a closed terminal) while something is carried out, and while a person is asked."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import click

from deployer.errors import DeployerError, StoppedError
from deployer.rollout.stopping import StopSwitch

Handler = Callable[[int, FrameType | None], None]
_LOOKS = 0.2
"""Seconds between two looks at signals while a person is asked."""
_BY_KEYS, _BY_OTHERS = (signal.SIGINT,), (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signals(stop: StopSwitch) -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and SIGHUP into requests to stop, with a message for each."""

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
    """Handle SIGTERM and SIGHUP as Ctrl-C: KeyboardInterrupt, on which the work cleans up. A second signal is ignored.

    Raises:
        StoppedError: after the clean-up; with the message and the hint of the error that made it fail.
    """
    asked = 0

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if not asked:
            asked = number
            raise KeyboardInterrupt

    try:
        # A command in the background of a script ignores the keys.
        with _handled_by(handle, *_not_ignored(*_BY_KEYS, *_BY_OTHERS)):
            yield
    except KeyboardInterrupt as error:
        raise stopped(error, asked or signal.SIGINT) from error.__cause__


def stopped(error: BaseException, number: int = signal.SIGINT) -> StoppedError:
    """What a person reads of work that a signal ended.

    Args:
        error: what the handler of the signal raised; its `__cause__` is the error of a clean-up that failed.
        number: the signal.
    """
    failure = error.__cause__
    if failure is None:
        return StoppedError("stopped", signal_number=number)
    if isinstance(failure, DeployerError):
        return StoppedError(f"stopped; {failure.message}", signal_number=number, hint=failure.hints)
    return StoppedError(f"stopped; {type(failure).__name__}: {failure}", signal_number=number)


def _not_ignored(*numbers: signal.Signals) -> tuple[signal.Signals, ...]:
    """Without those that were ignored when the command started: `nohup` ignores SIGHUP."""
    return tuple(number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN)


@contextmanager
def _handled_by(handler: Handler, *numbers: int) -> Iterator[None]:
    numbers = numbers or (*_BY_KEYS, *_not_ignored(*_BY_OTHERS))
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
