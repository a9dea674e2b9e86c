"""What is read of git's trace of a web server's answers."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from deployer.gitsync.remote.http import LONGEST, NONE, Answer, read

LINE = "05:00:00.000000 http.c:785              {} header: {}\n"


def trace(*headers: str) -> bytes:
    """As git writes it; what begins with `>` is of a request."""
    return "".join(
        LINE.format("=> Send" if header.startswith(">") else "<= Recv", header.lstrip(">")) for header in headers
    ).encode()


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ((), NONE),
        (("HTTP/1.1 200 OK", "Content-Type: application/x-git-upload-pack-result"), Answer(200)),
        (("HTTP/2 429", "retry-after: 7"), Answer(429, 7.0)),
        (("HTTP/1.1 503 Service Unavailable", "Retry-After: 99999999"), Answer(503, LONGEST)),
        (("HTTP/1.1 503 Service Unavailable", "Retry-After: Sat, 01 Jan 2000 00:00:00 GMT"), Answer(503, 0.0)),
        (("HTTP/1.1 503 Service Unavailable", "Retry-After: soon"), Answer(503)),
        (("HTTP/1.1 401 Unauthorized", "Retry-After: 7", "HTTP/1.1 200 OK"), Answer(200)),
        (("HTTP/1.1 200 OK", "content-type: text/html; charset=utf-8"), Answer(200, is_page=True)),
        (("HTTP/1.1 404 Not Found", "Content-Type: text/html"), Answer(404)),
    ],
)
def test_the_last_answer_counts(headers: tuple[str, ...], answer: Answer) -> None:
    """Its status, the seconds that it asks for, and whether it is a page for people."""
    assert read(trace(*headers)) == answer


ASKED = (">GET /x/info/refs HTTP/1.1", ">Host: example.org")
TUNNEL = (">CONNECT example.org:443 HTTP/1.1", ">Host: example.org:443", "HTTP/1.1 200 Connection established")
MOVED = ("HTTP/1.1 301 Moved", "Location: https://other.example.org/x")


@pytest.mark.parametrize(
    ("headers", "is_asked", "moved"),
    [
        (ASKED, True, ""),
        (TUNNEL, False, ""),
        ((*TUNNEL, *ASKED), True, ""),
        ((*ASKED, *MOVED), False, "https://other.example.org/x"),
        ((*ASKED, *MOVED, *ASKED, "HTTP/1.1 200 OK", "Location: /y"), True, "https://other.example.org/x"),
    ],
)
def test_whether_the_server_was_asked(headers: tuple[str, ...], is_asked: bool, moved: str) -> None:  # noqa: FBT001
    """A proxy is not the server, and one that led elsewhere is not the one that counts."""
    found = read(trace(*headers))

    assert (found.asked, found.moved) == (is_asked, moved)


def test_a_date_to_come_again_is_a_number_of_seconds() -> None:
    """From now on."""
    seconds = read(trace("HTTP/1.1 503 x", f"Retry-After: {formatdate(time.time() + 600, usegmt=True)}")).retry_after

    assert seconds is not None
    assert 500 < seconds <= 600
