"""One value changed, by a field's name or a path: what the bytes are after, and what is refused."""

from __future__ import annotations

import re

import pytest

from deployer.errors import ManifestError, UsageError
from deployer.manifests import ManifestFormats


@pytest.mark.parametrize(
    ("where", "text", "was", "now"),
    [
        ("version", "2.4.1", b'version="2.4.0"', b'version="2.4.1"'),
        ("release/@version", "2.4.1", b'version="2.4.0"', b'version="2.4.1"'),
        ("/instance/release/@version", "2.4.1", b'version="2.4.0"', b'version="2.4.1"'),
        ("name", "o'x\"", b"name='viatris'", b"name='o&apos;x\"'"),
        ("service/env[@name='B']/@value", 'a"<&>\n', b"{{ lookup('pipe','id') }}", b"a&quot;&lt;&amp;>&#10;"),
        ("service/env[2]/@value", "2", b"{{ lookup('pipe','id') }}", b"2"),
        ("service/env[1]/@value", "{{ x }}", b'value="1"', b'value="{{ x }}"'),
        ("service/greeting", "<i>a</i> & b", b"<b>hello</b> & bye", b"<i>a</i> & b"),
        ("service/greeting", "a]]>b", b"<b>hello</b> & bye", b"a]]]]><![CDATA[>b"),
        ("service/motto", "1 < 2 ]]> 1", b"keep &amp; care", b"1 &lt; 2 ]]&gt; 1"),
        ("service/motto/text()", "x", b"keep &amp; care", b"x"),
        ("service/nothing", "a&b", b"<nothing/>", b"<nothing>a&amp;b</nothing>"),
    ],
)
def test_xml(formats: ManifestFormats, xml: bytes, where: str, text: str, was: bytes, now: bytes) -> None:
    """Only the bytes of the value are others, escaped as the place needs it."""
    assert formats.set_value("viatris.xml", xml, where, text, {}) == xml.replace(was, now, 1)


@pytest.mark.parametrize(
    ("where", "text", "was", "now"),
    [
        ("version", "1.20", b"version: 1.10", b"version: 1.20"),
        ("version", "2.4.1", b"version: 1.10", b"version: 2.4.1"),
        ("version", "a, b", b"version: 1.10", b"version: 'a, b'"),
        ("name", "true", b"name: viatris", b"name: 'true'"),
        ("name", "1.5", b"name: viatris", b"name: '1.5'"),
        ("name", "x # y", b"name: viatris", b"name: 'x # y'"),
        ("name", "it's", b"name: viatris", b"name: it's"),
        ("name", "a\nb: c", b"name: viatris", b'name: "a\\nb: c"'),
        ("name", "", b"name: viatris", b"name: ''"),
        ("name", "*x", b"name: viatris", b"name: '*x'"),
        ("cluster", "it's", b"'c01'", b"'it''s'"),
        ("service.port", "8081", b"8080", b"8081"),
        ("service.port", "none at all", b"8080", b"none at all"),
        ("health", '/h"\\', b'"/health"', b'"/h\\"\\\\"'),
        ("containers[0].image", "registry/web:2", b"registry/web:1", b"registry/web:2"),
        ("containers[name=db].image", "registry/db:2", b"'registry/db:1'", b"'registry/db:2'"),
        ("containers[name='db'].image", "\u2028", b"'registry/db:1'", b'"\\u2028"'),
        ("since", "2026-02-03", b"2026-01-02", b"2026-02-03"),
        ("enabled", "false", b"enabled: true", b"enabled: false"),
        ("nothing", "5", b"nothing:\n", b"nothing: 5\n"),
        ("text", "x\n\ny\n", b"  one\n  two\n", b"  x\n\n  y\n"),
        ("text", "x", b"|\n  one\n  two\n", b"|-\n  x\n"),
        ("text", " x\n", b"|\n  one\n  two\n", b'" x\\n"\n'),
        ("folded", "short # one", b"  a long\n  line\n", b"  short # one\n"),
        ("template", "{{ x }}", b"{{ lookup('pipe','id') }}", b"{{ x }}"),
    ],
)
def test_yaml(formats: ManifestFormats, yaml: bytes, where: str, text: str, was: bytes, now: bytes) -> None:
    """The style stays where it can hold the text, and a string stays a string."""
    assert formats.set_value("viatris.yaml", yaml, where, text, {}) == yaml.replace(was, now, 1)


