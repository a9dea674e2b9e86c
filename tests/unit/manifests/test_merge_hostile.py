"""Files that were made to hurt a reader: refused or merged right, and soon."""

from __future__ import annotations

import random

import pytest

from deployer.errors import DeployerError
from deployer.manifests import ManifestFormats
from deployer.manifests.merging.identity import Identities
from deployer.manifests.merging.nodes import UnfitError
from deployer.manifests.merging.structural import merge_structures
from tests.budget.marks import rotating
from tests.unit.manifests.test_merge_structure import FILES

LATIN = b"<?xml version='1.0' encoding='latin-1'?><m a="
LAUGHS = b'<!DOCTYPE m [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;">' % (n, *[n - 1] * 8) for n in range(98, 110)
)


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("xml", LAUGHS + b"]><m x='1'>&m;</m>"),
        ("xml", b'<!DOCTYPE m [<!ENTITY f SYSTEM "file:///etc/passwd">]><m>&f;</m>'),
        ("xml", b'<!DOCTYPE m SYSTEM "http://127.0.0.1:9/x.dtd"><m>&f;</m>'),
        ("xml", b"<a>" * 100_000 + b"</a>" * 100_000),
        ("yaml", b"[" * 100_000 + b"]" * 100_000),
        ("yaml", b"- " * 100_000 + b"x"),
        ("yaml", b"".join(b" " * at + b"a:\n" for at in range(1_000))),
        ("yaml", b"".join(b" " * at + b"a:\r" for at in range(400))),
        ("json", b"[" * 100_000 + b"]" * 100_000),
        ("json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        ("yaml", b"a: &a [x, x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (n, n, n - 1, n - 1) for n in range(98, 122))),
        ("yaml", b"a: &a [*a]\n"),
        ("yaml", b"a: 1\n---\nb: 1\n"),
        ("yaml", b"a: 1\na: 2\n"),
        ("json", b'{"a": 1, "a": 2}'),
        ("json", b'{"a": NaN}'),
        ("json", b"1" * 5_000),
        ("xml", b"<m x='1' x='2'/>"),
        ("xml", b"<m>\0</m>"),
        ("json", b'{"a": "\0"}'),
        ("yaml", b"a: \xff\xfe\n"),
        ("xml", b"<?xml version='1.0' encoding='utf-7'?><m/>"),
        ("xml", b"<m>&nbsp;</m>"),
        ("yaml", b"a: 'x\x85y'\n"),
        ("yaml", "a: 'x\x85y'\n".encode()),
        ("yaml", "a: 'x\u2028y'\n".encode()),
        ("yaml", "a: 'x\u2029y'\n".encode()),
        ("yaml", b"? [a]\n: b\n"),
        ("json", b"<" + b"x" * (50 * 1024 * 1024)),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else value,
)
def test_what_is_no_sound_manifest_has_no_structure(form: str, data: bytes) -> None:
    """Whichever version it is, soon and without reading or fetching anything; such files go to git's line merge."""
    sound = FILES[form]
    for sides in ((data, sound, sound + b"\n"), (sound, data, sound + b"\n"), (sound, sound + b"\n", data)):
        with pytest.raises(UnfitError):
            merge_structures(form, "v", sides, Identities(), 7)


