"""Whether a web server may be trusted as git is set up to trust: a handshake, by which nothing is sent.

Git tells of a handshake that failed in a sentence alone, and its words are those of the TLS library that libcurl was
built with. So where git failed before it could ask anything, the same handshake is done here: the kind of exception
tells the certificate from the network.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from .git import Git, Result

LONGEST = 10.0
"""Seconds for a connection, and for each answer on it."""
OFF = "false"
HTTPS = 443


def refused(git: Git, url: str, result: Result, proxy: str | None = None) -> bool:
    """Whether git could not ask the server because its certificate is not trusted, or because it speaks no TLS.

    Args:
        git: the clone.
        url: of the remote.
        result: of the git that failed.
        proxy: `remote.*.proxy`, which counts more than `http.proxy`.
    """
    met = result.web.moved if "://" in result.web.moved else url
    if not met.startswith("https://") or result.timed_out or result.web.asked:
        return False
    try:
        import ssl  # not above: it costs too much where nothing failed
    except ImportError:  # a python3 that was built without
        return False
    try:
        context = _context(git, met)
    except OSError:
        return True  # the certificates that git shall trust cannot be read
    try:
        seconds = max(1.0, min(LONGEST, git.deadline - time.monotonic()))
        _shake_hands(context, met, _proxy(git, met) if proxy is None else proxy, seconds)
    except ssl.SSLError as error:
        return not isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError))
    except Exception:  # noqa: BLE001  of sockets, http.client, URLs: no evidence, and git's own failure stands
        return False
    return False


def _shake_hands(context: Any, url: str, proxy: str, seconds: float) -> None:  # noqa: ANN401  of `ssl`, not imported
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    host = parts.hostname or ""
    with contextlib.closing(_connection(proxy, host, parts.port or HTTPS, seconds)) as connection:
        connection.connect()
        context.wrap_socket(connection.sock, server_hostname=host).close()


def _context(git: Git, url: str) -> Any:  # noqa: ANN401  as above
    """Trust as git has it for this server."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # As libcurl has it: a certificate in the file is trusted, whoever signed it.
    context.verify_flags |= getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)  # Python 3.9 has no name for it
    if _setting(git, "bool", "sslVerify", url) == OFF:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    file, folder = _setting(git, "path", "sslCAInfo", url), _setting(git, "path", "sslCAPath", url)
    if file or folder:
        context.load_verify_locations(file, folder)
    else:
        context.load_default_certs()
    return context


def _setting(git: Git, kind: str, name: str, url: str) -> str | None:
    """Of `http.*` in git's configuration, for this URL; None where it is not set."""
    said = git.run("config", "--type=" + kind, "--get-urlmatch", "http." + name, url)
    return said.stdout.decode("utf-8", "surrogateescape").rstrip("\n") if said.code == 0 else None


def _proxy(git: Git, url: str) -> str:
    """The proxy that git goes through; empty for none."""
    named = _setting(git, "path", "proxy", url)
    if named is not None:
        return named
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    known = getproxies()
    return "" if proxy_bypass(urlsplit(url).hostname or "") else known.get("https") or known.get("all", "")


def _connection(proxy: str, host: str, port: int, seconds: float) -> Any:  # noqa: ANN401  as above
    """To the server, perhaps through a proxy, and without TLS."""
    import base64
    from http.client import HTTPConnection
    from urllib.parse import unquote, urlsplit

    if not proxy:
        return HTTPConnection(host, port, timeout=seconds)
    parts = urlsplit(proxy if "://" in proxy else "http://" + proxy)
    if parts.scheme != "http":
        raise ValueError(parts.scheme)
    headers = {}
    if parts.username:
        login = unquote(parts.username) + ":" + unquote(parts.password or "")
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    connection = HTTPConnection(parts.hostname or "", parts.port or 1080, timeout=seconds)
    connection.set_tunnel(host, port, headers)
    return connection
