"""One connection to a deployer host, by fabric: opened when needed, its host key checked, opened again when it died."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import shlex
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import fabric
import paramiko

from deployer import surroundings
from deployer.errors import SettingsError, UnreachableError
from deployer.hosts import trouble
from deployer.model.site import Machine
from deployer.settings import SshSettings

KEEPALIVE = 15
"""Seconds of silence after which a sign of life is sent."""
DEAD_AFTER = 45_000
"""Milliseconds without an acknowledgement after which the kernel gives a connection up."""
SESSIONS = 8
"""Commands at the same time on one connection; sshd's MaxSessions is 10, and locks hold one or two."""
SHARED_KEYS = "/etc/ssh/ssh_known_hosts"
BROKEN = (paramiko.SSHException, OSError, EOFError)
"""What paramiko raises when a connection is not what it was."""


class RefuseUnknownHost(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # it has no annotations
    """A host whose key nobody has seen is not talked to: accepting it is a person's decision."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Always refuse."""
        del client
        raise trouble.UnknownHostKeyError(hostname, key.get_name(), key.fingerprint)


class Link:
    """The connection to one machine, shared by threads.

    Args:
        machine: its `ansible_host`, `ansible_port`, `ansible_user` and `ansible_ssh_private_key_file` are used; the
            rest is what ~/.ssh/config says of the host.
        settings: of SSH.
    """

    def __init__(self, machine: Machine, settings: SshSettings) -> None:
        self._machine = machine
        self._settings = settings
        self._lock = threading.Lock()
        self._connection: fabric.Connection | None = None
        self.slots = threading.BoundedSemaphore(SESSIONS)

    def channel(self) -> paramiko.Channel:
        """A fresh session; a connection that died since the last call is opened again, once.

        Raises:
            UnreachableError: the host is not reached.
        """
        transport, fresh = self._transport()
        try:
            return transport.open_session(timeout=self._settings.connect_timeout)
        except BROKEN as error:
            if fresh or transport.is_active():
                raise trouble.unreachable(self._machine, error) from error
        self.drop(transport)
        transport, _ = self._transport()
        with self.wrapped():
            return transport.open_session(timeout=self._settings.connect_timeout)

    def _transport(self) -> tuple[paramiko.Transport, bool]:
        """The transport, and whether it was opened just now."""
        with self._lock:
            current = self._connection
            if current is not None and current.transport is not None and current.transport.is_active():
                return current.transport, False
            self._close()
            with self.wrapped():
                self._connection = self._open()
            return self._connection.transport, True

    def _open(self) -> fabric.Connection:
        connection = connection_to(self._machine, self._settings)
        try:
            connection.open()
        except BaseException:
            close(connection)
            raise
        for hop in hops(connection):
            hop.transport.set_keepalive(KEEPALIVE)
            tune(hop.transport.sock)
        return connection

    @contextlib.contextmanager
    def wrapped(self) -> Iterator[None]:
        """Exceptions of the libraries become UnreachableError, which says what to do."""
        try:
            yield
        except trouble.FOREIGN as error:
            raise trouble.unreachable(self._machine, error) from error

    def drop(self, transport: paramiko.Transport) -> None:
        """Give a connection up that is no good any more (not its successor, which another thread may have opened)."""
        with self._lock:
            if self._connection is not None and self._connection.transport is transport:
                self._close()

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            close(self._connection)
            self._connection = None


def connection_to(machine: Machine, settings: SshSettings) -> fabric.Connection:
    """A connection, not yet opened, that checks host keys at every hop."""
    # `lazy`: fabric.yaml files and FABRIC_* variables of somebody's other project must not steer a deployment.
    config = fabric.Config(lazy=True, runtime_ssh_path=config_file(machine))
    try:
        config.load_ssh_config()
    except OSError as error:
        raise SettingsError(f"{machine.name}: ansible_ssh_common_args: {error.filename}: {error.strerror}") from error
    host = machine.text("ansible_host", machine.name)
    variable = "ansible_ssh_private_key_file"
    keys = [_whole(machine, variable, key)] if (key := machine.text(variable)) else []
    connection = fabric.Connection(
        host,
        user=machine.text("ansible_user") or None,
        port=port_of(machine),
        config=config,
        gateway=gateway(config, host),
        connect_kwargs={"key_filename": keys},
    )
    for hop in hops(connection):
        prepare(hop, settings)
    return connection


def config_file(machine: Machine) -> str | None:
    """The file that `ansible_ssh_common_args: -F FILE` puts in the place of ~/.ssh/config; None without one.

    Everything else in it is Ansible's alone.
    """
    try:
        words = shlex.split(machine.text("ansible_ssh_common_args"))
    except ValueError:
        return None
    named = [after for word, after in itertools.pairwise(words) if word == "-F"]
    return _whole(machine, "ansible_ssh_common_args", named[-1]) if named else None


def _whole(machine: Machine, variable: str, file: str) -> str:
    """A file that the inventory names.

    Raises:
        SettingsError: by a relative path: that would be another file in each folder that deployer is started in.
    """
    path = Path(file).expanduser()
    if not path.is_absolute():
        raise SettingsError(f"{machine.name}: {variable}: {file} is a relative path", hint="give the whole path")
    return str(path)


def port_of(machine: Machine) -> int | None:
    """The port of the inventory; None leaves it to ~/.ssh/config."""
    said = machine.text("ansible_port")
    if said and not said.isdecimal():
        raise UnreachableError(f"{machine.name}: ansible_port is {said!r}, which is no port")
    return int(said) if said else None


def gateway(config: fabric.Config, host: str, seen: frozenset[str] = frozenset()) -> fabric.Connection | str | bool:
    """The way to a host as ~/.ssh/config has it: a jump host, a proxy command, or False for none.

    Fabric's own reading visits several jump hosts in the wrong order and takes `ProxyJump none` for a host.
    """
    entry = config.base_ssh_config.lookup(host)
    jump = str(entry.get("proxyjump", "none"))
    if jump.lower() == "none":
        command = str(entry.get("proxycommand", "")) or "none"
        return False if command.lower() == "none" else surroundings.leaving_out(command, os.environ)
    previous: fabric.Connection | str | bool = False
    for hop in (part.strip().removeprefix("ssh://") for part in jump.split(",")):
        name = hop.rpartition("@")[2].partition(":")[0]
        if name == host or name in seen:  # `Host *` with a ProxyJump: the jump host itself is reached directly
            return False
        before = previous or gateway(config, name, seen | {host})
        previous = fabric.Connection(hop, config=config.clone(), gateway=before)
    return previous


def hops(connection: fabric.Connection) -> Iterator[fabric.Connection]:
    """The connection and those that it goes through."""
    hop: object = connection
    while isinstance(hop, fabric.Connection):
        yield hop
        hop = hop.gateway


def prepare(hop: fabric.Connection, settings: SshSettings) -> None:
    """Time limits, and the host keys that are trusted."""
    seconds = settings.connect_timeout
    hop.connect_timeout = seconds
    hop.connect_kwargs.update(
        banner_timeout=seconds, auth_timeout=max(seconds, 30.0), channel_timeout=math.ceil(seconds)
    )
    hop.client.set_missing_host_key_policy(RefuseUnknownHost())
    hop.client.load_system_host_keys()
    named = str(hop.ssh_config.get("userknownhostsfile", ""))
    # Paramiko takes the quotes away of a path with a space.
    for file in (SHARED_KEYS, *((named,) if Path(named).expanduser().is_file() else named.split())):
        path = Path(file).expanduser()
        if path.is_file():
            hop.client.load_system_host_keys(str(path))
    if settings.known_hosts:
        load_keys(hop.client, Path(settings.known_hosts).expanduser())


def load_keys(client: paramiko.SSHClient, file: Path) -> None:
    """Trust the keys in the file of the settings, which must be readable."""
    try:
        client.load_system_host_keys(str(file))
    except OSError as error:
        raise SettingsError(f"ssh.known_hosts: {file}: {error.strerror}") from error


def tune(sock: object) -> None:
    """Send small packets at once (a call took 48 ms without, 12 with), and notice when nobody acknowledges."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER)


def close(connection: fabric.Connection) -> None:
    """Close it and those it goes through, whatever state they are in."""
    for hop in hops(connection):
        with contextlib.suppress(*BROKEN):
            hop.client.close()
