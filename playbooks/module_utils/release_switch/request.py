"""What the module was asked for, checked: its arguments come from a manifest, which somebody else wrote."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ReleaseError
from .limits import Limits
from .store import Login

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+~-]{0,126}")
_HEALTH = re.compile(r"/[!-~]*")
_PROGRAM = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_HIGHEST_PORT = 65535


@dataclass(frozen=True)
class Request:
    """The wanted state of one instance."""

    name: str
    application: str
    version: str
    """Empty: keep the release that is installed."""
    store: str
    login: Login
    """Of the store."""
    home: str
    """The folder that holds all instances of the host."""
    configuration: str
    """The text of the configuration file; empty: keep the one that is installed."""
    port: int
    health: str
    health_timeout: float
    """Seconds."""
    keep: int
    service_manager: str
    supervisor_socket: str
    command: str
    """The program that serves, inside the release."""
    user: str
    """The login that the service runs as; empty for that of the service manager."""
    restart: bool
    """Restart also when nothing changed."""
    run: str
    fence: int
    lock_timeout: float
    """Seconds to wait for another run that works on the instance."""
    limits: Limits
    """Of the release."""

    @property
    def service(self) -> str:
        """The service's name: `instance-viatris`."""
        return f"instance-{self.name}"


def digest(text: str) -> str:
    """The sha256 of a text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checked(what: str, value: str, form: re.Pattern[str]) -> str:
    if not form.fullmatch(value):
        raise ReleaseError(f"{what} cannot be {value!r}")
    return value


def _optional(what: str, value: str, form: re.Pattern[str]) -> str:
    return _checked(what, value, form) if value else ""


def _port(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < int(value[:6]) <= _HIGHEST_PORT):
        raise ReleaseError(f"the port cannot be {value!r}: it is a number from 1 to {_HIGHEST_PORT}")
    return int(value)


def _home(value: str) -> str:
    if not value.startswith("/") or not value.isprintable():
        raise ReleaseError(f"instances_home cannot be {value!r}: it is an absolute path")
    return value.rstrip("/")


def _manager(values: Mapping[str, Any]) -> str:
    manager, socket = values["service_manager"], values["supervisor_socket"]
    if manager == "supervisor" and not socket.startswith("/"):
        raise ReleaseError("service_manager is supervisor, but supervisor_socket is not an absolute path")
    if manager == "supervisor" and values["user"]:
        raise ReleaseError("the supervisor runs services as its own user: service_user needs systemd")
    return str(manager)


def _at_least(what: str, value: float, least: float) -> None:
    if value < least:
        raise ReleaseError(f"{what} cannot be {value}: it is at least {least}")


def read_request(values: Mapping[str, Any]) -> Request:
    """Check the arguments of the module; raises ReleaseError for the first that cannot be used."""
    _at_least("keep_releases", values["keep"], 1)
    for name in ("most_size", "most_files", "seconds"):
        _at_least(f"release_{name}", values[name], 1)
    _at_least("health_timeout", values["health_timeout"], 0)
    return Request(
        name=_checked("an instance's name", values["name"], _NAME),
        application=_checked("an application's name", values["application"], _NAME),
        version=_optional("a version", values["version"], _VERSION),
        store=values["store"],
        login=Login(values["store_user"], values["store_secret"], values["store_secret_file"]),
        home=_home(values["home"]),
        configuration=values["configuration"],
        port=_port(values["port"]),
        health=_checked("the health path", values["health"], _HEALTH),
        health_timeout=values["health_timeout"],
        keep=values["keep"],
        service_manager=_manager(values),
        supervisor_socket=values["supervisor_socket"],
        command=_checked("the command", values["command"], _PROGRAM),
        user=_optional("a user", values["user"], _USER),
        restart=values["restart"],
        run=values["run"],
        fence=values["fence"],
        lock_timeout=values["lock_timeout"],
        limits=Limits(values["most_size"] << 20, values["most_files"], values["seconds"]),
    )
