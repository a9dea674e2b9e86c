"""A webhook: one POST per piece of manual work, with the text that Slack, Mattermost and Teams show, and the data."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

import httpx2

from deployer.errors import DeployerError
from deployer.model.codec import SCHEMA_VERSION, to_json
from deployer.model.sync import ManualWork
from deployer.secrets.shapes import host_of
from deployer.visible import visible_json


class WebhookNotifier:
    """Posts JSON: `{"schema", "text", "work", "link_names", "mrkdwn"}`.

    In `text` the three characters that a chat reads as its own are escaped, so that a commit's subject can call nobody
    (`<!channel>`) and hide no address behind a name. `work` is data, as it is.

    Args:
        url: where to; it often holds a secret, so that it is never in an error.
        render: manual work -> the text for people, cleaned.
        seconds: deadline of the whole exchange.
    """

    name = "webhook"

    def __init__(self, url: str, render: Callable[[ManualWork], str], seconds: float) -> None:
        self._url = url
        self._render = render
        self._seconds = seconds

    def tell(self, work: ManualWork) -> None:
        """Post it; redirects are not followed, since the report would go somewhere nobody named.

        Raises:
            DeployerError: no answer in time, or none with a code of 200 to 299.
        """
        place = f"on_attention.webhook at {host_of(self._url) or 'its address'}"
        exchange = _Exchange(self._url, visible_json(self._document(work)).encode(), self._seconds)
        try:
            status = exchange.status()
        except TimeoutError:
            raise DeployerError(f"{place} was not reached: no answer within {self._seconds:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # Not the error's own words: they may hold the URL.
            raise DeployerError(f"{place} was not reached: {type(error).__name__}") from error
        if not httpx2.codes.is_success(status):
            raise DeployerError(f"{place} answered {status}")

    def _document(self, work: ManualWork) -> dict[str, object]:
        text = self._render(work).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        # Of Slack: names and channels in the text call nobody, and commands to paste keep their stars and backticks.
        of_slack = {"link_names": 0, "mrkdwn": False}
        return {"schema": SCHEMA_VERSION, "text": text, "work": to_json(work), **of_slack}


class _Exchange:
    """One request in a thread of its own, since no timeout of a socket bounds more than one read of it.

    Args:
        url: where to.
        body: JSON.
        seconds: from the look-up of the name to the head of the answer; the rest of the answer is not read.
    """

    def __init__(self, url: str, body: bytes, seconds: float) -> None:
        self._url = url
        self._body = body
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._is_late = threading.Event()
        self._status = 0
        self._error: Exception | None = None

    def status(self) -> int:
        """The code of the answer.

        Raises:
            TimeoutError: there was none in time; the connection is cut.
            Exception: of httpx2.
        """
        # As a daemon it holds up nobody's end, should it wait for the look-up of a name.
        thread = threading.Thread(target=self._work, name="webhook", daemon=True)
        thread.start()
        thread.join(self._seconds)
        if thread.is_alive():
            self._is_late.set()
            self._cut()
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._status

    def _work(self) -> None:
        try:
            self._status = self._ask()
        except httpx2.TimeoutException:
            self._error = TimeoutError()
        except Exception as error:  # noqa: BLE001  it is raised again where somebody waits for it
            self._error = error

    def _ask(self) -> int:
        headers = {"Content-Type": "application/json"}
        with httpx2.Client(follow_redirects=False, timeout=self._seconds) as client:
            extensions = {"trace": self._look}
            asked = client.build_request("POST", self._url, content=self._body, headers=headers, extensions=extensions)
            answer = client.send(asked, stream=True)
            answer.close()
            return answer.status_code

    def _look(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the connection when it is made; httpx2 tells of each step."""
        stream = info.get("return_value")
        if event.endswith(("connect_tcp.complete", "start_tls.complete")) and stream is not None:
            self._socket = stream.get_extra_info("socket")
        if self._is_late.is_set():
            self._cut()

    def _cut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
