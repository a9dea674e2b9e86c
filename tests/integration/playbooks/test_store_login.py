"""A release store that asks for a login: where the secret comes from, and that it is told nowhere."""

from __future__ import annotations

import base64
import functools
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pytest

from tests.budget.marks import deep

if TYPE_CHECKING:
    from tests.integration.playbooks.conftest import Instance


class _Guarded(SimpleHTTPRequestHandler):
    """A store that asks for a login; below /moved it sends whoever asks to `elsewhere`."""

    wanted: ClassVar[str] = ""
    elsewhere: ClassVar[str] = ""
    heard: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.heard.append(self.headers.get("Authorization", ""))
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", self.elsewhere + self.path.removeprefix("/moved"))
            self.end_headers()
        elif self.wanted and self.headers.get("Authorization") != self.wanted:
            self.send_error(401)
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
        """Nothing on the terminal."""


@pytest.fixture
def guarded(instance: Instance) -> Iterator[str]:
    """The address of the same store behind a login."""
    _Guarded.heard.clear()
    handler = functools.partial(_Guarded, directory=str(instance.store.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


PASSWORD = "S3/c@r:t of-ours"
BASIC = "Basic " + base64.b64encode(f"robot:{PASSWORD}".encode()).decode()


@pytest.mark.parametrize(
    "how", ["file", "variable", pytest.param("token", marks=deep(2)), pytest.param("address", marks=deep(2))]
)
def test_a_release_store_with_a_login(instance: Instance, guarded: str, tmp_path: Path, how: str) -> None:
    """The secret comes from a file on the host, a variable, or quoted in the address; it is in no result."""
    file = tmp_path / "store-secret"
    file.write_text(f"{PASSWORD}\n")
    address = f"http://{guarded}"
    given: dict[str, Any] = {"store_user": "robot"}
    match how:
        case "file":
            given["store_secret_file"] = str(file)
        case "variable":
            given["store_secret"] = PASSWORD
        case "token":
            given = {"store_secret": PASSWORD}
        case _:
            address, given = f"http://robot:{quote(PASSWORD, safe='')}@{guarded}", {}
    _Guarded.wanted = f"Bearer {PASSWORD}" if how == "token" else BASIC

    result = instance.module(store=address, **given)
    missing = instance.module(store=address, version="9.9", **given)
    _Guarded.wanted = "another"
    refused = instance.module(store=address, version="1.1.0", **given)

    assert result["running"] == "1.0.0"
    assert missing["msg"] == f"version 9.9 of shopfront is not in the release store http://{guarded}"
    assert refused["msg"] == f"the release store http://{guarded} answers 401 Unauthorized"
    told = json.dumps([result, missing, refused])
    assert not [part for part in (PASSWORD, quote(PASSWORD, safe=""), BASIC[6:], BASIC[6:20]) if part in told]


@pytest.mark.parametrize(
    "address",
    [
        "https://robot:S3c/ret@store.example.net/x",
        "https://store.example.net/x?token=S3cret",
        "htps://robot:S3cret@store.example.net",
        "https://robot:\u2100S3cret@store.example.net:x/",
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(instance: Instance, address: str) -> None:
    """The error says what to do instead, and holds nothing of a login; nor does the result, which Ansible prints."""
    result = instance.module(store=address)

    assert result["msg"].startswith(("the address in release_store cannot be read: ", "release_store cannot be this"))
    assert "S3c" not in json.dumps(result)
    assert "ret@" not in json.dumps(result)


def test_a_login_goes_to_its_own_store_only(instance: Instance, guarded: str) -> None:
    """A redirect to another origin gets no login, one within the store gets it, and http to another host is refused."""
    login: dict[str, Any] = {"store_user": "robot", "store_secret": PASSWORD}
    _Guarded.wanted, _Guarded.elsewhere = "", f"http://localhost:{guarded.rpartition(':')[2]}"
    assert instance.module(store=f"http://{guarded}/moved", **login)["running"] == "1.0.0"
    assert _Guarded.heard == [BASIC, "", BASIC, ""]
    _Guarded.heard.clear()
    _Guarded.elsewhere = ""
    assert instance.module(store=f"http://{guarded}/moved", version="1.1.0", **login)["running"] == "1.1.0"
    assert _Guarded.heard == [BASIC] * 4

    refused = instance.module(store="http://store.example.net", version="2.0.0", **login)
    assert refused["msg"].startswith("the secret of the release store http://store.example.net needs https")