@pytest.mark.parametrize(
    ("where", "text", "was", "now"),
    [
        ("version", '2"\n', b'"2.4.0"', b'"2\\"\\n"'),
        ("port", "8081", b"8080", b"8081"),
        ("port", "none", b"8080", b'"none"'),
        ("port", "007", b"8080", b'"007"'),
        ("service.on", "false", b"true", b"false"),
        ("service.none", "1", b"null", b"1"),
        ("name", "1", b'"viatris"', b'"1"'),
        ("name", "ä€😀", b'"viatris"', '"ä€😀"'.encode()),
        ("containers[name=db].image", "d:2", b'"d:1"', b'"d:2"'),
        ('["a.b"]', "x", b'"dotted"', b'"x"'),
    ],
)
def test_json(formats: ManifestFormats, json: bytes, where: str, text: str, was: bytes, now: bytes) -> None:
    """A string stays one; in place of a number stands one where the text is one."""
    assert formats.set_value("viatris.json", json, where, text, {}) == json.replace(was, now, 1)


def test_a_json_value_that_is_spelled_in_ascii_stays_so(formats: ManifestFormats) -> None:
    """A character by its number is for readers that need it; a value in UTF-8 beside it stays one."""
    data = '{"a": "M\\u00fcnchen", "b": "Köln"}'.encode()

    assert formats.set_value("v.json", data, "a", "Köln", {}) == data.replace(b"M\\u00fcnchen", b"K\\u00f6ln")
    assert formats.set_value("v.json", data, "b", "Zürich", {}) == data.replace("Köln".encode(), "Zürich".encode())


def test_the_sites_mapping_names_the_place(formats: ManifestFormats) -> None:
    """`version` is what the site's mapping says it is."""
    data = b"<a><app tag='6'/></a>"

    assert formats.set_value("v.xml", data, "version", "7", {"version": "app/@tag"}) == b"<a><app tag='7'/></a>"


@pytest.mark.parametrize(
    ("path", "where", "said", "hint"),
    [
        ("v.xml", "release/@versoin", "no release/@versoin", "release/@version"),
        ("v.xml", "service/@none", "no service/@none", "there are: "),
        ("v.xml", "service/env[3]/@value", r"no service/env\[3\]/@value", r"service/env\[2\]/@value"),
        ("v.xml", "service/env/@value", "is in 2 places", ""),
        ("v.xml", "service", "holds other elements, not a single value", ""),
        ("v.xml", "service/mixed", "is in several pieces", ""),
        ("v.xml", "count(service/env)", "is computed, it stands nowhere", ""),
        ("v.xml", "release/@", "not a path", "a path looks like"),
        ("v.xml", "", "not a path", ""),
        ("v.yaml", "release.versoin", "no release.versoin", "release.version"),
        ("v.yaml", "containers[2].image", r"no containers\[2\].image", r"containers\[1\].image"),
        ("v.yaml", "containers[name=x].image", "no containers", "there are: "),
        ("v.yaml", "containers", "holds a sequence, not a single value", ""),
        ("v.yaml", "a..b", "not a path", ""),
        ("v.yaml", "", "an empty path", ""),
        ("v.json", "release", "holds a mapping, not a single value", ""),
        ("v.json", "release.none", "no release.none", "there are: "),
    ],
)
def test_no_such_place(
    formats: ManifestFormats, path: str, where: str, said: str, hint: str, request: pytest.FixtureRequest
) -> None:
    """What cannot be meant is refused, and the nearest places are named."""
    data = request.getfixturevalue(path.rpartition(".")[2])

    with pytest.raises(UsageError, match=said) as caught:
        formats.set_value(path, data, where, "x", {})

    assert re.search(hint, caught.value.hint)


def test_several_items_of_one_name(formats: ManifestFormats) -> None:
    """A path that names two items is refused rather than one taken."""
    with pytest.raises(UsageError, match=r"in 2 places \(l\[0\].v, l\[1\].v\)"):
        formats.set_value("v.yaml", b"l: [{name: a, v: 1}, {name: a, v: 2}]", "l[name=a].v", "3", {})


