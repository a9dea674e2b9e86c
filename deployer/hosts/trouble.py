"""Exceptions of fabric, paramiko and the socket module as UnreachableError, each with what a person can do."""

from __future__ import annotations

import errno
import socket

import paramiko
from paramiko.ssh_exception import (
    AuthenticationException,
    BadHostKeyException,
    ChannelException,
    ConfigParseError,
    NoValidConnectionsError,
)

from deployer.errors import UnreachableError
from deployer.model.command import Command, Place, Sign, typed
from deployer.model.site import Machine


class UnknownHostKeyError(paramiko.SSHException):  # type: ignore[misc]  # paramiko has no annotations
    """The host's key is in no known_hosts file.

    Args:
        host: as known_hosts names it: `name` or `[name]:port`.
        kind: `ssh-ed25519` …
        fingerprint: `SHA256:…`.
    """

    def __init__(self, host: str, kind: str, fingerprint: str) -> None:
        super().__init__(f"unknown host key of {host}")
        self.host = host
        self.kind = kind
        self.fingerprint = fingerprint


FOREIGN = (paramiko.SSHException, OSError, EOFError, ConfigParseError)
"""What opening a connection can raise."""


def unreachable(machine: Machine, error: BaseException) -> UnreachableError:
    """The error for people."""
    host = machine.text("ansible_host", machine.name)
    what, hint = _explain(machine, host, error)
    named = machine.name if host == machine.name else f"{machine.name} ({host})"
    return UnreachableError(f"{named}: {what}", hint=hint)


def _explain(machine: Machine, host: str, error: BaseException) -> tuple[str, str]:
    """What is wrong, and what to do."""
    port = machine.text("ansible_port")
    login = typed("ssh", *(("-p", port) if port else ()), "--", _login(machine, host))
    if isinstance(error, UnknownHostKeyError):
        return _unknown_key(error)
    if isinstance(error, BadHostKeyException):
        return _changed_key(machine, error)
    if _has_no_way(error):
        return "there is no way to it (no route to host)", f"is it up, and is the network open? try: {login}"
    known = next(((what, hint) for kind, what, hint in _TABLE if isinstance(error, kind)), None)
    what, hint = known or (str(error) or type(error).__name__, "try: {login}")
    return what, hint.format(login=login, machine=machine.name)


def _has_no_way(error: BaseException) -> bool:
    """Whether nobody is there to refuse: Paramiko raises the same for both."""
    tried = error.errors.values() if isinstance(error, NoValidConnectionsError) else (error,)
    return all(isinstance(one, OSError) and one.errno in _NO_WAY for one in tried)


_NO_WAY = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH})
_TABLE: tuple[tuple[type[BaseException], str, str], ...] = (
    (AuthenticationException, "it did not let us in (authentication failed)", "try: {login}   (is your key right?)"),
    (socket.gaierror, "its name is not known (DNS)", "check ansible_host of {machine}, or your ~/.ssh/config"),
    (NoValidConnectionsError, "it refused the connection", "does sshd run there, and on this port? try: {login}"),
    (ConnectionRefusedError, "it refused the connection", "does sshd run there, and on this port? try: {login}"),
    (TimeoutError, "it did not answer in time", "is it up, and is the network open? try: {login}"),
    (ConfigParseError, "~/.ssh/config cannot be read", "try: {login}"),
    (ChannelException, "it refused a session or a jump", "sshd's MaxSessions or AllowTcpForwarding; try: {login}"),
)
"""The first kind that fits says what is wrong, and what to do."""


def _login(machine: Machine, host: str) -> str:
    user = machine.text("ansible_user")
    return f"{user}@{host}" if user else host


def _unknown_key(error: UnknownHostKeyError) -> tuple[str, str]:
    name, port = _split(error.host)
    scan: Command = (
        "ssh-keyscan",
        *(("-p", port) if port else ()),
        "--",
        name,
        Sign.AFTER,
        Place("~/.ssh/known_hosts"),
    )
    return (
        f"its host key is not known ({error.kind} {error.fingerprint})",
        f"{typed(*scan)}   (then compare: {typed('ssh-keygen', '-lF', error.host)})",
    )


def _changed_key(machine: Machine, error: BadHostKeyException) -> tuple[str, str]:
    port = machine.text("ansible_port", "22")
    name = error.hostname if port == "22" else f"[{error.hostname}]:{port}"
    return (
        f"its host key CHANGED (now {error.key.get_name()} {error.key.fingerprint})",
        f"ask whoever runs the host whether it was installed anew; only then: {typed('ssh-keygen', '-R', name)}",
    )


def _split(host: str) -> tuple[str, str]:
    """`[name]:port` -> both."""
    if not host.startswith("["):
        return host, ""
    name, _, port = host[1:].rpartition("]:")
    return name, port
