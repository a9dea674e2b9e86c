"""What a web server answered git: git itself tells no more than a sentence, and nothing of `Retry-After`.

Git traces the headers of each answer (GIT_TRACE_CURL) into a file in memory; it takes passwords out by itself.
"""

from __future__ import annotations

import os
from typing import Dict, Tuple

Answer = Tuple["int | None", "float | None", bool]
"""The status of the last answer, the seconds that it asks to wait, and whether it is a page for people.

None for what was not said. A page with a good status (a login page) looks to git like a repository without branches.
"""
MARK = b"<= Recv header: "
GOOD = 200
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
            return None, None, False
        return read(os.pread(self.descriptor, os.fstat(self.descriptor).st_size, 0))


def read(trace: bytes) -> Answer:
    """The same, of a trace."""
    status: int | None = None
    retry_after: float | None = None
    is_page = False
    for line in trace.splitlines():
        header = line.partition(MARK)[2]
        if header.startswith(b"HTTP/"):
            said = header.split(b" ")[1:2]
            status, retry_after = (int(said[0]) if said and said[0].isdigit() else None), None
            is_page = False
        elif header[:13].lower() == b"content-type:":
            is_page = status == GOOD and b"text/html" in header.lower()
        elif header[:12].lower() == b"retry-after:":
            retry_after = _seconds(header[12:].strip().decode("ascii", "replace"))
    return status, retry_after, is_page


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