@pytest.mark.parametrize("text", ["\0", "\x0b", "\ufffe"])
def test_what_xml_cannot_hold(formats: ManifestFormats, xml: bytes, text: str) -> None:
    """Some characters have no form in XML at all."""
    with pytest.raises(UsageError, match="cannot stand in XML"):
        formats.set_value("v.xml", xml, "version", text, {})


def test_white_space_around_an_elements_text(formats: ManifestFormats, xml: bytes) -> None:
    """It would be read as nothing, so that it is refused rather than lost."""
    with pytest.raises(UsageError, match="cannot keep white space"):
        formats.set_value("v.xml", xml, "service/motto", " x", {})


def test_a_lone_surrogate_is_refused(formats: ManifestFormats, yaml: bytes, json: bytes) -> None:
    """An argument that was not text (it comes as surrogates) does not land in a manifest."""
    for path, data in (("v.yaml", yaml), ("v.json", json)):
        with pytest.raises(UsageError, match=r"U\+DC80 is half a character"):
            formats.set_value(path, data, "name", "\udc80", {})


def test_a_value_that_an_alias_repeats_is_not_set(formats: ManifestFormats) -> None:
    """It would change other places too: one of them is named."""
    data = b"a: &x 1\nb: *x\nc: {<<: &m {d: 1}}\ne: *m\n"

    with pytest.raises(ManifestError, match=r"^v.yaml:1: a cannot be set to this text without changing b too"):
        formats.set_value("v.yaml", data, "a", "2", {})
    with pytest.raises(ManifestError, match=r"without changing e.d too"):
        formats.set_value("v.yaml", data, "c.d", "2", {})


def test_what_readers_of_yaml_read_otherwise_gets_quotes(formats: ManifestFormats) -> None:
    """In a flow collection PyYAML's own scanner ends a text at a question mark, libyaml does not."""
    assert formats.set_value("v.yaml", b"a: {b: x, c: 1}\n", "a.b", "<?", {}) == b"a: {b: '<?', c: 1}\n"


def test_an_anchor_and_a_tag_stay(formats: ManifestFormats) -> None:
    """They are not part of the value."""
    assert formats.set_value("v.yaml", b"a: &x 1\n", "a", "2", {}) == b"a: &x 2\n"
    assert formats.set_value("v.yaml", b"a: !!str 1\n", "a", "2", {}) == b"a: !!str 2\n"
    assert formats.set_value("v.yaml", b"a: !!str &x '1'\n", "a", "2", {}) == b"a: !!str &x '2'\n"


def test_latin_1_writes_other_characters_as_references(formats: ManifestFormats) -> None:
    """A character that the file's encoding does not have is written by its number."""
    data = "<?xml version='1.0' encoding='ISO-8859-1'?><a é='ü' b='1'><c>ö</c><d><![CDATA[ß]]></d></a>".encode(
        "latin-1"
    )

    assert formats.set_value("v.xml", data, "@b", "ä€", {}) == data.replace(b"'1'>", b"'\xe4&#8364;'>")
    assert formats.set_value("v.xml", data, "c", "€", {}) == data.replace(b"\xf6", b"&#8364;")
    assert formats.set_value("v.xml", data, "d", "€", {}) == data.replace(b"\xdf", b"]]>&#8364;<![CDATA[")


def test_a_new_line_in_text_ends_as_the_files_lines_do(formats: ManifestFormats) -> None:
    """A file with CRLF has no line with LF after."""
    assert formats.set_value("v.xml", b"<a>\r\n<b>x</b>\r\n</a>", "b", "1\n2", {}) == b"<a>\r\n<b>1\r\n2</b>\r\n</a>"
    assert (
        formats.set_value("v.yaml", b"a: |\r\n  x\r\nb: 1\r\n", "a", "1\n2\n", {}) == b"a: |\r\n  1\r\n  2\r\nb: 1\r\n"
    )


def test_a_file_that_cannot_be_read_is_not_changed(formats: ManifestFormats) -> None:
    """The problems of the file come first."""
    with pytest.raises(ManifestError, match=r"^v\.json:1: the key 'a' is there twice"):
        formats.set_value("v.json", b'{"a": 1, "a": 2}', "a", "3", {})
