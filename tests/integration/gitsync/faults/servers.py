"""Servers of a remote, each real, each with a fault where a situation wants one: HTTP, git daemon, broken lines."""

from __future__ import annotations

import contextlib
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.support import missing

HALF_A_MINUTE = 30.0
"""Seconds after which a server gives up a client of its own accord: no thread outlives a test for long."""


@dataclass
class Fault:
    """What an HTTP server does to requests whose path and query have a word."""

    word: str
    times: int = 1000
    """How many of them."""
    status: int = 0
    """This in place of an answer."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int = -1
    """The answer ends after as many bytes of its body, and the line is closed; git has done its work by then."""
    is_mute: bool = False
    """Never an answer."""
    late: bool = False
    """The status is said after git has done its work."""
    is_slow: bool = False
    """A byte now and then."""

    def again(self) -> Fault:
        """The same, not yet met."""
        return replace(self)


class HttpServer:
    """git http-backend behind a server that can misbehave.

    Args:
        base: the folder of the repositories.
        environment: of the backend.
        credentials: `user:password` in base64, where a login is asked for.
        certificate: a file with key and certificate, for TLS.
    """

    def __init__(
        self, base: Path, environment: Mapping[str, str], credentials: str = "", certificate: Path | None = None
    ) -> None:
        self.base = base
        self.environment = environment
        self.credentials = credentials
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.ends = threading.Event()
        self._server = _Http(self)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def fault(self, path: str) -> Fault | None:
        """The fault that is due, one time less."""
        self.asked.append(path)
        due = next((fault for fault in self.faults if fault.word in path and fault.times), None)
        if due:
            due.times -= 1
        return due

    def stop(self) -> None:
        """End it."""
        self.ends.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, owner: HttpServer) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, *_args: object) -> None:
        """A client that went away, or a handshake that failed, is what situations are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Http

    def do_GET(self) -> None:
        """What git asks first."""
        self._answer()

    def do_POST(self) -> None:
        """What it sends."""
        self._answer()

    def log_message(self, *_args: object) -> None:
        """Not on the terminal."""

    def _answer(self) -> None:
        owner = self.server.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = owner.fault(self.path) or Fault("")
        if fault.late:
            self._backend(body)
        if fault.is_mute:
            owner.ends.wait(HALF_A_MINUTE)
        elif fault.status:
            service = self.path.rpartition("service=")[2]
            headers = {name: value.replace("SERVICE", service) for name, value in fault.headers.items()}
            self._send(fault.status, headers, fault.body)
        elif owner.credentials and self.headers.get("Authorization") != f"Basic {owner.credentials}":
            self._send(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
        else:
            status, headers, content = self._backend(body)
            self._send(status, headers, content, fault)
        self.close_connection = True

    def _backend(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(self.path)
        environment = {
            **self.server.owner.environment,
            "GIT_PROJECT_ROOT": str(self.server.owner.base),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "ben",
            "REMOTE_ADDR": "127.0.0.1",
        }
        ended = subprocess.run(["git", "http-backend"], input=body, capture_output=True, check=False, env=environment)
        head, _, content = ended.stdout.partition(b"\r\n\r\n")
        fields = [line.partition(": ") for line in head.decode().split("\r\n") if line]
        headers = {name: value for name, _, value in fields}
        return int(headers.pop("Status", "200").split(" ")[0]), headers, content

    def _send(self, status: int, headers: dict[str, str], content: bytes, fault: Fault | None = None) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        if fault and fault.is_slow:
            for byte in content:
                self.wfile.write(bytes([byte]))
                if self.server.owner.ends.wait(0.2):
                    break
        else:
            self.wfile.write(content if fault is None or fault.cut < 0 else content[: fault.cut])


class Daemon(socketserver.ThreadingTCPServer):
    """A git daemon: a process for each connection.

    Args:
        base: the folder of the repositories.
        environment: of the processes.
        options: of `git daemon`.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, base: Path, environment: Mapping[str, str], *options: str) -> None:
        self.environment = environment
        self.argv = ["git", "daemon", "--inetd", f"--base-path={base}", *options]
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Connection)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def stop(self) -> None:
        """End it."""
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Connection(socketserver.BaseRequestHandler):
    server: Daemon

    def handle(self) -> None:
        """Hand the connection over."""
        subprocess.run(
            self.server.argv,
            stdin=self.request,
            stdout=self.request,
            stderr=subprocess.DEVNULL,
            env={**self.server.environment},
            start_new_session=True,
            check=False,
        )


class Line:
    """A line to a port of this machine that breaks: closed at once, mute, or cut after so many bytes of the answers.

    Args:
        target: the port behind it.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.cuts: list[int] = []
        """For each further connection: the bytes that come back before it is reset; none left: all."""
        self.is_mute = False
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _address = self._listener.accept()
                self.connections += 1
                self._open.append(near)
                if not self.is_mute:
                    self._connect(near, self.cuts.pop(0) if self.cuts else -1)

    def _connect(self, near: socket.socket, cut: int) -> None:
        far = socket.create_connection(("127.0.0.1", self.target))
        self._open.append(far)
        threading.Thread(target=carry, args=(near, far, -1), daemon=True).start()
        threading.Thread(target=carry, args=(far, near, cut), daemon=True).start()

    def stop(self) -> None:
        """Close everything."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for connection in self._open:
            connection.close()
        self._thread.join()


def carry(source: socket.socket, target: socket.socket, cut: int) -> None:
    """Until its end, or until so many bytes were carried: then both sides find the line closed."""
    with contextlib.suppress(OSError):
        while cut != 0 and (data := source.recv(65536)):
            target.sendall(data if cut < 0 else data[:cut])
            cut = cut if cut < 0 else max(0, cut - len(data))
        if cut == 0:
            for side in (source, target):
                side.shutdown(socket.SHUT_RDWR)
        target.shutdown(socket.SHUT_WR)


class Tmpfs:
    """A small file system of its own, mounted.

    Args:
        folder: where.
        options: of mount.
    """

    def __init__(self, folder: Path, options: str) -> None:
        self.folder = folder
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False)
        if mounted.returncode != 0:
            missing("the privilege to mount a small file system")

    def remount(self, options: str) -> None:
        """With other options."""
        subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True)

    def unmount(self) -> None:
        """Take it away, with what is on it."""
        subprocess.run(["umount", "--lazy", self.folder], check=True)


def certificate(folder: Path) -> Path:
    """A certificate that nobody vouches for, with its key."""
    if shutil.which("openssl") is None:
        missing("openssl, to make a certificate")
    path = folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", folder / "c.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    with path.open("ab") as stream:
        stream.write((folder / "c.pem").read_bytes())
    return path
