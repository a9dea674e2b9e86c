"""Three-way merges as a user sees them: what lands, what is a conflict, and what is left to git."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import DeployerError
from deployer.manifests import ManifestFormats

_XML = b"<a>\n  <b x='1'\n     z='1'/>\n\n  <!-- . -->\n\n  <c y='1'/>\n</a>\n"


def test_changes_of_both_sides_land(formats: ManifestFormats) -> None:
    """Two values far enough apart are both in the result."""
    ours, theirs = _XML.replace(b"x='1'", b"x='2'"), _XML.replace(b"y='1'", b"y='2'")

    result = formats.merge("v.xml", _XML, ours, theirs)

    assert result.content == _XML.replace(b"x='1'", b"x='2'").replace(b"y='1'", b"y='2'")
    assert result.conflicts == ()


def test_the_same_change_of_both_sides_lands_once(formats: ManifestFormats) -> None:
    """Agreement is no conflict."""
    ours = _XML.replace(b"x='1'", b"x='2'")

    assert formats.merge("v.xml", _XML, ours, ours).content == ours


def test_one_value_changed_by_both_is_named_with_both_sides(formats: ManifestFormats) -> None:
    """A person sees the place and three values, not lines."""
    result = formats.merge("v.xml", _XML, _XML.replace(b"x='1'", b"x='2'"), _XML.replace(b"x='1'", b"x='3'"))

    assert result.content is None
    (conflict,) = result.conflicts
    assert str(conflict) == "b/@x: was '1', ours '2', theirs '3'"
    assert (conflict.kind, conflict.base, conflict.ours, conflict.theirs) == ("changed", "1", "2", "3")


def test_values_on_neighbouring_lines_land_both(formats: ManifestFormats) -> None:
    """Git stops there: two attributes of one element are two values."""
    ours, theirs = _XML.replace(b"x='1'", b"x='2'"), _XML.replace(b"z='1'", b"z='3'")

    assert formats.merge("v.txt", _XML, ours, theirs).content is None
    assert formats.merge("v.xml", _XML, ours, theirs).content == ours.replace(b"z='1'", b"z='3'")


@pytest.mark.parametrize(
    ("path", "base", "added", "before", "other"),
    [
        ("v.yaml", b"a: 1\n\n\n\nz: 1\n", b"q: %d\n", b"a", b"z"),
        ("v.json", b'{\n"a": 1,\n\n\n\n"z": 1\n}', b'"q": %d,\n', b'"a"', b'"z"'),
        ("v.xml", b"<a\n b='1'\n\n\n\n z='1'\n/>", b"q='%d'\n ", b"b", b"z"),
        ("v.xml", b"<a>\n<b/>\n\n\n\n<z/>\n</a>", b"<q>%d</q>\n", b"<b", b"<z"),
        (
            "v.xml",
            b"<a>\n<e name='b'/>\n\n\n\n<e name='z'/>\n</a>",
            b"<e name='q'>%d</e>\n",
            b"<e name='b'",
            b"<e name='z'",
        ),
        ("v.yaml", b"l:\n- {name: b}\n\n\n\n- {name: z}\n", b"- {name: q, v: %d}\n", b"- {name: b", b"- {name: z"),
    ],
    ids=["yaml key", "json key", "xml attribute", "xml element", "xml identity", "yaml identity"],
)
def test_what_git_doubles_in_silence(
    formats: ManifestFormats, path: str, base: bytes, added: bytes, before: bytes, other: bytes
) -> None:
    """Both sides added the same at different lines: it lands once, and with another value it is a conflict."""
    ours = base.replace(before, added % 1 + before)
    same, otherwise = (base.replace(other, added % number + other) for number in (1, 2))
    assert (formats.merge("v.txt", base, ours, same).content or b"").count(added % 1) == 2

    assert (formats.merge(path, base, ours, same).content or b"").count(added % 1) == 1
    result = formats.merge(path, base, ours, otherwise)
    assert result.content is None
    assert [(each.base, each.ours, each.theirs) for each in result.conflicts] == [(None, "1", "2")]


def test_a_value_moved_by_the_line_merge(formats: ManifestFormats) -> None:
    """One side moves a value under another key, the other adds beside it: lines would put the new one elsewhere."""
    base = b"a:\n  x: 1\n\n\n\n\n  y: 1\nb:\n  z: 1\n"
    ours = b"a:\n  x: 1\nn:\n\n\n\n\n  y: 1\nb:\n  z: 1\n"
    theirs = b"a:\n  x: 1\n\n\n\n\n  k: 1\n  y: 1\nb:\n  z: 1\n"

    assert formats.merge("v.txt", base, ours, theirs).content == ours.replace(b"  y", b"  k: 1\n  y")
    assert formats.merge("v.yaml", base, ours, theirs).content == ours.replace(b"x: 1\n", b"x: 1\n\n\n\n\n  k: 1\n")


def test_items_with_names_merge_whatever_their_positions(formats: ManifestFormats) -> None:
    """An item added above does not make the change of another look like a change of many."""
    base = b"l:\n- name: a\n  v: 1\n\n\n\n- name: b\n  v: 1\n"
    ours = base.replace(b"l:\n", b"l:\n- name: n\n  v: 0\n")
    theirs = base.replace(b"b\n  v: 1", b"b\n  v: 2")

    result = formats.merge("v.yaml", base, ours, theirs)

    assert result.content == ours.replace(b"b\n  v: 1", b"b\n  v: 2")


@pytest.mark.parametrize("path", ["README.md", "broken.yaml"])
def test_other_files_get_gits_own_result(formats: ManifestFormats, path: str) -> None:
    """No manifest, or one that could not be read before: nobody can say more than git does."""
    base = b"a: [\n\n\n\nz: 1\n"

    assert formats.merge(path, base, b"0\n" + base, base + b"9\n").content == b"0\n" + base + b"9\n"
    result = formats.merge(path, base, b"0\n" + base, b"9\n" + base)
    assert [str(each) for each in result.conflicts] == ["both sides changed line 1"]
    assert result.partial == b"<<<<<<< ours\n0\n=======\n9\n>>>>>>> theirs\n" + base


def test_a_file_that_both_sides_added(formats: ManifestFormats) -> None:
    """There is no base: the same file is fine, two files are a conflict by value."""
    assert formats.merge("v.yaml", b"", b"a: 1\n", b"a: 1\n").content == b"a: 1\n"
    result = formats.merge("v.yaml", b"", b"a: 1\n", b"a: 2\n")
    assert [str(each) for each in result.conflicts] == ["a: was not there, ours '1', theirs '2'"]
    assert result.partial == b"<<<<<<< ours\na: 1\n=======\na: 2\n>>>>>>> theirs\n"


def test_bytes_stay_as_they_are(formats: ManifestFormats) -> None:
    """CRLF, BOM and a missing final newline survive."""
    base = b"\xef\xbb\xbfa: 1\r\n\r\n\r\n\r\nz: 1"

    result = formats.merge("v.yaml", base, base.replace(b"a: 1", b"a: 2"), base.replace(b"z: 1", b"z: 2"))

    assert result.content == b"\xef\xbb\xbfa: 2\r\n\r\n\r\n\r\nz: 2"


def test_utf_16_is_merged(formats: ManifestFormats) -> None:
    """Git holds a file with NUL bytes for binary, and does not merge it."""
    texts = ("<a x='1' y='1'/>", "<a x='2' y='1'/>", "<a x='1' y='2'/>", "<a x='2' y='2'/>")
    base, ours, theirs, both = (f"<?xml version='1.0'?>{text}".encode("utf-16") for text in texts)

    assert formats.merge("v.xml", base, ours, theirs).content == both
    conflicts = formats.merge("v.txt", base, ours, theirs).conflicts
    assert [str(each) for each in conflicts] == ["git cannot merge its lines: it is binary"]


def test_the_users_git_configuration_changes_nothing(formats: ManifestFormats, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another style of conflict markers would hide where the lines are."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "merge.conflictStyle")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "diff3")

    conflicts = formats.merge("v.txt", b"1\n2\n", b"1\n3\n", b"1\n4\n").conflicts
    assert [str(each) for each in conflicts] == ["both sides changed line 2"]


def test_without_git_it_says_so(formats: ManifestFormats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A controller without git is named as what it is."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(DeployerError, match="git merge-file could not be run on this machine"):
        formats.merge("v.txt", b"", b"1", b"")
