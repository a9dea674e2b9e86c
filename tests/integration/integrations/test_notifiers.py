"""Telling people: a real command, a real web server."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import SecretStr

from deployer.errors import DeployerError
from deployer.gitsync.manual import report
from deployer.integrations.notifiers import notifiers
from deployer.model.codec import to_json
from deployer.model.sync import ManualWork
from deployer.settings import AttentionSettings
from tests.budget.pace import limit
from tests.hostile import acting, grown, raw

WORK = ManualWork("1", "fra1-prod-dep01", "~/c", "git push", "conflict", "manual intervention needed", "Both.", ("ls",))


def _render(work: ManualWork) -> str:
    return f"{work.line}\n{work.detail}"


def _lives(process: str) -> bool:
    # A zombie only waits for whoever adopted it; and a process may be gone between the opening and the reading.
    try:
        return Path("/proc", process, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class _Hook(BaseHTTPRequestHandler):
    answers: ClassVar[list[int]] = []
    heard: ClassVar[list[object]] = []
    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.heard.append(json.loads(self.bodies[-1]))
        self.send_response(self.answers.pop(0))
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
        """Nothing on the terminal."""


@pytest.fixture
def hook() -> Iterator[str]:
    """The URL of a web server that records what is posted."""
    _Hook.answers.clear()
    _Hook.heard.clear()
    _Hook.bodies.clear()
    with HTTPServer(("127.0.0.1", 0), _Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/services/T0/secret-token"
        server.shutdown()
        thread.join()


def test_the_command_gets_no_setting_and_not_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The webhook is a secret of its own, and `./notify` of the folder one stands in would be anybody's."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("DEPLOYER_ON_ATTENTION__WEBHOOK", "https://chat.example.com/s3cret")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    command = ("sh", "-c", f"cat >/dev/null; env >'{tmp_path}/said'; pwd >>'{tmp_path}/said'")

    for notifier in notifiers(AttentionSettings(command=command), _render):
        notifier.tell(WORK)

    said = (tmp_path / "said").read_text()
    assert "s3cret" not in said
    assert said.splitlines()[-1] == str(tmp_path / "home")
    with pytest.raises(ValueError, match="whole path"):
        AttentionSettings(command=("./notify",))


def test_nobody_is_told_when_the_settings_name_nobody() -> None:
    """No command, no webhook, no notifier."""
    assert notifiers(AttentionSettings(), _render) == ()


def test_a_command_gets_the_report_on_its_standard_input(tmp_path: Path) -> None:
    """As a mail program would; no shell sees the arguments."""
    code = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    place = tmp_path / "a; touch x"
    (notifier,) = notifiers(AttentionSettings(command=(sys.executable, "-c", code, str(place))), _render)

    notifier.tell(WORK)

    assert place.read_text() == "manual intervention needed\nBoth.\n"
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("/nowhere/mailer",), "/nowhere/mailer: No such file or directory"),
        (("sh", "-c", "echo 'it goes on' >&2; echo 'no relay' >&2; exit 7"), "sh ended with 7: no relay"),
        (("false",), "false ended with 1: no words"),
    ],
)
def test_a_command_that_fails_is_named(argv: tuple[str, ...], said: str) -> None:
    """With its last words, where it had some."""
    (notifier,) = notifiers(AttentionSettings(command=argv), _render)

    with pytest.raises(DeployerError) as error:
        notifier.tell(WORK)

    assert error.value.message == f"on_attention.command {said}"


def test_a_command_that_hangs_is_ended() -> None:
    """The job goes on."""
    argv = (sys.executable, "-c", "input_ = __import__('threading').Event().wait()")
    (notifier,) = notifiers(AttentionSettings(command=argv, seconds=0.5), _render)

    with pytest.raises(DeployerError, match="timed out"):
        notifier.tell(WORK)


def test_a_command_that_hangs_is_named_without_its_arguments() -> None:
    """One of them may be a token."""
    argv = ("sh", "-c", "sleep 100", "hunter2-token")
    (notifier,) = notifiers(AttentionSettings(command=argv, seconds=0.3), _render)

    with pytest.raises(DeployerError) as error:
        notifier.tell(WORK)

    assert error.value.message == "on_attention.command sh timed out: it was ended after 0.3 s"


@pytest.mark.parametrize("ignored", ["", "trap '' TERM; "])
def test_what_a_command_started_is_ended_with_it(tmp_path: Path, ignored: str) -> None:
    """Children that hold no pipe of ours, and those that do not listen to SIGTERM."""
    script = f"{ignored}sleep 100 >/dev/null 2>&1 & echo $! >{tmp_path / 'pid'}; wait; sleep 100"
    (notifier,) = notifiers(AttentionSettings(command=("sh", "-c", script), seconds=0.5), _render)

    with pytest.raises(DeployerError, match="timed out"):
        notifier.tell(WORK)

    deadline = time.monotonic() + limit(120)
    while _lives((tmp_path / "pid").read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_webhook_gets_text_and_data(hook: str) -> None:
    """Slack shows `text`; a program reads `work`."""
    _Hook.answers.append(200)
    (notifier,) = notifiers(AttentionSettings(webhook=SecretStr(hook)), _render)

    notifier.tell(WORK)

    (heard,) = _Hook.heard
    assert isinstance(heard, dict)
    assert (heard["schema"], heard["text"], heard["work"]["kind"]) == (1, _render(WORK), "conflict")


@pytest.mark.parametrize("answer", [302, 404, 500])
def test_a_webhook_that_refuses_is_named_without_its_secret(hook: str, answer: int) -> None:
    """The URL's path is a secret, and a redirect is not followed."""
    _Hook.answers.append(answer)
    (notifier,) = notifiers(AttentionSettings(webhook=SecretStr(hook)), _render)

    with pytest.raises(DeployerError, match=str(answer)) as error:
        notifier.tell(WORK)

    assert "secret-token" not in str(error.value)
    assert len(_Hook.heard) == 1


