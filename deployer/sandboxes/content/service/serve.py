#!/usr/bin/env python3
"""shopfront: a small HTTP service that tells its version and its configuration.

    bin/serve --port PORT --configuration FILE

GET /health answers 200 when it is ready and 503 while it waits for something; GET / is a page for people. It needs
Python 3.9 and nothing else, listens on 127.0.0.1 only, and ends at SIGTERM.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn

SCHEMA_FOUND = 7
"""Of the database. There is none in a sandbox: a release that needs a newer schema than this waits for ever."""


class Shop:
    """What the service knows of itself.

    Args:
        release: the content of release.json, which the release brings with it.
        path: of the configuration file.

    Raises:
        OSError: the configuration cannot be read.
        ValueError: it is no JSON.
    """

    def __init__(self, release: Mapping[str, object], path: Path) -> None:
        data = path.read_bytes()
        self.release = release
        self.configuration = json.loads(data)
        self.digest = hashlib.sha256(data).hexdigest()
        self.instance = _instance(self.configuration) or path.resolve().parent.name

    @property
    def missing(self) -> str:
        """What it waits for; empty when it is ready."""
        needed = self.release.get("schema")
        if isinstance(needed, int) and needed > SCHEMA_FOUND:
            return f"waiting for database schema {needed}, found {SCHEMA_FOUND}"
        return ""

    def health(self) -> dict[str, object]:
        """The answer of /health."""
        status: dict[str, object] = {"status": "starting", "reason": self.missing} if self.missing else {"status": "ok"}
        return {
            **status,
            "version": self.release["version"],
            "configuration": self.digest,
            "instance": self.instance,
        }

    def page(self) -> str:
        """The page for people."""
        return (
            f"{self.release['application']} {self.release['version']} for {self.instance}\n"
            f"{self.missing or 'ready'}\n"
            f"configuration {self.digest}\n\n"
            f"{json.dumps(self.configuration, indent=2, ensure_ascii=False)}\n"
        )


class Server(ThreadingMixIn, TCPServer):
    """Answers each request in a thread."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, shop: Shop) -> None:
        self.shop = shop
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server_version = "shopfront"
    timeout = 10

    def do_GET(self) -> None:
        """Answer /health and /."""
        server = self.server
        if not isinstance(server, Server):
            raise TypeError("this handler belongs to Server")
        if self.path == "/health":
            self._send(503 if server.shop.missing else 200, "application/json", json.dumps(server.shop.health()))
        elif self.path == "/":
            self._send(200, "text/plain; charset=utf-8", server.shop.page())
        else:
            self._send(404, "text/plain; charset=utf-8", "There is nothing here.\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        """Requests are not logged: health is asked for many times a minute."""

    def _send(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _instance(configuration: object) -> str:
    """The instance's name as configurations write it; empty when this one does not."""
    if not isinstance(configuration, dict):
        return ""
    found = configuration.get("instance") or configuration.get("name") or configuration.get("@name")
    if isinstance(found, dict):
        found = found.get("name") or found.get("@name")
    return found if isinstance(found, str) else ""


def _stop(*_: object) -> None:
    raise SystemExit(0)


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="A small shop.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--configuration", type=Path, required=True)
    options = parser.parse_args()
    release = json.loads((Path(__file__).resolve().parent.parent / "release.json").read_text(encoding="utf-8"))
    signal.signal(signal.SIGTERM, _stop)
    try:
        shop = Shop(release, options.configuration)
        server = Server(options.port, shop)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"shopfront {release['version']}: {error}\n")
        return 1
    with server:
        sys.stderr.write(f"shopfront {release['version']} for {shop.instance}: port {options.port}\n")
        sys.stderr.flush()
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
