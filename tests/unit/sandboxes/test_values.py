"""What a sandbox is made of, as values: names, manifests, history, releases, ports. No process is started."""

from __future__ import annotations

import hashlib
import io
import socket
import sys
import tarfile
from pathlib import Path

import pytest
import yaml
from lxml import etree

from deployer.errors import DeployerError
from deployer.model.site import DEFAULT_FIELDS
from deployer.sandboxes import free_ports, inventory_files
from deployer.sandboxes.content import customers, releases
from deployer.sandboxes.content.history import VERSION, steps, stream
from deployer.sandboxes.content.manifest_text import Instance, render

VIATRIS = Instance(name="viatris", site="fra1", cluster="c01", host="fra1-sandbox-dep01", port=21007, version="1.4.2")
FIELDS = {
    "name": "viatris",
    "cluster": "c01",
    "version": "1.4.2",
    "application": "shopfront",
    "host": "fra1-sandbox-dep01",
    "port": "21007",
    "health": "/health",
}


def test_names_begin_with_viatris_and_are_unique() -> None:
    """500 plausible names, then numbers; a longer list begins with the shorter one."""
    many = customers.names(510)
    assert many[:3] == ("viatris", "acme-logistics", "northwind")
    assert len(set(many)) == 510
    assert many[499].partition("-")[0] != "tenant"
    assert many[500] == "tenant-0501"
    assert customers.names(3) == many[:3]


def test_an_xml_manifest_has_the_default_fields() -> None:
    """Each field stands where DEFAULT_FIELDS says."""
    root = etree.fromstring(render(VIATRIS, "xml"))
    assert {field: str(root.xpath(f"string({path})")) for field, path in DEFAULT_FIELDS["xml"].items()} == FIELDS


def test_a_yaml_manifest_has_the_default_fields() -> None:
    """Each field stands where DEFAULT_FIELDS says."""
    value = yaml.safe_load(render(VIATRIS, "yaml"))
    assert {field: str(_at(value, path)) for field, path in DEFAULT_FIELDS["yaml"].items()} == FIELDS


@pytest.mark.parametrize("form", ["xml", "yaml"])
def test_a_manifest_looks_like_a_real_one(form: str) -> None:
    """It is long, commented, and nothing of the template is left."""
    text = render(VIATRIS, form).decode()
    assert len(text.splitlines()) >= 150
    assert ("<!--" if form == "xml" else "# ") in text
    assert (form == "yaml") or "<![CDATA[" in text
    assert "$" not in text
    assert text.endswith("\n")


def test_every_instance_of_a_large_sandbox_has_a_manifest_that_parses() -> None:
    """No made-up name breaks the document."""
    for name in customers.names(60):
        other = Instance(name=name, site="fra1", cluster="c01", host="h", port=1, version="1.4.2")
        assert etree.fromstring(render(other, "xml")).get("name") == name
        assert yaml.safe_load(render(other, "yaml"))["name"] == name


def test_the_history_ends_with_the_manifests_as_they_are() -> None:
    """Five commits of three people; the last one is version 1.4.2 everywhere."""
    history = list(steps([VIATRIS], "xml", "clusterconfig-fra1"))
    assert len(history) == 5
    assert len({step.author for step in history}) == 3
    assert [step.seconds for step in history] == sorted(step.seconds for step in history)
    assert history[-1].files == {"viatris.xml": render(VIATRIS, "xml")}
    assert VIATRIS.version == VERSION
    assert all(step.files["viatris.xml"] != render(VIATRIS, "xml") for step in history[:-1])
    assert stream(iter(history)).count(b"\ncommitter ") == 5


def test_an_archive_is_the_same_every_time() -> None:
    """Checksums do not depend on when or where the archive was made."""
    assert releases.archive("1.4.2", 7) == releases.archive("1.4.2", 7)
    assert releases.archive("1.4.2", 7) != releases.archive("1.5.0", 7)


def test_an_archive_has_an_executable_service() -> None:
    """bin/serve can be executed, and its version stands beside it."""
    with tarfile.open(fileobj=io.BytesIO(releases.archive("1.5.0", 7))) as tar:
        serve, release = tar.getmember("bin/serve"), tar.extractfile("release.json")
        assert serve.mode == 0o755
        assert {entry.mtime for entry in tar} == {serve.mtime}
        assert release is not None
        assert b'"version": "1.5.0"' in release.read()


def test_the_store_has_checksums(tmp_path: Path) -> None:
    """Every version has its archive and a SHA256SUMS in the format of sha256sum."""
    releases.build(tmp_path)
    assert sorted(path.name for path in (tmp_path / "shopfront").iterdir()) == ["1.4.1", "1.4.2", "1.5.0", "1.5.1"]
    for folder in (tmp_path / "shopfront").iterdir():
        digest, _, name = (folder / "SHA256SUMS").read_text().rstrip("\n").partition("  ")
        assert name == f"shopfront-{folder.name}.tar.gz"
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_a_port_in_use_or_taken_is_not_chosen(tmp_path: Path) -> None:
    """A port that somebody listens on is passed over, and so is one of another sandbox."""
    first, second, third = free_ports.choose(3, tmp_path, taken=())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", first))
        listener.listen()
        assert free_ports.choose(1, tmp_path, taken={second}) == (third,)


def test_too_many_ports_are_an_error(tmp_path: Path) -> None:
    """There is a sentence, not a shorter list."""
    with pytest.raises(DeployerError, match="3 free ports are needed and 0 were found"):
        free_ports.choose(3, tmp_path, taken=range(65536))


@pytest.mark.parametrize(
    ("executable", "wanted"),
    [("/opt/python/bin/python3", "/opt/python/bin/python3"), ("{tmp}/a b/python", "{tmp}/real/python")],
)
def test_the_interpreter_needs_no_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executable: str, wanted: str
) -> None:
    """Where the path has a space, that of the Python behind it is taken."""
    for folder in ("a b", "real"):
        (tmp_path / folder).mkdir()
    (tmp_path / "real/python").touch()
    (tmp_path / "a b/python").symlink_to(tmp_path / "real/python")
    monkeypatch.setattr(sys, "executable", executable.format(tmp=tmp_path))
    assert inventory_files.interpreter() == wanted.format(tmp=tmp_path)


def _at(value: object, path: str) -> object:
    for key in path.split("."):
        assert isinstance(value, dict)
        value = value[key]
    return value
