"""The place that a conflict names: as a person would type it, whatever characters a name has."""

from __future__ import annotations

import pytest

from deployer.manifests import ManifestFormats


@pytest.mark.parametrize(
    ("path", "manifest", "place"),
    [
        ("v.xml", "<m><e name='a' v='{0}'/><e name='b' v='1'/></m>", "e[@name='a']/@v"),
        ("v.xml", "<m><e name=\"o'x\" v='{0}'/><e name='b' v='1'/></m>", 'e[@name="o\'x"]/@v'),
        ("v.yaml", "l:\n- {{name: a, v: {0}}}\n- {{name: b, v: 1}}\n", 'l[name="a"].v'),
        ("v.yaml", "l:\n- {{name: 'a\"b', v: {0}}}\n- {{name: b, v: 1}}\n", 'l[name="a\\"b"].v'),
        ("v.yaml", "l:\n- {{name: 'c:\\x', v: {0}}}\n- {{name: b, v: 1}}\n", 'l[name="c:\\\\x"].v'),
        ("v.json", '{{"a.b": {{"c\\"d": "{0}"}}}}', '["a.b"]["c\\"d"]'),
    ],
)
def test_a_place_that_is_named_can_be_set(path: str, manifest: str, place: str) -> None:
    """What the report says is what `configure --set` takes: the value that it names is changed, and no other."""
    base, ours, theirs = (manifest.format(value).encode() for value in ("7", "8", "9"))
    formats = ManifestFormats()

    result = formats.merge(path, base, ours, theirs)

    assert [conflict.path for conflict in result.conflicts] == [place]
    assert formats.set_value(path, ours, place, "9", {}) == theirs


def test_a_place_in_a_text_is_lines_of_ours() -> None:
    """Where ours has no line of them left, by the line that stands behind."""
    conflicts = ManifestFormats().merge("v.txt", b"1\n2\n3\n", b"1\n3\n", b"1\nx\n3\n").conflicts

    assert [str(each) for each in conflicts] == ["both sides changed what stood before line 2"]
