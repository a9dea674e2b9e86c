"""The loop: requests on a unix socket, ends of processes, deadlines. It sleeps until one of them comes."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from deployer.sandboxes.files import is_same_file
from deployer.sandboxes.processes import kill_session
from deployer.sandboxes.supervisor.definition import Definition, RequestError, Saved, load, name_of, parse, save
from deployer.sandboxes.supervisor.service import Policy, Reply, Service, State, absent
from deployer.sandboxes.supervisor.watch import Watch

SOCKET = "supervisor.sock"
SERVICES = "services.json"
_LONGEST_LINE = 1_000_000
_WITHOUT_INOTIFY = 30.0
"""Seconds between looks whether the folder is still there, on a kernel that cannot tell."""


class Server:
    """The supervisor of one host.

    Args:
        run: the folder of its socket and its records.
        lock: the open file whose lock it holds; when it is no longer in `run`, the sandbox is gone.
        note: writes a line to its log.
    """

    def __init__(self, run: Path, lock: tuple[Path, int], note: Callable[[str], None]) -> None:
        self._run, self._lock, self._note = run, lock, note
        self._services: dict[str, Service] = {}
        self._policy = Policy()
        self._ending: list[Reply] | None = None
        self._outbox: list[tuple[socket.socket, dict[str, object]]] = []
        self._is_gone = False
        self._selector = selectors.DefaultSelector()
        self._signals, self._listener = _signal_socket(), _listen(run)
        self._watch = self._watched()
        self._selector.register(self._signals, selectors.EVENT_READ, self._on_signal)
        self._selector.register(self._listener, selectors.EVENT_READ, self._on_connect)

    def restore(self) -> None:
        """Take up the services of the supervisor before this one, whose processes are ended first."""
        known = load(self._run / SERVICES)
        for saved in known:
            _end_leftover(saved)
        for saved in known:
            service = self._services[saved.definition.name] = self._new(saved.definition)
            service.starts, service.is_wanted = saved.starts, saved.wanted
            if saved.wanted:
                service.ask(State.RUNNING)
        self._save()

    def serve(self) -> None:
        """Work until `shutdown`, SIGTERM, or the end of the folder; then every service has ended."""
        while self._ending is None or any(service.is_busy for service in self._services.values()):
            for key, _ in self._selector.select(self._timeout()):
                key.data(key.fileobj)
            self._on_time()
            self._send()
        self._close()
        for reply in self._ending:
            reply({"ok": True, "state": str(State.STOPPED)})
        self._send()

    def _timeout(self) -> float | None:
        due = [service.deadline for service in self._services.values() if service.deadline is not None]
        if due:
            return max(0.0, min(due) - time.monotonic())
        return None if self._watch else _WITHOUT_INOTIFY

    def _on_time(self) -> None:
        now = time.monotonic()
        due = [service for service in self._services.values() if service.deadline is not None]
        for service in (service for service in due if service.deadline is not None and service.deadline <= now):
            service.tick()
            self._save()
        if not self._watch:
            self._look()

    def _on_signal(self, signals: socket.socket) -> None:
        numbers = signals.recv(4096)
        if signal.SIGTERM in numbers:
            self._end(None)
        if any([service.collect() for service in self._services.values()]):  # noqa: C419  each must be asked
            self._services = {name: it for name, it in self._services.items() if it.state is not State.ABSENT}
            self._save()

    def _on_connect(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.settimeout(0)
        received = bytearray()
        self._selector.register(connection, selectors.EVENT_READ, lambda _: self._on_data(connection, received))

    def _on_data(self, connection: socket.socket, received: bytearray) -> None:
        try:
            data = connection.recv(65536)
        except OSError:
            data = b""
        received += data
        if not data or len(received) > _LONGEST_LINE:
            self._selector.unregister(connection)
            connection.close()
            return
        while b"\n" in received:
            line, _, rest = bytes(received).partition(b"\n")
            received[:] = rest
            self._answer(line, self._reply_to(connection))

    def _reply_to(self, connection: socket.socket) -> Reply:
        return lambda answer: self._outbox.append((connection, answer))

    def _send(self) -> None:
        # Only now, when what was done is written down: after an answer a crash must not forget it.
        for connection, answer in self._outbox:
            # Who asked may have gone away meanwhile; what was asked for is done all the same.
            with suppress(OSError):
                connection.sendall(json.dumps(answer).encode() + b"\n")
        self._outbox.clear()

    def _answer(self, line: bytes, reply: Reply) -> None:
        try:
            self._do(_request(line), reply)
        except (ValueError, RequestError) as error:
            reply({"ok": False, "error": str(error)})

    def _do(self, request: dict[str, object], reply: Reply) -> None:
        match request.get("do"):
            case "shutdown":
                self._end(reply)
            case "status":
                known = self._services.get(name_of(request))
                reply(known.answer() if known else absent())
            case "apply" | "restart" | "stop" | "remove" if self._ending is not None:
                reply({"ok": False, "error": "the supervisor is being shut down"})
            case "apply":
                self._apply(parse(request), reply)
            case "restart":
                self._change(self._known(name_of(request)), State.RUNNING, reply)
            case "stop" | "remove" as verb:
                name = name_of(request)
                if name not in self._services:
                    reply(absent())
                    return
                self._change(self._services[name], State.STOPPED if verb == "stop" else State.ABSENT, reply)
            case other:
                raise RequestError(f"unknown request: {other!r}")

    def _known(self, name: str) -> Service:
        if name not in self._services:
            raise RequestError(f"there is no service {name}")
        return self._services[name]

    def _apply(self, definition: Definition, reply: Reply) -> None:
        service = self._services.setdefault(definition.name, self._new(definition))
        service.definition = definition
        self._change(service, State.RUNNING, reply)

    def _change(self, service: Service, state: State, reply: Reply) -> None:
        service.is_wanted = state is State.RUNNING
        service.ask(state, reply)
        if service.state is State.ABSENT:
            self._services.pop(service.definition.name, None)
        self._save()

    def _new(self, definition: Definition) -> Service:
        return Service(definition, time.monotonic, self._note, self._policy)

    def _end(self, reply: Reply | None) -> None:
        # What is wanted stays written down as wanted: the next supervisor starts it again.
        self._ending = (self._ending or []) + ([reply] if reply else [])
        for service in self._services.values():
            if service.is_busy or service.state is State.BACKOFF:
                service.ask(State.STOPPED)

    def _save(self) -> None:
        # In a folder that is being removed, a new file would make the removal fail.
        if not self._is_gone:
            save(self._run / SERVICES, (service.saved() for service in self._services.values()))

    def _watched(self) -> Watch | None:
        try:
            watch = Watch((self._run, self._run.parent))
        except OSError as error:
            self._note(f"no inotify: {error}")
            return None
        self._selector.register(watch, selectors.EVENT_READ, lambda _: self._on_removal(watch))
        return watch

    def _on_removal(self, watch: Watch) -> None:
        watch.drain()
        self._look()

    def _look(self) -> None:
        if not self._is_gone and not is_same_file(*self._lock):
            self._is_gone = True
            self._note("the folder is gone")
            self._end(None)

    def _close(self) -> None:
        self._listener.close()
        self._selector.close()
        if not self._is_gone:
            self._save()
            (self._run / SOCKET).unlink(missing_ok=True)


def _request(line: bytes) -> dict[str, object]:
    request = json.loads(line)
    if not isinstance(request, dict):
        raise RequestError("a request is a JSON object in one line")
    return request


def _listen(run: Path) -> socket.socket:
    (run / SOCKET).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(run, os.O_DIRECTORY | os.O_CLOEXEC)
    mask = os.umask(0o177)
    try:
        # The path itself may be longer than the 107 bytes that an address can have.
        listener.bind(f"/proc/self/fd/{folder}/{SOCKET}")
    finally:
        os.umask(mask)
        os.close(folder)
    listener.listen(64)
    listener.settimeout(0)
    return listener


def _signal_socket() -> socket.socket:
    reader, writer = socket.socketpair()
    reader.settimeout(0)
    writer.settimeout(0)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    return reader


def _end_leftover(saved: Saved) -> None:
    if saved.process:
        kill_session(saved.process, 5.0)