def test_a_webhook_that_is_away_is_named_without_its_secret() -> None:
    """Nothing listens on the discard port."""
    (notifier,) = notifiers(AttentionSettings(webhook=SecretStr("http://127.0.0.1:9/secret-token")), _render)

    with pytest.raises(DeployerError, match=r"127\.0\.0\.1 was not reached") as error:
        notifier.tell(WORK)

    assert "secret-token" not in str(error.value)


def test_a_webhook_that_never_answers_is_given_up() -> None:
    """After the seconds of the settings: a sync does not wait for a chat."""
    given_up = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take_and_say_nothing() -> None:
            connection, _ = server.accept()
            with connection:
                given_up.wait(limit(120))

        thread = threading.Thread(target=take_and_say_nothing)
        thread.start()
        url = SecretStr(f"http://127.0.0.1:{server.getsockname()[1]}/secret-token")
        (notifier,) = notifiers(AttentionSettings(webhook=url, seconds=0.3), _render)

        with pytest.raises(DeployerError) as error:
            notifier.tell(WORK)
        given_up.set()
        thread.join()

    assert error.value.message == "on_attention.webhook at 127.0.0.1 was not reached: no answer within 0.3 s"


@pytest.mark.parametrize("drops", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 "])
def test_the_deadline_is_for_the_whole_exchange(drops: bytes) -> None:
    """A server that sends a letter now and then is given up as one that sends none, and loses its connection."""
    was_cut = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(drops)
                while not was_cut.wait(0.05):
                    connection.sendall(b"2")
            was_cut.set()

        thread = threading.Thread(target=drip)
        thread.start()
        url = SecretStr(f"http://127.0.0.1:{server.getsockname()[1]}/secret-token")
        (notifier,) = notifiers(AttentionSettings(webhook=url, seconds=0.5), _render)

        with pytest.raises(DeployerError, match=r"no answer within 0\.5 s"):
            notifier.tell(WORK)
        assert was_cut.wait(limit(120))
        thread.join()


def test_an_answer_is_not_read_to_its_end() -> None:
    """The code is all that counts: an endless answer fills no memory."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def flood() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while True:
                    connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

        thread = threading.Thread(target=flood)
        thread.start()
        url = SecretStr(f"http://127.0.0.1:{server.getsockname()[1]}/")
        (notifier,) = notifiers(AttentionSettings(webhook=url), _render)

        notifier.tell(WORK)
        thread.join()


def test_a_webhook_s_text_calls_nobody(hook: str) -> None:
    """Slack reads `<!channel>` as a call, `<url|name>` as a link, and names as people unless it is told not to."""
    _Hook.answers.append(200)
    (notifier,) = notifiers(AttentionSettings(webhook=SecretStr(hook)), report)

    notifier.tell(replace(WORK, line="<!channel> & <@U1> <https://evil|good>"))

    (heard,) = _Hook.heard
    assert isinstance(heard, dict)
    assert heard["text"].startswith("&lt;!channel&gt; &amp; &lt;@U1&gt; &lt;https://evil|good&gt;\n")
    assert (heard["link_names"], heard["mrkdwn"]) == (0, False)
    assert heard["work"]["line"] == "<!channel> & <@U1> <https://evil|good>"


def test_notices_are_clean(hook: str, tmp_path: Path) -> None:
    """What a command reads and a chat shows; the data says what it was, letter for letter."""
    _Hook.answers.append(200)
    code = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"
    command = (sys.executable, "-c", code, str(tmp_path / "mail"))
    work = grown(ManualWork)

    for notifier in notifiers(AttentionSettings(webhook=SecretStr(hook), command=command), report):
        notifier.tell(work)

    (heard,) = _Hook.heard
    assert isinstance(heard, dict)
    assert raw((tmp_path / "mail").read_bytes()) == raw(heard["text"].encode()) == acting(_Hook.bodies[0]) == []
    assert heard["work"] == to_json(work)


def test_a_command_that_repeats_its_arguments_tells_no_secret_of_them() -> None:
    """Its last words are in the warning: a token, a password of a URL and a value behind an option are not."""
    words = ("--token", "hunter-two", "https://robot:hun/ter@h/", "--password=hunter3", "--to", "ops")
    program = "import sys; print('bad', *sys.argv[1:], file=sys.stderr); sys.exit(3)"
    command = (sys.executable, "-c", program, *words)
    (one,) = notifiers(AttentionSettings(command=command), _render)

    with pytest.raises(DeployerError) as raised:
        one.tell(WORK)

    assert raised.value.message.endswith(
        "ended with 3: bad --token [redacted] https://[redacted]@h/ --password=[redacted] --to ops"
    )


@pytest.mark.parametrize(
    "url", ["https://robot:hun/ter@127.0.0.1:1/x", "https://[hunter/x", "https://a:\u2100hunter@h:x/"]
)
def test_a_webhook_whose_url_cannot_be_used_is_told_without_it(url: str) -> None:
    """The words of the libraries that read it hold the URL."""
    (one,) = notifiers(AttentionSettings(webhook=SecretStr(url)), _render)

    with pytest.raises(DeployerError) as raised:
        one.tell(WORK)

    assert raised.value.message.startswith("on_attention.webhook at ")
    assert "hun" not in raised.value.message
