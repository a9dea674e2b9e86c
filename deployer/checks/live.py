"""What the shipped checks ask of a live instance: one question to its host, whatever keeps its services running."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property

from testinfra.host import Host

from deployer.model.json import JsonObject, JsonValue

_PROBE = """
import http.client, json, os, socket, sys
port, path, supervisor, name = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
found = {"listening": False, "status": 0, "body": None, "error": "", "state": ""}
try:
    socket.create_connection(("127.0.0.1", port), 5).close()
    found["listening"] = True
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Connection": "close"})
    answer = connection.getresponse()
    found["status"] = answer.status
    found["body"] = json.loads(answer.read(1 << 20))
except (OSError, ValueError, http.client.HTTPException) as error:
    found["error"] = "%s: %s" % (type(error).__name__, error)
if supervisor:
    folder = os.open(os.path.dirname(supervisor), os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
            asked.settimeout(10)
            asked.connect("/proc/self/fd/%d/%s" % (folder, os.path.basename(supervisor)))
            asked.sendall(json.dumps({"do": "status", "name": name}).encode() + b"\\n")
            found["state"] = json.loads(asked.makefile().readline()).get("state", "unknown")
    except (OSError, ValueError) as error:
        found["state"] = "unknown: %s" % error
print(json.dumps(found))
"""
_DEFAULT_HOME = "/srv/instances"
_DEFAULT_HEALTH = "/health"


class LiveService:
    """The service of an instance: the fixture `service`.

    Args:
        host: testinfra's host.
        instance: the variable `instance`.
        variables: of the inventory.
        python: the interpreter on the host.
    """

    def __init__(self, host: Host, instance: JsonObject, variables: JsonObject, python: str) -> None:
        self._host = host
        self._instance = instance
        self._variables = variables
        self._python = python

    @property
    def name(self) -> str:
        """`instance-viatris`."""
        return f"instance-{self._instance['name']}"

    @property
    def port(self) -> int:
        """Where it listens, as the manifest says."""
        return int(str(self._instance["port"]))

    @property
    def folder(self) -> str:
        """The instance's folder on its host."""
        return f"{self._variables.get('instances_home') or _DEFAULT_HOME}/{self._instance['name']}"

    @property
    def manager(self) -> str:
        """What keeps it running: `systemd` or `supervisor`."""
        return str(self._variables.get("service_manager") or "systemd")

    @property
    def is_running(self) -> bool:
        """Whether its manager says that it runs."""
        if self.manager == "systemd":
            return bool(self._host.service(self.name).is_running)
        return self._probe["state"] == "running"

    @property
    def is_enabled(self) -> bool:
        """Whether it is started at boot; a supervisor brings back whatever is defined."""
        if self.manager == "systemd":
            return bool(self._host.service(self.name).is_enabled)
        return str(self._probe["state"]) in {"running", "backoff", "failed"}

    @property
    def is_listening(self) -> bool:
        """Whether somebody accepts connections on its port."""
        return bool(self._probe["listening"])

    @property
    def health(self) -> JsonObject:
        """What its health endpoint answers: `status` (the HTTP status), and the fields of its JSON.

        A service that does not answer fails the check that asks.
        """
        body, status = self._probe["body"], self._probe["status"]
        assert isinstance(body, Mapping), self._probe["error"] or f"{status}, and no JSON object"  # noqa: S101  it is a check
        return {**body, "status": status}

    @cached_property
    def _probe(self) -> Mapping[str, JsonValue]:
        socket = str(self._variables.get("supervisor_socket") or "") if self.manager == "supervisor" else ""
        path = str(self._instance["health"] or _DEFAULT_HEALTH)
        words = (self._python, _PROBE, str(self.port), path, socket, self.name)
        answer: Mapping[str, JsonValue] = json.loads(self._host.check_output("%s -c %s %s %s %s %s", *words))
        return answer
