"""Bytes -> Manifest: what is read, and what is refused with file and line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

import pytest

from deployer.errors import ManifestError, UsageError
from deployer.manifests import ManifestFormats, duplicates
from deployer.model.manifest import Manifest, Problem

TEMPLATE = "{{ lookup('pipe','id') }}"


def _said(formats: ManifestFormats, path: str, data: bytes) -> str:
    with pytest.raises(ManifestError) as caught:
        formats.parse(path, data, {})
    assert all(problem.startswith(f"{path}:") for problem in caught.value.problems)
    return "\n".join(caught.value.problems)


def test_xml_becomes_plain_data(formats: ManifestFormats, xml: bytes) -> None:
    """Attributes, repeated elements, text and emptiness have the form that the model describes."""
    manifest = formats.parse("viatris.xml", xml, {})

    assert manifest.format == "xml"
    assert manifest.instance == "viatris"
    assert manifest.value == {
        "@name": "viatris",
        "@cluster": "c01",
        "release": {"@application": "store", "@version": "2.4.0"},
        "service": {
            "@port": "8080",
            "@health": "/health",
            "env": [{"@name": "A", "@value": "1"}, {"@name": "B", "@value": TEMPLATE}],
            "greeting": "<b>hello</b> & bye",
            "motto": "keep & care",
            "nothing": None,
            "mixed": "onetwo",
        },
    }


def test_yaml_becomes_plain_data(formats: ManifestFormats, yaml: bytes) -> None:
    """A date is text, the version is read as it is written, and the rest has its own type."""
    manifest = formats.parse("viatris.yaml", yaml, {})

    assert manifest.format == "yaml"
    assert manifest.fields["version"] == "1.10"
    assert manifest.fields["port"] == "8080"
    assert manifest.value["since"] == "2026-01-02"
    assert manifest.value["service"] == {"port": 8080, "health": "/health"}
    assert manifest.value["nothing"] is None
    assert manifest.value["text"] == "one\ntwo\n"
    assert manifest.value["template"] == TEMPLATE


def test_json_becomes_plain_data(formats: ManifestFormats, json: bytes) -> None:
    """JSON is read as the standard library reads it, with YAML's default fields."""
    manifest = formats.parse("viatris.json", json, {})

    assert manifest.format == "json"
    assert manifest.fields == {
        "name": "viatris",
        "cluster": "c01",
        "version": "2.4.0",
        "application": "store",
        "port": "8080",
        "health": "/health",
    }
    assert manifest.value["template"] == TEMPLATE


@pytest.mark.parametrize("suffix", ["xml", "yaml", "json"])
def test_value_is_json_data(formats: ManifestFormats, suffix: str, request: pytest.FixtureRequest) -> None:
    """What a manifest says can be written as JSON and is the same after."""
    value = formats.parse(f"v.{suffix}", request.getfixturevalue(suffix), {}).value

    assert json.loads(json.dumps(value, allow_nan=False)) == value


@pytest.mark.parametrize(
    ("path", "data", "mapping", "version"),
    [
        ("v.xml", b"<a><app tag='7'/></a>", {"version": "app/@tag"}, "7"),
        ("v.xml", b"<a><v>7</v></a>", {"version": "v"}, "7"),
        ("v.xml", b"<a><v n='1'/><v n='2' t='7'/></a>", {"version": "//v[@n='2']/@t"}, "7"),
        ("v.xml", b"<a major='1' minor='2'/>", {"version": "concat(@major, '.', @minor)"}, "1.2"),
        ("v.xml", b"<a build='7'/>", {"version": "number(@build)"}, "7"),
        ("v.xml", b"<a build='20261126'/>", {"version": "number(@build)"}, "20261126"),
        ("v.xml", b"<a build='1.25'/>", {"version": "number(@build)"}, "1.25"),
        ("v.xml", b"<a xmlns='urn:x'><release version='7'/></a>", {}, "7"),
        ("v.xml", b"<a xmlns:r='urn:x'><r:release r:version='7'/></a>", {"version": "r:release/@r:version"}, "7"),
        ("v.yaml", b"app: {tag: 007}", {"version": "app.tag"}, "007"),
        ("v.yaml", b"release: {version: '7'}", {"version": "release/@version"}, "7"),
        ("v.yml", b"a/b: {tag: 7}", {"version": "['a/b'].tag"}, "7"),
        ("v.json", b'{"apps": [{"name": "x", "tag": 1.50}]}', {"version": "apps[name=x].tag"}, "1.50"),
    ],
)
def test_the_sites_mapping_says_where_the_version_is(
    formats: ManifestFormats, path: str, data: bytes, mapping: Mapping[str, str], version: str
) -> None:
    """The mapping of a site goes over the defaults, for the formats that its paths are of."""
    assert formats.parse(path, data, mapping).fields["version"] == version