@pytest.mark.parametrize(
    ("form", "base", "ours", "theirs", "both"),
    [
        ("yaml", b"a: 1\r\nb: 1\r\n", b"a: 2\r\nb: 1\r\n", b"a: 1\r\nb: 2\r\n", b"a: 2\r\nb: 2\r\n"),
        ("yaml", b"a: 1\r\nb: 1\n", b"a: 2\r\nb: 1\n", b"a: 1\r\nb: 1\nc: 1\n", b"a: 2\r\nb: 1\nc: 1\n"),
        ("xml", b"<m>\r\n<a/>\n<b/></m>", b"<m>\r\n<c/>\n<b/></m>", b"<m>\r\n<a/>\n</m>", b"<m>\r\n<c/>\n</m>"),
        ("yaml", b"\xef\xbb\xbfa: 1\nb: 1", b"\xef\xbb\xbfa: 2\nb: 1", b"a: 1\nb: 2", b"a: 2\nb: 2"),
        ("yaml", b"a: &x 1\nb: ! 1\n", b"a: &x 2\nb: ! 1\n", b"a: &x 1\nb: ! 2\n", b"a: &x 2\nb: ! 2\n"),
        ("yaml", "é: 1\nb: 1\n".encode(), "é: 2\nb: 1\n".encode(), "é: 1\nb: ü\n".encode(), "é: 2\nb: ü\n".encode()),
        # fmt
        (
            "xml",
            LATIN + b"'\xe9' b=''/>",
            LATIN + b"'\xe8' b=''/>",
            LATIN + b"'\xe9' b='2'/>",
            LATIN + b"'\xe8' b='2'/>",
        ),
        ("json", '{"é": 1, "b": 1}'.encode(), '{"é": 2, "b": 1}'.encode(), b'{"\\u00e9": 1}', b'{"\\u00e9": 2}'),
        (
            "xml",
            b"<m><![CDATA[<]]></m>",
            b"<m x=''><![CDATA[<]]></m>",
            b"<m><![CDATA[]]></m>",
            b"<m x=''><![CDATA[]]></m>",
        ),
        ("xml", b"<m>a<b/>c</m>", b"<m x='1'>a<b/>c</m>", b"<m>a<b/>d</m>", b"<m x='1'>a<b/>d</m>"),
    ],
)  # fmt: skip
def test_what_is_odd_but_sound_merges(form: str, base: bytes, ours: bytes, theirs: bytes, both: bytes) -> None:
    """Line ends of both kinds, byte order marks, anchors and tags, other encodings, CDATA, text between elements."""
    assert ManifestFormats().merge(f"v.{form}", base, ours, theirs).content == both


def test_an_alias_is_merged_by_lines_and_checked() -> None:
    """Its other places would change too: the structure does not show that, the check does."""
    base = b"a: &x\n  b: 1\n\n\n\nc: *x\n\n\n\nd: 1\n"

    assert (
        ManifestFormats().merge("v.yaml", base, base.replace(b"b: 1", b"b: 2"), base.replace(b"d: 1", b"d: 2")).content
    )
    ours, theirs = base.replace(b"b: 1", b"b: 2"), base.replace(b"*x", b"1")
    assert ManifestFormats().merge("v.txt", base, ours, theirs).content
    assert ManifestFormats().merge("v.yaml", base, ours, theirs).content is None


SPOILS = (
    b"<",
    b">",
    b"&",
    b'"',
    b"'",
    b"\0",
    b"\xff",
    b"\n",
    b" ",
    b"- ",
    b": ",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"#",
    b"*a",
    b"&a ",
    b"<!--",
    b"]]>",
    b"!x ",
)


@pytest.mark.parametrize("seed", rotating(3, 57, 0.2))
@pytest.mark.parametrize("form", FILES)
def test_spoiled_files_end_in_a_result_or_a_conflict(form: str, seed: str) -> None:
    """Random bytes put in, taken out and doubled in all three versions: never another error, never a long wait."""
    dice = random.Random(seed)
    formats = ManifestFormats()
    for _ in range(40):
        sides = [_spoiled(FILES[form], dice, dice.choice((0, 1, 1, 2, 5))) for _ in range(3)]
        try:
            result = formats.merge(f"v.{form}", *sides)
        except DeployerError as error:
            pytest.fail(f"{sides}: {error}")
        assert (result.content is None) == bool(result.conflicts)


def _spoiled(data: bytes, dice: random.Random, times: int) -> bytes:
    for _ in range(times):
        at, length = dice.randrange(len(data) + 1), dice.randrange(12)
        piece = dice.choice((b"", dice.choice(SPOILS), data[at : at + 2 * length]))
        data = data[:at] + piece + data[at + dice.choice((0, length)) :]
    return data
