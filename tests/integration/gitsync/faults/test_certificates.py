"""A certificate that git does not trust, wherever it is met: told by a handshake, not by the words of a TLS library."""

from __future__ import annotations

import base64
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator

import pytest

from deployer.errors import AttentionError
from tests.integration.gitsync.faults.lines import by_http
from tests.integration.gitsync.faults.scene import Scene, people
from tests.integration.gitsync.faults.servers import Fault, carry
from tests.sshd import free_port

LOGIN = "ben:s cret"


class Proxy(socketserver.ThreadingTCPServer):
    """A proxy that asks for a login, and carries what comes after CONNECT."""

    daemon_threads = True
    block_on_close = False

    @property
    def url(self) -> str:
        """Its address, with the login."""
        return f"http://{LOGIN.replace(' ', '%20')}@127.0.0.1:{self.server_address[1]}"


class _Tunnel(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """One connection."""
        proof = f"Proxy-Authorization: Basic {base64.b64encode(LOGIN.encode()).decode()}\r\n".encode()
        asked, *headers = iter(self.rfile.readline, b"\r\n")
        if proof not in headers:
            # Git knows no other way: it asks without the login first.
            self.wfile.write(b"HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
            asked, *headers = iter(self.rfile.readline, b"\r\n")
        assert proof in headers
        host, _, port = asked.decode().split()[1].partition(":")
        with socket.create_connection((host, int(port))) as far:
            self.wfile.write(b"HTTP/1.1 200 Here you are\r\n\r\n")
            back = threading.Thread(target=carry, args=(far, self.connection, -1), daemon=True)
            back.start()
            carry(self.connection, far, -1)
            back.join()


@pytest.fixture
def proxy() -> Iterator[str]:
    """The address of a proxy."""
    with Proxy(("127.0.0.1", 0), _Tunnel) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


def by_https(scene: Scene) -> None:
    """Behind a certificate that nobody vouches for."""
    by_http(tls=True)(scene)


def moved(scene: Scene) -> None:
    """Behind a server without TLS, which leads to that one."""
    by_https(scene)
    place = f"{scene.url}/info/refs?service=SERVICE"
    by_http(Fault("info/refs", status=301, headers={"Location": place}))(scene)


def configured(scene: Scene, name: str, value: str) -> None:
    """A setting of the clone."""
    scene.git(scene.clone, "config", name, value)


def trusting(scene: Scene) -> None:
    """The certificate is trusted."""
    configured(scene, "http.sslCAInfo", str(scene.root / "certificate.pem"))


@pytest.mark.parametrize(
    ("make", "setting"), [(by_https, ""), (by_https, "http.proxy"), (by_https, "remote.origin.proxy"), (moved, "")]
)
def test_it_is_met(scene: Scene, proxy: str, make: Callable[[Scene], None], setting: str) -> None:
    """Through a proxy too, and where a server leads to another one; once it is trusted, the sync lands."""
    people(scene, "all")
    make(scene)
    if setting:
        configured(scene, setting, proxy)

    scene.sync()
    assert scene.kinds() == ["host-key"]
    trusting(scene)
    scene.sync()

    assert scene.kinds() == [""]


def test_it_is_met_by_a_clone_that_is_made(scene: Scene) -> None:
    """Only the host's own settings count then."""
    by_https(scene)
    scene.clone.rename(scene.root / "away")

    with pytest.raises(AttentionError):
        scene.made_engine().clone(scene.host, scene.repository)

    assert scene.kinds() == ["host-key"]


def test_certificates_that_cannot_be_read(scene: Scene) -> None:
    """Nobody is trusted then, and a person mends the setting."""
    by_https(scene)
    configured(scene, "http.sslCAInfo", str(scene.root / "nowhere.pem"))

    scene.sync()

    assert scene.kinds() == ["host-key"]


def closing(scene: Scene) -> None:
    """Behind a server that hangs up in the handshake."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    scene.undo.extend((server.server_close, thread.join, server.shutdown))
    scene.at(f"https://127.0.0.1:{server.server_address[1]}/x.git")


def refused(scene: Scene) -> None:
    """Where nobody listens."""
    scene.at(f"https://127.0.0.1:{free_port()}/x.git")


class _OtherProtocol(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """Answer as an SSH server does, and read on until the client closes."""
        self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        self.connection.shutdown(socket.SHUT_WR)
        self.rfile.read()


def other_protocol(scene: Scene) -> None:
    """The port of the proxy belongs to a server that speaks no HTTP."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _OtherProtocol)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    scene.undo.extend((server.server_close, thread.join, server.shutdown))
    scene.at("https://127.0.0.1:1/x.git")
    configured(scene, "http.proxy", f"http://127.0.0.1:{server.server_address[1]}")


def no_host_name(scene: Scene) -> None:
    """The URL has a space in its host."""
    scene.at("https://ho st.invalid/x.git")


@pytest.mark.parametrize("make", [closing, refused, other_protocol, no_host_name])
def test_a_line_that_breaks_is_none(scene: Scene, make: Callable[[Scene], None]) -> None:
    """It mends itself, and is tried again."""
    make(scene)

    scene.sync()

    assert scene.kinds() == ["network"] * 3


def test_nobody_checks(scene: Scene) -> None:
    """Git is told not to look at certificates: then it is no reason."""
    people(scene, "none")
    by_https(scene)
    configured(scene, "http.sslVerify", "off")
    scene.sync()
    assert scene.kinds() == [""]

    assert scene.http is not None
    scene.http.stop()
    scene.undo.remove(scene.http.stop)
    scene.sync()

    assert scene.kinds() == ["network"] * 3
