"""What is made of a service's answers. In: a real HTTP server on loopback; out: a Health."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from ansible.module_utils.release_switch.health import Health, ask, wait

Answers = Callable[[], tuple[int, bytes]]


@contextmanager
def service(answers: Answers) -> Iterator[int]:
    """A service that gives these answers; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers()
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "health"),
    [
        (200, b'{"version": "1.0", "configuration": "ab"}', Health("1.0", "ab")),
        (200, b'{"version": "1.0"}', Health("1.0")),
        (200, b"ok", Health(problem="/health answers 200, but not with a JSON object")),
        (200, b"[]", Health(problem="/health answers 200, but not with a JSON object")),
        (200, b"\xff", Health(problem="/health answers 200, but not with a JSON object")),
        (503, b"", Health(problem="/health answers 503")),
        (
            503,
            b'{"reason": "waiting\\n for\\u001b[31m schema 8"}',
            Health(problem="/health answers 503: waiting for[31m schema 8"),
        ),
        (301, b'{"version": "1.0"}', Health(problem="/health answers 301")),
    ],
)
def test_answers(status: int, body: bytes, health: Health) -> None:
    """Only 200 with a JSON object is healthy; a reason is told in one printable line."""
    with service(lambda: (status, body)) as port:
        assert ask(port, "/health") == health


def test_configuration_counts_where_it_is_told() -> None:
    """A service that tells its configuration must have the wanted one; one that does not is believed."""
    assert Health("1.0", "ab").is_of("1.0", "ab")
    assert Health("1.0").is_of("1.0", "ab")
    assert not Health("1.0", "cd").is_of("1.0", "ab")
    assert Health("1.0", "cd").differs("1.0", "ab") == "it works with configuration cd instead of ab"
    assert Health().differs("1.0", "ab") == "it answers with version (none) instead of 1.0"


def test_wait_ends_with_the_wanted_answer() -> None:
    """It asks until the answer is the wanted one."""
    answers = iter([(503, b""), (200, b'{"version": "1.0"}'), (200, b'{"version": "1.1"}')])
    with service(lambda: next(answers)) as port:
        got = wait(port, "/", wanted=lambda it: it.version == "1.1", hopeless=lambda: False, seconds=60)
    assert got == Health("1.1")


def test_wait_ends_when_nobody_starts_the_service() -> None:
    """When the manager has given up one last answer is taken, and no time is spent waiting."""
    with service(lambda: (503, b"")) as port:
        got = wait(port, "/", wanted=lambda it: not it.problem, hopeless=lambda: True, seconds=3600)
    assert got.problem == "/ answers 503"


def test_a_service_that_answers_soon_costs_its_manager_no_question() -> None:
    """Each question is a process of its own on the host."""
    answers = iter([(503, b""), (200, b'{"version": "1.0"}')])

    def hopeless() -> bool:
        pytest.fail("the manager was asked")

    with service(lambda: next(answers)) as port:
        got = wait(port, "/", wanted=lambda it: not it.problem, hopeless=hopeless, seconds=60)
    assert got == Health("1.0")
