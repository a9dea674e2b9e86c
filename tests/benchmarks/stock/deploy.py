"""The same for pyinfra. A host is an instance; its data are in the inventory that the benchmark writes."""

from __future__ import annotations

from pathlib import Path

from pyinfra.context import host
from pyinfra.operations import files, server, systemd

HERE = Path(__file__).parent
data = host.data
home = f"/srv/pyinfra/{data.instance}"
release = f"{home}/releases/{data.version}"
store = f"/srv/releases/{data.application}/{data.version}"
unit = f"pyinfra-{data.instance}.service"

files.directory(name="Make its folders", path=release, mode="755", _sudo=True)
server.shell(
    name="Compare the checksum and unpack",
    commands=[
        f"cd {store} && sha256sum -c --quiet SHA256SUMS",
        f"[ -e {release}/bin/serve ] || tar -xzf {store}/{data.application}-{data.version}.tar.gz -C {release}",
    ],
    _sudo=True,
)
files.put(
    name="Render the configuration", src=data.configuration, dest=f"{home}/configuration.json", mode="600", _sudo=True
)
files.template(
    name="Write the unit",
    src=str(HERE / "templates" / "unit.j2"),
    dest=f"/etc/systemd/system/{unit}",
    mode="644",
    home=home,
    port=data.port,
    _sudo=True,
)
files.link(name="Switch", path=f"{home}/current", target=f"releases/{data.version}", _sudo=True)
systemd.service(
    name="Restart", service=unit, running=True, restarted=True, enabled=True, daemon_reload=True, _sudo=True
)
# The hosts have no curl.
asked = f"http://127.0.0.1:{data.port}/health"
looked = f"import json, urllib.request as u; exit(json.load(u.urlopen('{asked}'))['version'] != '{data.version}')"
server.shell(
    name="Wait until it answers with its version, remove old releases, write the receipt",
    commands=[
        f'for i in $(seq 600); do python3 -Ic "{looked}" 2>/dev/null && exit 0; sleep 0.1; done; exit 1',
        f"ls -1td {home}/releases/* | tail -n +4 | xargs -r rm -rf",
        f'echo \'{{"version": "{data.version}"}}\' > {home}/receipt.json',
    ],
    _sudo=True,
)
