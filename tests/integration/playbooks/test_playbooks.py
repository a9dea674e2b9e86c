"""The shipped playbooks under real `ansible-playbook`: two instances on this machine, hostile manifests among them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.integration.playbooks.conftest import ReleaseStore, Supervisor

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"
Document = dict[str, Any]


CALLBACK = """\
import json, os
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "results"

    def v2_runner_on_ok(self, result, failed=False):
        with open(os.environ["RESULTS"], "a") as file:
            file.write(json.dumps([result._host.name, {**result._result, "failed": failed}]) + "\\n")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.v2_runner_on_ok(result, failed=True)
"""


class _Dumper(yaml.SafeDumper):
    """Every container and every text that could be a template is tagged, as the driver does it."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  the signature is PyYAML's
        """No anchors."""
        return True


class _Unsafe:
    def __init__(self, value: object) -> None:
        self.value = value


def _unsafe(dumper: yaml.SafeDumper, unsafe: _Unsafe) -> yaml.Node:
    value = unsafe.value
    if isinstance(value, dict):
        return dumper.represent_mapping("!unsafe", {key: _Unsafe(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return dumper.represent_sequence("!unsafe", [_Unsafe(inner) for inner in value])
    if isinstance(value, str):
        # Ansible 2.19 reads a tagged "2.10" as a number.
        tag = "!unsafe" if "{" in value else "tag:yaml.org,2002:str"
        return dumper.represent_scalar(tag, value, style='"')
    return dumper.represent_data(value)


_Dumper.add_representer(_Unsafe, _unsafe)


@dataclass
class Site:
    """A site of two instances, and `ansible-playbook` to work on them."""

    tmp: Path
    store: ReleaseStore
    supervisor: Supervisor
    ports: dict[str, int]
    fence: int = 0
    output: str = ""
    """What the last play printed."""

    def instance(self, name: str, version: str, manifest: Document, **changes: object) -> Document:
        """The variable `instance` of a target."""
        return {
            "name": name,
            "environment": "prod",
            "site": "fra1",
            "cluster": "",
            "host": "fra1-prod-dep01",
            "version": version,
            "application": "shopfront",
            "port": str(self.ports[name]),
            "health": "/health",
            "revision": "0" * 40,
            "run": f"run-{self.fence}",
            "fence": self.fence,
            "fields": {},
            "manifest": manifest,
            **changes,
        }

    def _inventory(self, instances: list[Document]) -> Path:
        machine = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "release_store": self.store.address,
            "instances_home": str(self.tmp / "instances"),
            "service_manager": "supervisor",
            "supervisor_socket": str(self.supervisor.path),
        }
        hosts = {f"{one['name']}.fra1": {**machine, "instance": _Unsafe(one)} for one in instances}
        path = self.tmp / "inventory.yml"
        path.write_text(yaml.dump({"instances": {"hosts": hosts}}, Dumper=_Dumper))
        return path

    def play(self, operation: str, *instances: Document, arguments: tuple[str, ...] = ()) -> dict[str, Document]:
        """Run an operation's playbook; target -> the result of its one task."""
        self.fence += 1
        for one in instances:
            one["fence"] = self.fence
        path = str(self.tmp / "home")
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": path,
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_HOME": path,
            "ANSIBLE_LIBRARY": str(PLAYBOOKS / "library"),
            "ANSIBLE_MODULE_UTILS": str(PLAYBOOKS / "module_utils"),
            "ANSIBLE_ROLES_PATH": str(PLAYBOOKS / "roles"),
            "ANSIBLE_CALLBACK_PLUGINS": str(self.tmp / "home"),
            "RESULTS": str(self.tmp / f"results-{self.fence}.jsonl"),
        }
        argv = ["ansible-playbook", "-i", str(self._inventory(list(instances))), *arguments]
        playbook = str(PLAYBOOKS / operation / "playbook.yml")
        done = subprocess.run([*argv, playbook], env=environment, capture_output=True, check=False, text=True)
        self.output = done.stdout + done.stderr
        lines = Path(environment["RESULTS"]).read_text().splitlines()
        return dict(json.loads(line) for line in lines)

    def configuration(self, name: str) -> Document:
        """The configuration file of an instance."""
        value: Document = json.loads((self.tmp / "instances" / name / "configuration.json").read_text())
        return value


@pytest.fixture
def site(tmp_path: Path, store: ReleaseStore, supervisor: Supervisor, free_port: Callable[[], int]) -> Site:
    """A site whose instances are not there yet."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "results.py").write_text(CALLBACK)
    return Site(tmp_path, store, supervisor, {"viatris": free_port(), "acme": free_port()})


MANIFEST: Document = {
    "release": {"version": "1.0.0", "number": "2.10"},
    "features": {"search": {"enabled": "true"}},
    "nodes": [1, 2.5, None],
}


def test_redeploy_twice(site: Site) -> None:
    """Both instances are deployed in one task each; the second run changes nothing."""
    targets = [site.instance(name, "1.0.0", MANIFEST) for name in ("viatris", "acme")]
    first = site.play("instance-redeploy", *targets)
    assert {name: (one["changed"], one["running"]) for name, one in first.items()} == {
        "viatris.fra1": (True, "1.0.0"),
        "acme.fra1": (True, "1.0.0"),
    }
    assert site.output.count("TASK [") == 1
    assert site.configuration("viatris") == {
        "application": "shopfront",
        "cluster": "",
        "environment": "prod",
        "manifest": MANIFEST,
        "name": "viatris",
        "site": "fra1",
    }
    second = site.play("instance-redeploy", *targets)
    assert [one["changed"] for one in second.values()] == [False, False]
    assert site.supervisor.starts == {"instance-viatris": 1, "instance-acme": 1}


def test_a_failed_target_does_not_stop_the_other(site: Site) -> None:
    """One target is rolled back and has failed with a complete result; the other gets its version."""
    site.play("instance-redeploy", *(site.instance(name, "1.0.0", MANIFEST) for name in ("viatris", "acme")))
    results = site.play(
        "instance-redeploy", site.instance("viatris", "2.0.0", MANIFEST), site.instance("acme", "1.1.0", MANIFEST)
    )
    failed, good = results["viatris.fra1"], results["acme.fra1"]
    assert (failed["failed"], failed["rolled_back"], failed["running"]) == (True, True, "1.0.0")
    assert (failed["version_before"], failed["version_after"]) == ("1.0.0", "2.0.0")
    assert (good["changed"], good["running"]) == (True, "1.1.0")


def test_check_and_diff(site: Site) -> None:
    """`--check --diff` shows version and configuration, and makes nothing."""
    results = site.play(
        "instance-redeploy", site.instance("viatris", "1.0.0", MANIFEST), arguments=("--check", "--diff")
    )
    assert results["viatris.fra1"]["changed"] is True
    assert "+1.0.0" in site.output
    assert '+    "name": "viatris",' in site.output
    assert not (site.tmp / "instances").exists()


def test_configure_keeps_the_release(site: Site) -> None:
    """Configure rolls the manifest's values out and leaves the release, also when the manifest asks for another."""
    site.play("instance-redeploy", site.instance("viatris", "1.0.0", MANIFEST))
    changed = {**MANIFEST, "features": {"search": {"enabled": "false"}}}
    result = site.play("instance-configure", site.instance("viatris", "1.1.0", changed))["viatris.fra1"]
    assert (result["changed"], result["running"], result["version_after"]) == (True, "1.0.0", "1.0.0")
    assert site.configuration("viatris")["manifest"] == changed


def test_parameters_reach_the_module(site: Site) -> None:
    """The parameters of operation.yml are extra variables of the playbook: as many releases stay, as long it waits."""
    site.store.release("1.2.0")
    site.store.release("3.0.0", says="not yet")
    for version in ("1.0.0", "1.1.0"):
        site.play("instance-redeploy", site.instance("viatris", version, MANIFEST))
    keep, wait = (("-e", json.dumps(one)) for one in ({"keep_releases": 2}, {"health_timeout": 1}))

    site.play("instance-redeploy", site.instance("viatris", "1.2.0", MANIFEST), arguments=keep)
    slow = site.play("instance-redeploy", site.instance("viatris", "3.0.0", MANIFEST), arguments=wait)["viatris.fra1"]

    releases = site.tmp / "instances" / "viatris" / "releases"
    assert sorted(path.name for path in releases.iterdir()) == ["1.1.0", "1.2.0"]
    assert slow["msg"].startswith("version 3.0.0 did not become healthy within 1 s: ")


def test_nothing_of_a_manifest_is_evaluated(site: Site) -> None:
    """Templates as values, keys and names stay text, and a key like ansible_become is only a key."""
    touched = site.tmp / "touched"
    bomb = "{{ lookup('pipe', 'touch " + str(touched) + "') }}"
    block = "{% for x in [lookup('pipe', 'touch " + str(touched) + "')] %}{% endfor %}"
    manifest: Document = {
        "ansible_become": "true",
        "ansible_connection": "ssh",
        "value": bomb,
        "block": block,
        bomb: {"nested": [bomb, {"deep": block}]},
        "quotes": 'a"b\\c\n\u00e9\u2028{# no comment #}',
        "unsafe": "!unsafe {{ 1 + 1 }}",
    }
    site.store.release("1.2.0")
    hostile = site.instance("viatris", "1.2.0", manifest, cluster=bomb, revision=bomb, run=bomb, fields={"x": bomb})
    result = site.play("instance-redeploy", hostile)["viatris.fra1"]
    assert (result.get("msg"), result["running"]) == (None, "1.2.0")
    assert site.configuration("viatris")["manifest"] == manifest
    assert site.configuration("viatris")["cluster"] == bomb
    receipt = json.loads((site.tmp / "instances" / "viatris" / "receipt.json").read_text())
    assert receipt["run"] == bomb
    for keys in (("version", "port"), ("application", "health")):
        names = ("viatris", "acme")
        targets = ({**hostile, "name": name, key: bomb} for name, key in zip(names, keys, strict=True))
        for refused in site.play("instance-redeploy", *targets).values():
            assert refused["failed"] is True
            assert "cannot be" in refused["msg"]
    assert not touched.exists()
    assert site.supervisor.starts == {"instance-viatris": 1}


def test_secrets_of_a_configuration_are_not_in_the_result(site: Site) -> None:
    """Without `--diff` the text of the configuration is nowhere in what Ansible tells."""
    manifest = {**MANIFEST, "token": "hunter2-hunter2"}
    result = site.play("instance-redeploy", site.instance("viatris", "1.0.0", manifest), arguments=("-vvv",))
    assert "hunter2" not in json.dumps(result)
    assert "hunter2" not in site.output


def test_missing_release_store(site: Site) -> None:
    """A site without a release store says so in one line."""
    result = site.play(
        "instance-redeploy", site.instance("viatris", "1.0.0", MANIFEST), arguments=("-e", "release_store=")
    )["viatris.fra1"]
    assert result["msg"] == "the site has no release_store: set it in its group_vars"


def test_the_restart_of_the_documentation_works(site: Site) -> None:
    """The example in doc/operations.md is a playbook that restarts, as it stands there."""
    text = (PLAYBOOKS.parent / "doc" / "operations.md").read_text()
    folder = site.tmp / "instance-restart"
    folder.mkdir()
    (folder / "playbook.yml").write_text(text.split("```yaml\n")[2].split("```")[0])
    site.play("instance-redeploy", site.instance("viatris", "1.0.0", MANIFEST))
    result = site.play(str(folder), site.instance("viatris", "1.1.0", {}))["viatris.fra1"]
    assert (result["changed"], result["running"], result["switched"]) == (True, "1.0.0", False)
    assert site.supervisor.starts == {"instance-viatris": 2}
