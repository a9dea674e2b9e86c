"""Run work in a thread, so that signals stop it only between its steps.

Python raises what the handler of a signal raises between any two instructions of the main thread: between a folder and
the line that would remove it, or while a program is started, which then goes on alone and writes into what is removed.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Generic, NoReturn, TypeVar

from deployer.errors import StoppedError

Result = TypeVar("Result")
_LOOK = 0.1
"""Seconds between two looks at signals: one that the kernel gave to another thread wakes nobody here."""


class Stop:
    """Whether the caller wants the work to end."""

    def __init__(self) -> None:
        # Not an Event: a second signal in the middle of its `set` would leave it locked.
        self._is_asked = False

    def ask(self) -> None:
        """The work ends at its next check."""
        self._is_asked = True

    def check(self) -> None:
        """Where the work can be stopped.

        Raises:
            StoppedError: it is to end.
        """
        if self._is_asked:
            raise StoppedError("stopped")


def carried_out(work: Callable[[Stop], Result], undo: Callable[[Result], object] = id) -> Result:
    """Do the work in a thread. The exception of a signal asks it to stop, and is raised when it has ended.

    The `__cause__` of that exception is the error with which the work, or `undo`, failed then; None when it was stopped
    cleanly.

    Args:
        work: cleans up after itself when it fails or is stopped.
        undo: takes back what was done when the exception came too late to stop it; nothing by default.

    Raises:
        BaseException: what the work raises, or what the handler of a signal raises.
    """
    thread = _Thread(work)
    asked = _start(thread)
    try:
        while not thread.is_done:
            try:
                # Not `join`: in Python 3.11 a thread counts as ended when an exception comes in the middle of it.
                thread.gate.acquire(timeout=_LOOK)
            except BaseException as error:  # noqa: BLE001  whatever a handler raises
                thread.stop.ask()
                asked = asked or error
    finally:
        thread.stop.ask()
    if asked is not None:
        _raise_stop(asked, thread, undo)
    if thread.error is not None:
        raise thread.error
    return thread.result


def _raise_stop(asked: BaseException, thread: _Thread[Result], undo: Callable[[Result], object]) -> NoReturn:
    failure = thread.error
    if failure is None:
        try:
            undo(thread.result)
        except Exception as error:  # noqa: BLE001  it is told as the cause, and does not replace the stop
            failure = error
    if failure is None or isinstance(failure, StoppedError):
        raise asked
    raise asked from failure


class _Thread(threading.Thread, Generic[Result]):
    """The work, and its result or its error when it is done."""

    result: Result

    def __init__(self, work: Callable[[Stop], Result]) -> None:
        super().__init__(name="sandbox")
        self.stop = Stop()
        self.is_done = False
        self.error: BaseException | None = None
        self.gate = threading.Lock()
        self.gate.acquire()
        self._work = work
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())

    def run(self) -> None:
        # A thread has the mask of its starter, and each program that of the thread.
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        try:
            self.result = self._work(self.stop)
        except BaseException as error:  # noqa: BLE001  raised again in the thread of the caller
            self.error = error
        finally:
            self.is_done = True
            self.gate.release()


def _start(thread: _Thread[Result]) -> BaseException | None:
    """Start it with all signals held back; what the handler of one raises afterwards asks the work to stop."""
    try:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    except BaseException as error:
        if thread.ident is None:
            raise
        thread.stop.ask()
        return error
    return None
