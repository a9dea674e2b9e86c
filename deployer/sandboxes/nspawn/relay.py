"""A bad link: hands frames from one interface to another, later than they came, or not at all.

    python -m deployer.sandboxes.nspawn.relay ONE OTHER DELAY LOSS

Not netem, which many kernels of virtual machines and containers do not have. It closes its output when it works, and
runs until it is killed.
"""

from __future__ import annotations

import heapq
import os
import random
import selectors
import socket
import struct
import sys
import time
from typing import NamedTuple

_ALL = 0x0003
_OUTGOING = 4
_SOL_PACKET, _MEMBERSHIP, _VNET_HEADER = 263, 1, 15
_PROMISCUOUS = 1
_LARGEST = 1 << 17


class Waiting(NamedTuple):
    """A frame on its way."""

    due: float
    number: int
    """In order of arrival, for those that are due at the same time."""
    way_out: socket.socket
    frame: bytes


class Relay:
    """Both ends.

    Args:
        ends: the two interfaces.
        delay: in seconds.
        loss: share of frames that are dropped.
    """

    def __init__(self, ends: tuple[str, str], delay: float, loss: float) -> None:
        one, other = (_open(name) for name in ends)
        self._others = {one: other, other: one}
        self._delay, self._loss = delay, loss
        self._waiting: list[Waiting] = []
        self._number = 0

    def run(self) -> None:
        """Hand frames over for ever."""
        with selectors.DefaultSelector() as selector:
            for end in self._others:
                selector.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select(self._patience()):
                    if isinstance(key.fileobj, socket.socket):
                        self._take(key.fileobj)
                self._deliver()

    def _patience(self) -> float | None:
        return max(0.0, self._waiting[0].due - time.monotonic()) if self._waiting else None

    def _take(self, end: socket.socket) -> None:
        try:
            frame, address = end.recvfrom(_LARGEST)
        except OSError:
            # The interface went down for a moment.
            return
        # Frames that are sent there are seen there as well. The dice need not be good ones.
        if address[2] != _OUTGOING and random.random() >= self._loss:  # noqa: S311  see above
            self._number += 1
            heapq.heappush(
                self._waiting, Waiting(time.monotonic() + self._delay, self._number, self._others[end], frame)
            )

    def _deliver(self) -> None:
        while self._waiting and self._waiting[0].due <= time.monotonic():
            frame = heapq.heappop(self._waiting)
            try:
                frame.way_out.send(frame.frame)
            except OSError:
                # Down, or its queue is full: as on any link, the frame is lost.
                continue


def _open(name: str) -> socket.socket:
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
    # Frames between namespaces have no checksum yet, and may be many in one: their header has to come along.
    end.setsockopt(_SOL_PACKET, _VNET_HEADER, 1)
    end.bind((name, _ALL))
    everything = struct.pack("iHH8s", socket.if_nametoindex(name), _PROMISCUOUS, 0, b"")
    end.setsockopt(_SOL_PACKET, _MEMBERSHIP, everything)
    end.settimeout(0)
    return end


def main() -> None:
    """Read the arguments and work."""
    one, other, delay, loss = sys.argv[1:]
    relay = Relay((one, other), float(delay), float(loss))
    with open(os.devnull, "r+b", buffering=0) as nothing:  # noqa: PTH123  a device
        for number in range(3):
            os.dup2(nothing.fileno(), number)
    relay.run()


if __name__ == "__main__":
    main()
