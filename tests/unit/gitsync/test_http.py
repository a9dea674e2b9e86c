"""What is read of git's trace of a web server's answers."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from deployer.gitsync.remote.http import LONGEST, read

LINE = "05:00:00.000000 http.c:785              <= Recv header: {}\n"


def trace(*headers: str) -> bytes:
    """As git writes it."""
    return "".join(LINE.format(header) for header in headers).encode()


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ((), (None, None, False)),
        (("HTTP/1.1 200 OK", "Content-Type: application/x-git-upload-pack-result"), (200, None, False)),
        (("HTTP/2 429", "retry-after: 7"), (429, 7.0, False)),
        (("HTTP/1.1 503 Service Unavailable", "Retry-After: 99999999"), (503, LONGEST, False)),
        (("HTTP/1.1 503 Service Unavailable", "Retry-After: Sat, 01 Jan 2000 00:00:00 GMT"), (503, 0.0, False)),
        (("HTTP/1.1 503 Service Unavailable", "Retry-After: soon"), (503, None, False)),
        (("HTTP/1.1 401 Unauthorized", "Retry-After: 7", "HTTP/1.1 200 OK"), (200, None, False)),
        (("HTTP/1.1 200 OK", "content-type: text/html; charset=utf-8"), (200, None, True)),
        (("HTTP/1.1 404 Not Found", "Content-Type: text/html"), (404, None, False)),
    ],
)
def test_the_last_answer_counts(headers: tuple[str, ...], answer: tuple[int | None, float | None, bool]) -> None:
    """Its status, the seconds that it asks for, and whether it is a page for people."""
    assert read(trace(*headers)) == answer


def test_a_date_to_come_again_is_a_number_of_seconds() -> None:
    """From now on."""
    _status, seconds, _is_page = read(
        trace("HTTP/1.1 503 x", f"Retry-After: {formatdate(time.time() + 600, usegmt=True)}")
    )

    assert seconds is not None
    assert 500 < seconds <= 600