def test_a_mapping_that_is_no_path_is_named(formats: ManifestFormats, xml: bytes) -> None:
    """A wrong path in the inventory is not blamed on the manifest."""
    with pytest.raises(UsageError, match="the field version: @@: not a path"):
        formats.parse("v.xml", xml, {"version": "@@"})


def test_missing_version_is_named_with_the_line_around_it(formats: ManifestFormats, xml: bytes) -> None:
    """The person is sent to the element where the attribute should be, or to the nearest around it."""
    assert _said(formats, "viatris.xml", xml.replace(b"version=", b"was=").replace(b"<?xml was", b"<?xml version")) == (
        "viatris.xml:4: no release/@version"
    )
    assert _said(formats, "v.xml", b"<!--\n-->\n<a/>") == "v.xml:3: no release/@version"
    assert _said(formats, "v.yaml", b"a: 1\nrelease:\n  x: 1\n") == "v.yaml:3: no release.version"
    assert _said(formats, "v.json", b'\n{"release": \n{"version": ""}}') == "v.json:3: release.version is empty"
    assert _said(formats, "v.json", b'{"release":\n{"version": null}}') == "v.json:2: release.version is empty"
    assert _said(formats, "v.yaml", b"release:\n  version: ~\n") == "v.yaml:2: release.version is empty"


def test_a_computed_version_of_what_is_no_number_is_missing(formats: ManifestFormats) -> None:
    """`nan` is no version that anybody wants on a host."""
    for data in (b"<a/>", b"<a build='x'/>"):
        with pytest.raises(ManifestError, match=r"^v\.xml:1: number\(@build\) is empty$"):
            formats.parse("v.xml", data, {"version": "number(@build)"})


