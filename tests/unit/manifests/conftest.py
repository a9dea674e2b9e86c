"""Manifests to try things on: bytes in, values out, nothing is faked."""

from __future__ import annotations

import pytest

from deployer.manifests import ManifestFormats

_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- the store of one customer -->
<instance name='viatris' cluster="c01">
  <release application="store"
           version="2.4.0"/>   <!-- set by automation -->
  <service port="8080" health="/health">
    <env name="A" value="1"/>
    <env name="B" value="{{ lookup('pipe','id') }}"/>
    <greeting><![CDATA[ <b>hello</b> & bye ]]></greeting>
    <motto>
      keep &amp; care
    </motto>
    <nothing/>
    <mixed>one<!-- or -->two</mixed>
  </service>
</instance>
"""

_YAML = b"""# the store of one customer
name: viatris
cluster: 'c01'
release: {application: store, version: 1.10}  # flow
service:
  port: 8080
  health: "/health"
containers:
- name: web
  image: registry/web:1
- name: db   # keep
  image: 'registry/db:1'
since: 2026-01-02
enabled: true
nothing:
text: |
  one
  two

# behind the block
folded: >-
  a long
  line
template: "{{ lookup('pipe','id') }}"
"""

_JSON = b"""{
  "name": "viatris", "cluster": "c01",
  "release": {"application": "store", "version": "2.4.0"},
  "service": {"port": 8080, "health": "\\/health", "on": true, "none": null},
  "containers": [{"name": "web", "image": "w:1"}, {"name": "db", "image": "d:1"}],
  "a.b": "dotted", "template": "{{ lookup('pipe','id') }}"
}
"""


@pytest.fixture
def formats() -> ManifestFormats:
    """The real formats."""
    return ManifestFormats()


@pytest.fixture
def xml() -> bytes:
    """An XML manifest with comments, both quotes, CDATA and mixed content."""
    return _XML


@pytest.fixture
def yaml() -> bytes:
    """A YAML manifest with every style of scalar."""
    return _YAML


@pytest.fixture
def json() -> bytes:
    """A JSON manifest with every kind of value."""
    return _JSON
