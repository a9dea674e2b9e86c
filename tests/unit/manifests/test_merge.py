"""Three-way merges: git's line merge, and the check that it says what both sides said."""

from __future__ import annotations

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
    assert result.conflicts == ("v.xml: b[1]/@x: was '1', one side says '2', the other '3'",)


def test_neighbouring_lines_are_left_to_a_person(formats: ManifestFormats) -> None:
    """Where only the lines stand against it, they are named by our numbers."""
    result = formats.merge("v.xml", _XML, _XML.replace(b"x='1'", b"x='2'"), _XML.replace(b"z='1'", b"z='3'"))

    assert result.content is None
    assert result.conflicts == ("v.xml:2: both sides changed lines 2 to 3",)


@pytest.mark.parametrize(
    ("path", "base", "ours", "theirs", "said"),
    [
        (
            "v.yaml",
            b"a: 1\n\n\n\nz: 1\n",
            b"a: 1\nq: 1\n\n\n\nz: 1\n",
            b"a: 1\n\n\n\nz: 1\nq: 1\n",
            "after a clean line merge, v.yaml:7: the key 'q' is there twice",
        ),
        (
            "v.json",
            b'{"a": 1,\n\n\n\n"z": 1\n}',
            b'{"a": 1,\n"q": 1,\n\n\n\n"z": 1\n}',
            b'{"a": 1,\n\n\n\n"q": 1,\n"z": 1\n}',
            "after a clean line merge, v.json:6: the key 'q' is there twice",
        ),
        (
            "v.xml",
            b"<a\n b='1'\n\n\n\n z='1'\n/>",
            b"<a\n q='1'\n b='1'\n\n\n\n z='1'\n/>",
            b"<a\n b='1'\n\n\n\n q='1'\n z='1'\n/>",
            "after a clean line merge, v.xml:",
        ),
        (
            "v.xml",
            b"<a>\n<b/>\n\n\n\n<z/>\n</a>",
            b"<a>\n<q/>\n<b/>\n\n\n\n<z/>\n</a>",
            b"<a>\n<b/>\n\n\n\n<q/>\n<z/>\n</a>",
            "v.xml: q[2]: the line merge made it '', which neither side did",
        ),
        (
            "v.xml",
            b"<a>\n<env name='b'/>\n\n\n\n<env name='z'/>\n</a>",
            b"<a>\n<env name='q'/>\n<env name='b'/>\n\n\n\n<env name='z'/>\n</a>",
            b"<a>\n<env name='b'/>\n\n\n\n<env name='q'/>\n<env name='z'/>\n</a>",
            "which neither side did",
        ),
        (
            "v.yaml",
            b"l:\n- {name: b}\n\n\n\n- {name: z}\n",
            b"l:\n- {name: q}\n- {name: b}\n\n\n\n- {name: z}\n",
            b"l:\n- {name: b}\n\n\n\n- {name: q}\n- {name: z}\n",
            "which neither side did",
        ),
    ],
    ids=["yaml key", "json key", "xml attribute", "xml element", "xml identity", "yaml identity"],
)
def test_what_git_doubles_in_silence_is_caught(
    formats: ManifestFormats, path: str, base: bytes, ours: bytes, theirs: bytes, said: str
) -> None:
    """Both sides added the same thing at different lines: git merges without a word, and the result is wrong."""
    assert formats.merge("v.txt", base, ours, theirs).content is not None

    result = formats.merge(path, base, ours, theirs)

    assert result.content is None
    assert any(said in conflict for conflict in result.conflicts)


def test_a_value_moved_by_the_line_merge_is_caught(formats: ManifestFormats) -> None:
    """One side indents a block away under another key; the other adds to it: neither said what results."""
    base = b"a:\n  x: 1\n\n\n\n\n  y: 1\nb:\n  z: 1\n"
    ours = b"a:\n  x: 1\nn:\n\n\n\n\n  y: 1\nb:\n  z: 1\n"
    theirs = b"a:\n  x: 1\n\n\n\n\n  k: 1\n  y: 1\nb:\n  z: 1\n"

    result = formats.merge("v.yaml", base, ours, theirs)

    assert result.content is None
    assert "v.yaml: a.k: the line merge lost that it became 'number:1'" in result.conflicts


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
    assert formats.merge(path, base, b"0\n" + base, b"9\n" + base).conflicts == (
        f"{path}:1: both sides changed line 1",
    )


def test_a_file_that_both_sides_added(formats: ManifestFormats) -> None:
    """There is no base: the same file is fine, two files are a conflict by value."""
    assert formats.merge("v.yaml", b"", b"a: 1\n", b"a: 1\n").content == b"a: 1\n"
    assert formats.merge("v.yaml", b"", b"a: 1\n", b"a: 2\n").conflicts == (
        "v.yaml: a: was not there, one side says 'number:1', the other 'number:2'",
    )


def test_bytes_stay_as_they_are(formats: ManifestFormats) -> None:
    """CRLF, BOM and a missing final newline survive."""
    base = b"\xef\xbb\xbfa: 1\r\n\r\n\r\n\r\nz: 1"

    result = formats.merge("v.yaml", base, base.replace(b"a: 1", b"a: 2"), base.replace(b"z: 1", b"z: 2"))

    assert result.content == b"\xef\xbb\xbfa: 2\r\n\r\n\r\n\r\nz: 2"


def test_what_git_holds_for_binary_is_left_to_a_person(formats: ManifestFormats) -> None:
    """UTF-16 has NUL bytes, and git does not merge such a file."""
    base, ours, theirs = (f"<?xml version='1.0'?><a>{text}</a>".encode("utf-16") for text in ("1", "2", "1 "))

    assert formats.merge("v.xml", base, ours, theirs).conflicts == ("v.xml: git cannot merge its lines: it is binary",)


def test_the_users_git_configuration_changes_nothing(formats: ManifestFormats, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another style of conflict markers would hide where the lines are."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "merge.conflictStyle")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "diff3")

    assert formats.merge("v.txt", b"1\n2\n", b"1\n3\n", b"1\n4\n").conflicts == ("v.txt:2: both sides changed line 2",)


def test_without_git_it_says_so(formats: ManifestFormats, monkeypatch: pytest.MonkeyPatch) -> None:
    """A controller without git is named as what it is."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(DeployerError, match="git merge-file could not be run on this machine"):
        formats.merge("v.txt", b"", b"1", b"")