@pytest.mark.parametrize(
    ("path", "data", "said"),
    [
        ("v.xml", b"", "v.xml: the file is empty"),
        ("v.yaml", b" \n\t\n", "v.yaml: the file is empty"),
        ("v.json", b"\xef\xbb\xbf\n", "v.json: the file is empty"),
        ("v.yaml", b"# nothing\n", "v.yaml: the file holds no document"),
        ("v.xml", b"<a>\n\0</a>", "v.xml:2: a NUL byte"),
        ("v.yaml", b"a: 1\nb: \0", "v.yaml:2: a NUL byte"),
        ("v.json", b'{"a":\n"\0"}', "v.json:2: a NUL byte"),
        ("v.xml", b"<a>\n\xe4</a>", "v.xml:2: not utf-8: byte 0xe4 (invalid continuation byte)"),
        ("v.yaml", b"a: \xff", "v.yaml:1: not utf-8: byte 0xff (invalid start byte)"),
        ("v.json", b'{"a": "\xc3"}', "v.json:1: not utf-8: byte 0xc3 (invalid continuation byte)"),
        (
            "v.xml",
            b"<?xml version='1.0' encoding='x-none'?><a/>",
            "declares the encoding x-none, which is not supported",
        ),
        ("v.xml", b"<?xml version='1.0' encoding='utf-7'?><a/>", "declares the encoding utf-7, which is not supported"),
        ("v.xml", b"<?xml version='1.0' encoding='UTF-16'?><a/>", "v.xml:1: declares utf-16, but is not written in it"),
        (
            "v.xml",
            b"\xef\xbb\xbf<?xml version='1.0' encoding='latin1'?><a/>",
            "declares iso8859-1, but is written in utf-8",
        ),
        ("v.xml", b"<a>\n<b x='1' x='2'/></a>", "v.xml:2: Attribute x redefined"),
        ("v.xml", b"<a>\n<b></a>", "v.xml:2: Opening and ending tag mismatch"),
        ("v.xml", b"<a>\n<n:b/></a>", "v.xml:2: Namespace prefix n on b is not defined"),
        ("v.yaml", b"a: 1\nb: 2\na: 3", "v.yaml:3: the key 'a' is there twice"),
        ("v.yaml", b"a: 1\n---\nb: 2", "v.yaml:2: a second document"),
        ("v.yaml", b"a: !!python/object/apply:os.system [id]", "v.yaml:1: the tag tag:yaml.org,2002:python/"),
        ("v.yaml", b"a: !vault x", "v.yaml:1: the tag !vault is not plain data"),
        ("v.yaml", b"a: 1\n? [x]\n: 1", "v.yaml:2: a key that is no single value"),
        ("v.yaml", b"a: &x\n  b: *x", "it contains itself through an alias"),
        ("v.yaml", b"a: *none", "v.yaml:1: found undefined alias"),
        ("v.yaml", b"a: b: c", "v.yaml:1: mapping values are not allowed"),
        ("v.yaml", b"a: \x07", "v.yaml:1: the character U+0007 is not allowed"),
        ("v.yaml", b"a: !!int x", "'x' is not the number that it should be"),
        ("v.yaml", b"a: " + b"9" * 5000, "v.yaml:1: a number of more than 1000 digits"),
        ("v.yaml", b"- 1", "v.yaml:1: the document is not a mapping"),
        ("v.json", b"[1]", "v.json:1: the document is not a mapping"),
        ("v.json", b'{"a": 1,\n "a": 2}', "v.json:2: the key 'a' is there twice"),
        ("v.json", b'{"a":\n NaN}', "v.json:2: NaN is not a value of JSON"),
        ("v.json", b'{"a":\n -Infinity}', "v.json:2: -Infinity is not a value of JSON"),
        ("v.json", b'{"a": 1e999}', "v.json:1: 1e999 is too large a number"),
        ("v.json", b'{"a": ' + b"9" * 5000 + b"}", "v.json:1: a number of more than 1000 digits"),
        ("v.json", b'{"a": "\\ud800"}', "v.json:1: half of a surrogate pair in a string"),
        ("v.json", b'{"a":\n {"\\udc00": 1}}', "v.json:2: half of a surrogate pair in a key"),
        ("v.json", b'{"a": 1,\n}', "v.json:"),
        ("v.json", b'{"a": 1}\n{"b": 1}', "v.json:2: Extra data"),
        ("v.toml", b"a = 1", "v.toml: not a manifest"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(formats: ManifestFormats, path: str, data: bytes, said: str) -> None:
    """Each way in which a file can be wrong has one sentence."""
    assert said in _said(formats, path, data)


def test_every_problem_is_listed(formats: ManifestFormats) -> None:
    """A person mends the file once, not once for each run."""
    data = b"a: 1\na: 2\nb: {c: 1, c: 2}\n"

    assert _said(formats, "v.yaml", data).splitlines() == [
        "v.yaml:2: the key 'a' is there twice",
        "v.yaml:3: the key 'c' is there twice",
    ]
    assert len(_said(formats, "v.xml", b"<a>\n<x:b/>\n<y:c/>\n</a>").splitlines()) == 2
    assert len(_said(formats, "v.json", b'{"a": 1, "a": 2, "b": {"c": 1,\n"c": 2}}').splitlines()) == 2
    assert "and 30 more problems" in _said(formats, "v.yaml", b"a: 1\n" * 51)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("v.xml", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'),
        ("v.xml", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
        ("v.xml", b'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><a/>'),
        ("v.xml", b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a b="&x;"/>'),
        ("v.xml", b"<a>&x;</a>"),
        (
            "v.xml",
            b'<!DOCTYPE a [<!ENTITY a0 "ha">'
            + b"".join(b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 12))
            + b"]><a>&a11;</a>",
        ),
        (
            "v.yaml",
            b"a0: &a0 [ha]\n"
            + b"".join(
                b"a%d: &a%d [%s]\n" % (level, level, b", ".join([b"*a%d" % (level - 1)] * 10)) for level in range(1, 12)
            ),
        ),
        ("v.yaml", b"a: &a '" + b"x" * 1_000_000 + b"'\nb: [" + b"*a, " * 1000 + b"]"),
        ("v.yaml", b"a0: &a0 [1]\n" + b"".join(b"a%d: &a%d [*a%d]\n" % (n, n, n - 1) for n in range(1, 200))),
        ("v.xml", b"<a>" * 100_000 + b"</a>" * 100_000),
        ("v.yaml", b"[" * 100_000 + b"]" * 100_000),
        ("v.yaml", b"".join(b" " * level + b"a:\n" for level in range(500))),
        ("v.json", b"[" * 100_000 + b"]" * 100_000),
        ("v.json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    ],
    ids=lambda value: value[:40].decode() if isinstance(value, bytes) else value,
)
def test_hostile_files_are_refused(formats: ManifestFormats, path: str, data: bytes) -> None:
    """Bombs, entities of other files, and depth that would end the process."""
    _said(formats, path, data)


@pytest.mark.parametrize("path", ["v.xml", "v.yaml", "v.json"])
def test_eleven_megabytes_are_refused_unread(formats: ManifestFormats, path: str) -> None:
    """The size is judged before anything else, whatever the content."""
    assert "more than the 10485760 that a manifest may have" in _said(formats, path, b"x" * 11_000_000)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("v.xml", b"<a>" + b"<b/>" * 300_000 + b"</a>"),
        ("v.yaml", b"a: [" + b"1," * 500_000 + b"1]"),
        ("v.json", b'{"a": [' + b"1," * 500_000 + b"1]}"),
    ],
    ids=["xml", "yaml", "json"],
)
def test_millions_of_values_are_refused(formats: ManifestFormats, path: str, data: bytes) -> None:
    """A file within the size can still hold more than memory does."""
    assert "more than 200000" in _said(formats, path, data)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("<?xml version='1.0' encoding='ISO-8859-1'?><a name='ä'><release version='1'/></a>".encode("latin-1"), "ä"),
        ("<?xml version='1.0' encoding='UTF-16'?><a name='ä€'><release version='1'/></a>".encode("utf-16"), "ä€"),
        ("<?xml version='1.0' encoding='UTF-16'?><a name='ä€'><release version='1'/></a>".encode("utf-16-be"), "ä€"),
        ("<?xml version='1.0' encoding='windows-1252'?><a name='€'><release version='1'/></a>".encode("cp1252"), "€"),
        ("\ufeff<a name='😀'><release version='1'/></a>".encode(), "😀"),
    ],
)
def test_declared_encodings_are_read(formats: ManifestFormats, data: bytes, name: str) -> None:
    """XML may be in another encoding when it says so."""
    assert formats.parse("v.xml", data, {}).fields["name"] == name


def test_yaml_aliases_and_merges_are_plain_data(formats: ManifestFormats) -> None:
    """Aliases within the bound, and `<<`, are resolved; an own key is stronger than a merged one."""
    data = b"base: &b {x: 1, y: 2}\nrelease: {<<: *b, y: 3, version: v1}\nmore: {<<: [*b, {z: 4}]}\nagain: *b\n"

    value = formats.parse("v.yaml", data, {}).value

    assert value["release"] == {"x": 1, "y": 3, "version": "v1"}
    assert value["more"] == {"x": 1, "y": 2, "z": 4}
    assert value["again"] == {"x": 1, "y": 2}


def test_of_several_mappings_that_yaml_merges_the_first_is_the_strongest(formats: ManifestFormats) -> None:
    """As readers of YAML 1.1 have it: what a later one says too is not taken."""
    data = b"a: &a {version: 1, x: 1}\nb: &b {version: 2, y: 2}\nrelease: {<<: [*a, *b]}\n"

    assert formats.parse("v.yaml", data, {}).value["release"] == {"version": 1, "x": 1, "y": 2}


def test_yaml_infinity_stays_text(formats: ManifestFormats) -> None:
    """JSON has no infinity, so that the text of it is kept."""
    assert formats.parse("v.yaml", b"release: {version: 1}\nx: .inf\ny: .nan", {}).value["x"] == ".inf"


def test_the_files_name_is_the_instances_when_it_names_none(formats: ManifestFormats) -> None:
    """A manifest without a name is known by its file."""
    assert formats.parse("sub/acme.yaml", b"release: {version: 1}", {}).instance == "acme"


def test_two_manifests_of_one_instance_are_named() -> None:
    """The later path is the problem, and says which came first; another cluster is another instance."""

    def manifest(path: str, **fields: str) -> Manifest:
        return Manifest(path=path, format="xml", value={}, fields=fields)

    found = duplicates(
        [
            manifest("viatris.yaml"),
            manifest("b.xml", name="viatris"),
            manifest("acme.xml", cluster="c01"),
            manifest("c02/acme.xml", cluster="c02"),
        ]
    )

    assert found == (Problem("viatris.yaml", 0, "describes the instance viatris, as b.xml does"),)


BOMBS = """
import sys
from deployer.errors import ManifestError
from deployer.manifests.facade import ManifestFormats
size = 4_000_000
bombs = {
    "v.json": [b'{"version":"' + b"\\\\u0041" * (size // 6) + b'"}', b'{"version":"' + b'\\\\"' * (size // 2),
        b'{"version":' + b"1" * size + b"}", b'{"version":' + b"[" * size],
    "v.yaml": [b"version: 1" + b":01" * (size // 3), b"version: 1" + b":01" * (size // 3) + b".5",
        b"version: 0x" + b"1" * size, b"version: " + b"1" * size, b"version: " + b"[" * size,
        b"version: !" + b"a" * size, b"? " + b"k" * (size // 3) + b"\\n: 1\\n? " + b"k" * (size // 3) + b"\\n: 2\\n"],
    "v.xml": [b"<a>" * (size // 3), b"<" + b"a" * size + b"/>"],
}
for path, texts in bombs.items():
    for text in texts:
        try:
            ManifestFormats().parse(path, text, {})
        except ManifestError as error:
            print(len(str(error)))
"""


def test_bombs_are_refused_in_bounded_memory_and_time() -> None:
    """Megabytes that parsers bear ill: long numbers, escapes, an open quote, names; what is said of them is short."""
    argv = ["prlimit", f"--data={300 << 20}", "--cpu=20", "--", sys.executable, "-c", BOMBS]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    lengths = [int(line) for line in ended.stdout.split()]
    assert len(lengths) == 13
    assert max(lengths) < 2100
