"""What a service says of itself at its health address."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_ANSWER_TIMEOUT = 2.0
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 0.5
_TOO_SOON = 0.1
"""A service that just started is not given up yet, and most answer by now: no question after so short a pause."""
_LONGEST_ANSWER = 1 << 20
_LONGEST_REASON = 200


@dataclass(frozen=True)
class Health:
    """One answer, or none."""

    version: str = ""
    """Empty when there was no healthy answer."""
    configuration: str = ""
    """The sha256 of the configuration that the service works with; empty when it does not tell."""
    problem: str = ""
    """Why the answer is not healthy."""

    def is_of(self, version: str, configuration: str) -> bool:
        """Whether the service is healthy, with this version and this configuration (a sha256)."""
        return not self.problem and self.version == version and self.configuration in ("", configuration)

    def differs(self, version: str, configuration: str) -> str:
        """What is in the way of `is_of`, for a person."""
        if self.problem:
            return self.problem
        if self.version != version:
            return f"it answers with version {self.version or '(none)'} instead of {version}"
        return f"it works with configuration {self.configuration[:12]} instead of {configuration[:12]}"


def ask(port: int, path: str) -> Health:
    """Ask the service of this host once."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_TIMEOUT)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return _read(answer.status, answer.read(_LONGEST_ANSWER), path)
    except (OSError, http.client.HTTPException) as error:
        return Health(problem=f"no answer on port {port}: {error}")
    finally:
        connection.close()


def _read(status: int, body: bytes, path: str) -> Health:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    told = value if isinstance(value, dict) else {}
    if status != http.client.OK:
        return Health(problem=f"{path} answers {status}{_reason(told)}")
    if value is not told:
        return Health(problem=f"{path} answers 200, but not with a JSON object")
    return Health(version=str(told.get("version") or ""), configuration=str(told.get("configuration") or ""))


def _reason(told: Mapping[str, object]) -> str:
    """Why the service says it is not healthy: one line of it, whatever it sent."""
    reason = str(told.get("reason") or "")
    line = "".join(letter for letter in reason[:_LONGEST_REASON] if letter.isprintable())
    return f": {line}" if line else ""


def wait(
    port: int, path: str, *, wanted: Callable[[Health], bool], hopeless: Callable[[], bool], seconds: float
) -> Health:
    """Ask until the answer is the wanted one, nobody tries to start the service any more, or the time is over.

    Args:
        port: of the service.
        path: its health path.
        wanted: whether an answer is the one.
        hopeless: whether waiting makes no sense any more.
        seconds: the longest to wait.

    Returns:
        The last answer.
    """
    deadline = time.monotonic() + seconds
    pause, given_up = _FIRST_PAUSE, False
    while True:
        health = ask(port, path)
        if wanted(health) or given_up or time.monotonic() >= deadline:
            return health
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        # Asked before the service is: what it answers then is its last word.
        given_up = pause > _TOO_SOON and hopeless()
        pause = min(pause * 1.5, _LONGEST_PAUSE)
