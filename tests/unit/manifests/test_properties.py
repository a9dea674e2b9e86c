"""Whatever the document and the new text: the value reads back, and every byte outside it is the same.

The documents are made here with the target between two known halves, and read back by other readers than ours (the
standard library's XML and JSON, PyYAML's own construction).
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from xml.sax.saxutils import escape

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.manifests import ManifestFormats

_FORMATS = ManifestFormats()
_SPECIAL = st.sampled_from([*"<>&\"'{}[]#:,|>-!%@`*?=~\\/ \t\n", "]]>", "{{ x }}", "ä", "€", "😀", "\u2028", "--"])
_LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufeff")
_TEXT = st.lists(_SPECIAL | _LETTERS, max_size=12).map("".join)
_WORDS = _TEXT | st.sampled_from(
    ["<<", "=", "<\n<", "1", "1.10", "true", "null", "~", "yes", "2026-01-02", "2.4.1", "0x1f", "1e3", "", "-"]
)


@dataclass(frozen=True)
class Document:
    """A document, cut where the target is."""

    before: str
    target: str
    after: str
    where: str
    encoding: str = "utf-8"
    bom: bytes = b""

    def data(self) -> bytes:
        """The file."""
        return self.bom + (self.before + self.target + self.after).encode(self.encoding)

    def check_outside(self, changed: bytes) -> None:
        """Every byte outside the target is as it was."""
        before, after = self.before.encode(self.encoding), self.after.encode(self.encoding)
        assert changed.startswith(self.bom + before)
        assert changed.endswith(after)


_XML_NOISE = st.sampled_from(
    ["", " ", "\n", "\n\t", "<!-- ' \" & <x y='1'> ä -->", "<?keep a='1'?>\n", "<o>t<i/>t</o>"]
)
_XML_TEXTS = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=8)


@st.composite
def _attributes(draw: st.DrawFn, names: str) -> str:
    """Attributes in both quotes, with any white space around."""
    written = ""
    for name in names:
        quote = draw(st.sampled_from("\"'"))
        value = escape(draw(_XML_TEXTS), {quote: "&quot;" if quote == '"' else "&apos;"})
        space, around = draw(st.sampled_from([" ", "\n  "])), draw(st.sampled_from(["=", " = "]))
        written += f"{space}{name}{around}{quote}{value}{quote}"
    return written


@st.composite
def _xml_target(draw: st.DrawFn) -> tuple[str, str, str, str, str]:
    """An element with the target: before, target, after, path in the element, kind."""
    some, more = draw(_attributes("ab")), draw(_attributes("yz"))
    kind = draw(st.sampled_from(["attribute", "text", "cdata"]))
    old = draw(st.text("abc", min_size=1))
    if kind == "attribute":
        quote = draw(st.sampled_from("\"'"))
        return f"<t{some} q={quote}", old, f"{quote}{more}/>", "/@q", kind
    white = draw(st.sampled_from(["", "\n  "]))
    if kind == "text":
        return f"<t{some}>{white}", old, f"{white}<!-- c --></t>", "", kind
    return f"<t{some}>{white}<![CDATA[", old, f"]]>{white}</t>", "", kind


@st.composite
def _xml_documents(draw: st.DrawFn) -> tuple[Document, str]:
    encoding, bom = draw(
        st.sampled_from([("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("latin-1", b""), ("utf-16-le", b"\xff\xfe")])
    )
    name = {"utf-8": "UTF-8", "latin-1": "ISO-8859-1", "utf-16-le": "UTF-16"}[encoding]
    start, target, end, where, kind = draw(_xml_target())
    siblings = draw(st.lists(_attributes("kv").map(lambda written: f"<t{written}/>"), max_size=3))
    before = f"<?xml version='1.0' encoding='{name}'?>\n{draw(_XML_NOISE).strip().replace('<o>t<i/>t</o>', '')}<r><g>"
    before += "".join(draw(_XML_NOISE) + one for one in siblings) + draw(_XML_NOISE) + start
    after = end + "".join(draw(_XML_NOISE) + f"<u{draw(_attributes('k'))}>x</u>" for _ in siblings) + "</g></r>\n"
    path = f"g/t[{len(siblings) + 1}]{where}"
    if draw(st.booleans()):
        before, after = before.replace("\n", "\r\n"), after.replace("\n", "\r\n")
    return Document(before, target, after, path, encoding, bom), kind


def _xml_value(data: bytes, where: str) -> str | None:
    element, _, attribute = where.partition("/@")
    found = ET.fromstring(data).find(element)  # noqa: S314  reads what this test wrote
    assert found is not None
    return found.get(attribute) if attribute else "".join(found.itertext()).strip(" \t\r\n")


@given(_xml_documents(), _WORDS)
@settings(deadline=None, database=None)
def test_xml(document: tuple[Document, str], text: str) -> None:
    """In attributes of both quotes, text and CDATA, in three encodings."""
    made, kind = document
    wanted = text if kind == "attribute" else text.strip(" \t\r\n")

    changed = _FORMATS.set_value("v.xml", made.data(), made.where, wanted, {})

    made.check_outside(changed)
    assert _xml_value(changed, made.where) == wanted


_YAML_NOISE = st.sampled_from(
    ["", "\n", "# : ä ' \"\n", "x{}: &x{} [1, 'a', {{b: 2}}]\n", "y{}: |\n  lines\n\n  # no comment\n"]
)


@st.composite
def _yaml_documents(draw: st.DrawFn) -> Document:
    noise = [draw(_YAML_NOISE).format(number, number) for number in range(6)]
    style = draw(st.sampled_from(["plain", "single", "double", "flow", "block", "number", "item"]))
    before = draw(st.sampled_from(["", "---\n", "%YAML 1.1\n---\n"])) + "".join(noise[:3]) + "t:\n  ü: 1\n"
    old, end = {
        "single": ("'it''s'", " # end\n"),
        "double": ('"a\\n\\u00e4"', "\n"),
        "flow": ("old", ", z: 1}\n"),
        "block": ("|\n    one\n\n    two\n", ""),
        "number": ("12", "\n"),
        "item": ("old", "\n  - z\n"),
        "plain": ("old", "   # end\n"),
    }[style]
    start = {"flow": "  q: {a: 'x', q: ", "item": "  q:\n  - ä\n  - "}.get(style, "  q: ")
    where = {"flow": "t.q.q", "item": "t.q[1]"}.get(style, "t.q")
    before, after = (
        before + start,
        end + "".join(noise[3:]) + draw(st.sampled_from(["last: 1", "last: 1\n", "last: 1\n...\n"])),
    )
    if draw(st.booleans()):
        before, old, after = (part.replace("\n", "\r\n") for part in (before, old, after))
    return Document(before, old, after, where, bom=draw(st.sampled_from([b"", b"\xef\xbb\xbf"])))


def _yaml_value(data: bytes, where: str) -> object:
    value = yaml.safe_load(data)["t"]["q"]
    return value["q"] if where.endswith(".q.q") else value[1] if where.endswith("]") else value


@given(_yaml_documents(), _WORDS)
@settings(deadline=None, database=None)
def test_yaml(document: Document, text: str) -> None:
    """In every style of scalar, in blocks and in flow."""
    changed = _FORMATS.set_value("v.yaml", document.data(), document.where, text, {})

    document.check_outside(changed)
    value = _yaml_value(changed, document.where)
    assert value == text if document.target != "12" else str(value) == text or not isinstance(value, str)


_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def _json_documents(draw: st.DrawFn) -> Document:
    value = draw(_JSON_VALUES)
    indent, is_ascii = draw(st.sampled_from([None, 1, "\t"])), draw(st.booleans())
    noise = json.dumps(value, indent=indent, ensure_ascii=is_ascii)
    old = draw(st.sampled_from(['"old"', '"\\u00e4"', "12", "-1.5e3", "true", "null"]))
    space = draw(st.sampled_from(["", " ", "\n", "\r\n\t"]))
    before = f'{{"a"{space}:{noise},{space}"l":[{noise},{{"q"{space}:{space}'
    after = f'{space},"z":{noise}}}]{space},"end":{noise}}}{space}'
    return Document(before, old, after, "l[1].q", bom=draw(st.sampled_from([b"", b"\xef\xbb\xbf"])))


@given(_json_documents(), _WORDS)
@settings(deadline=None, database=None)
def test_json(document: Document, text: str) -> None:
    """Among any values, with any white space."""
    changed = _FORMATS.set_value("v.json", document.data(), document.where, text, {})

    document.check_outside(changed)
    written = changed[len(document.bom) + len(document.before.encode()) : -len(document.after.encode())].decode()
    value = json.loads(changed.decode("utf-8-sig"))["l"][1]["q"]
    assert value == text or (not document.target.startswith('"') and written == text)


_NAMES = st.sampled_from(["a", "b", "c", "d"])


@given(st.dictionaries(_NAMES, _TEXT), st.dictionaries(_NAMES, _TEXT), st.dictionaries(_NAMES, _TEXT))
@settings(deadline=None, database=None, max_examples=50)
def test_a_merge_says_what_both_sides_said(base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]) -> None:
    """A merge with a result holds exactly the changes of both sides, read by another reader."""
    files = [json.dumps(side, indent="\n\n\n ", sort_keys=True).encode() for side in (base, ours, theirs)]

    merged = _FORMATS.merge("v.json", *files)

    assert (merged.content is None) == bool(merged.conflicts)
    if merged.content is not None:
        result = json.loads(merged.content)
        for name in "abcd":
            side = theirs if ours.get(name) == base.get(name) else ours
            assert result.get(name) == side.get(name)
