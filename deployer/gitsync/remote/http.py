"""What a web server answered git: git itself tells no more than a sentence, and nothing of `Retry-After`.

Git traces the headers of requests and answers (GIT_TRACE_CURL) into a file in memory; it takes passwords out by itself.
"""

from __future__ import annotations

import os
from typing import Dict, NamedTuple


class Answer(NamedTuple):
    """The last answer; None for what was not said."""

    status: int | None = None
    retry_after: float | None = None
    """Seconds after which the server wants to be asked again."""
    is_page: bool = False
    """Whether it is a page for people: with a good status it looks to git like a repository without branches."""
    asked: bool = False
    """Whether a request came as far as to be sent: over https, whether the server was trusted."""
    moved: str = ""
    """Where the last redirection led."""


NONE = Answer()
SENT, MARK = b"=> Send header: ", b"<= Recv header: "
GOOD, REDIRECTION = 200, 300
LONGEST = 86400.0
"""Seconds; a server that asks for more is not to be believed."""


class Heard:
    """What git hears from web servers, where the system has files in memory for it to write to."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("deployer-http") if hasattr(os, "memfd_create") else None

    @property
    def environment(self) -> Dict[str, str]:
        """For git, which must inherit the descriptor."""
        if self.descriptor is None:
            return {}
        return {"GIT_TRACE_CURL": f"/dev/fd/{self.descriptor}", "GIT_TRACE_CURL_NO_DATA": "1"}

    def close(self) -> None:
        """Give the memory back."""
        if self.descriptor is not None:
            os.close(self.descriptor)

    def answer(self) -> Answer:
        """What was heard last."""
        if self.descriptor is None:
            return NONE
        return read(os.pread(self.descriptor, os.fstat(self.descriptor).st_size, 0))


def read(trace: bytes) -> Answer:
    """The same, of a trace."""
    found = NONE
    for line in trace.splitlines():
        sent = line.partition(SENT)[2]
        # CONNECT asks a proxy, and comes before the handshake with the server.
        if b" HTTP/" in sent and not sent.startswith(b"CONNECT "):
            found = found._replace(asked=True)
        elif MARK in line:
            found = _heard(found, line.partition(MARK)[2])
    return found


def _heard(found: Answer, header: bytes) -> Answer:
    """With one header more."""
    name, _, value = header.partition(b":")
    if header.startswith(b"HTTP/"):
        said = header.split(b" ")[1:2]
        status = int(said[0]) if said and said[0].isdigit() else None
        return Answer(status, asked=found.asked and not _is_elsewhere(status), moved=found.moved)
    if name.lower() == b"content-type":
        return found._replace(is_page=found.status == GOOD and b"text/html" in value.lower())
    if name.lower() == b"retry-after":
        return found._replace(retry_after=_seconds(value.strip().decode("ascii", "replace")))
    if name.lower() == b"location" and _is_elsewhere(found.status):
        return found._replace(moved=value.strip().decode("ascii", "replace"))
    return found


def _is_elsewhere(status: int | None) -> bool:
    return status is not None and REDIRECTION <= status < REDIRECTION + 100


def _seconds(value: str) -> float | None:
    """A number of seconds, or a date."""
    if value.isdigit():
        return min(float(value), LONGEST)
    import email.utils
    import time

    try:
        when = email.utils.parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError):
        return None
    return min(max(0.0, when - time.time()), LONGEST)
