"""The variables that deployer reads, and what each must look like; everything wrong is gathered before it is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from deployer.inventory import content
from deployer.model.json import JsonObject, JsonValue
from deployer.model.site import Repository

TEXTS = (
    "deployer_home", "deployer_environment", "release_store", "release_store_user", "release_store_secret_file",
    "instances_home", "supervisor_socket",
)  # fmt: skip
REACHING = ("ansible_connection", "ansible_host", "ansible_user", "ansible_ssh_private_key_file")
REPOSITORY = frozenset({"name", "path", "remote", "branch", "manifests"})
YES, NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


class Facts:
    """The variables of one deployer host, read one by one.

    Args:
        directory: of the inventory, to name the file of a wrong one.
        site: name of the site.
        variables: of its deployer host.
        problems: where what is wrong goes, as `file: sentence`.
    """

    def __init__(self, directory: Path, site: str, variables: JsonObject, problems: list[str]) -> None:
        self._directory = directory
        self._site = site
        self._variables = variables
        self._problems = problems

    def _wrong(self, variable: str, sentence: str) -> None:
        file = content.mentions(self._directory, variable.split(".", maxsplit=1)[0])
        problem = f"{file}: {sentence}"
        if problem not in self._problems:
            self._problems.append(problem)

    def _text(self, name: str, value: JsonValue, default: str = "") -> str:
        """A plain text; a template is refused, since nobody evaluates it here."""
        if value is None:
            return default
        if not isinstance(value, str) or not value:
            self._wrong(name, f"{name} of {self._site} must be text")
        elif "{{" in value or "{%" in value:
            self._wrong(name, f"{name} of {self._site} is a template; facts that deployer reads must be plain values")
        else:
            return value
        return default

    def check(self) -> None:
        """The facts that are used elsewhere, by their form."""
        for name in (*TEXTS, *REACHING, "ansible_python_interpreter"):
            self._text(name, self._variables.get(name))
        self._check_port()
        self._check_store()
        self._check_manager()

    def _check_port(self) -> None:
        port = self._variables.get("ansible_port")
        if port is not None and not str(port).isdecimal():
            self._wrong("ansible_port", f"ansible_port of {self._site} must be a number")

    def _check_store(self) -> None:
        store = self._variables.get("release_store")
        if isinstance(store, str) and "{{" not in store and not store.startswith(("file://", "https://")):
            self._wrong("release_store", f"release_store of {self._site} must begin with file:// or https://")
        elif isinstance(store, str) and "{{" not in store and not _is_address(store):
            # It is not repeated: nobody can tell where a password ends in it.
            hint = "give its login as release_store_user and release_store_secret_file"
            self._wrong("release_store", f"release_store of {self._site} is no address that can be read; {hint}")

    def _check_manager(self) -> None:
        manager = self._variables.get("service_manager", "systemd")
        if manager not in {"systemd", "supervisor"}:
            self._wrong("service_manager", f"service_manager of {self._site} must be systemd or supervisor")
        if manager == "supervisor" and not self._variables.get("supervisor_socket"):
            self._wrong(
                "service_manager", f"supervisor_socket of {self._site} is missing (service_manager: supervisor)"
            )

    @property
    def environment(self) -> str:
        """`deployer_environment`; empty when it is not set."""
        return self._text("deployer_environment", self._variables.get("deployer_environment"))

    @property
    def is_production(self) -> bool:
        """`deployer_production`. What cannot be read counts as production besides being reported."""
        value = self._variables.get("deployer_production", False)
        said = str(value).lower()
        if said in YES | NO:
            return said in YES
        self._wrong("deployer_production", f"deployer_production of {self._site} must be true or false")
        return True

    def repository(self) -> Repository:
        """`config_repository` and `manifest_fields`."""
        told = self._mapping("config_repository")
        for key in sorted(set(told) - REPOSITORY):
            self._wrong("config_repository", f"config_repository of {self._site} has no key {key}")
        name = self._text("config_repository.name", told.get("name"), f"clusterconfig-{self._site}")
        plain = Repository(name, "")
        return Repository(
            name=name,
            path=self._text("config_repository.path", told.get("path"), f"~/deployer/{name}"),
            remote=self._text("config_repository.remote", told.get("remote")),
            branch=self._text("config_repository.branch", told.get("branch"), plain.branch),
            manifests=self._manifests(told.get("manifests"), plain.manifests),
            fields=self._fields(),
        )

    def _mapping(self, name: str) -> JsonObject:
        value = self._variables.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self._wrong(name, f"{name} of {self._site} must be a mapping")
            return {}
        return value

    def _manifests(self, value: JsonValue, default: tuple[str, ...]) -> tuple[str, ...]:
        if value is None:
            return default
        if not isinstance(value, list) or not value:
            self._wrong("config_repository", f"config_repository.manifests of {self._site} must be a list of patterns")
            return default
        return tuple(self._text("config_repository.manifests", pattern) for pattern in value)

    def _fields(self) -> dict[str, str]:
        fields = self._mapping("manifest_fields")
        return {str(name): self._text("manifest_fields", where) for name, where in fields.items()}


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return port != 0 and not parts.query and not parts.fragment
