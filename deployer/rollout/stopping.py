"""Being stopped: the first time gently, the second time at once."""

from __future__ import annotations

import signal


class StopSwitch:
    """Counts the requests to stop; what runs looks at it between steps."""

    def __init__(self) -> None:
        self._signals: list[int] = []

    def ask(self, signal_number: int) -> None:
        """A signal came: Ctrl-C, or SIGTERM or SIGHUP, which stop at once: their senders do not ask twice."""
        self._signals.append(signal_number)

    @property
    def asked(self) -> bool:
        """Start nothing new."""
        return bool(self._signals)

    @property
    def now(self) -> bool:
        """End what runs."""
        return len(self._signals) > 1 or not {signal.SIGTERM, signal.SIGHUP}.isdisjoint(self._signals)

    @property
    def exit_code(self) -> int:
        """130, 143 or 129; 0 when nobody asked."""
        return 128 + self._signals[0] if self._signals else 0
