"""What a person sees of texts that others chose."""

from __future__ import annotations

import json

import pytest

from deployer.errors import DeployerError, ManifestError
from deployer.visible import quoted, visible, visible_json, visible_lines
from tests.hostile import ACTING, BREAK, ORDINARY, WORD, raw


@pytest.mark.parametrize("name", ACTING)
def test_what_acts_is_seen(name: str) -> None:
    """On one line, as escapes in ASCII; what stands around it stays."""
    shown = visible(f"é{ACTING[name]}é")

    assert not raw(shown.encode())
    assert shown != f"é{ACTING[name]}é"
    assert shown[0] == shown[-1] == "é"
    assert shown[1:-1].isascii()


def test_escapes_are_those_that_people_know() -> None:
    """Of Python, C and JSON."""
    shown = visible("a\n\t\r\x1b\x7f\x9b\u202e\U000e0041\udcff")

    assert shown == r"a\n\t\r\x1b\x7f\x9b\u202e\U000e0041\udcff"


@pytest.mark.parametrize("text", ORDINARY)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    """Letters of all scripts with their marks and joiners, emoji, spaces."""
    assert visible(text) == text


def test_a_joiner_joins_or_is_seen() -> None:
    """Between letters that it does nothing to, it only makes a name another one."""
    assert visible("via\u200dtris \u200d") == r"via\u200dtris \u200d"
    assert visible("\u200d👩") == r"\u200d👩"


def test_marks_do_not_pile_up_over_other_lines() -> None:
    """Eight on one letter are shown."""
    assert visible("a" + "\u0301" * 10) == "a" + "\u0301" * 8 + r"\u0301\u0301"


def test_cleaning_twice_is_cleaning_once() -> None:
    """A value may pass several places."""
    assert visible(visible(WORD)) == visible(WORD)


def test_lines_of_others_stay_lines() -> None:
    """Behind a mark, so that none of them is taken for one of ours; a tab is blanks."""
    assert visible_lines("a\tb\r\n\x1bc") == (r"a       b\r", r"\x1bc")
    assert quoted("\nto mend it:\n\n  rm\n") == ("| to mend it:", "|", "|   rm")
    assert quoted(" \n") == ()


@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_document_is_harmless_and_says_the_same(*, ascii_only: bool) -> None:
    """After parsing it is the same value, lone surrogates too."""
    value = {WORD: [WORD, BREAK, *ORDINARY]}
    text = visible_json(value, indent=2, ascii_only=ascii_only)

    assert json.loads(text) == value
    assert not raw(text.encode())
    assert ascii_only or "日本語" in text


def test_errors_are_clean_from_the_start() -> None:
    """Whoever prints, logs or keeps one: message and hint hold no line break of a value."""
    plain = DeployerError(WORD, hint=WORD)
    several = ManifestError((WORD, WORD), hint=("one", WORD))

    assert [raw(text.encode()) for text in (plain.message, str(plain), plain.hint, several.message)] == [[]] * 4
    assert several.hint == f"one\n{visible(WORD)}"
    assert (plain.hints, DeployerError("a").hint) == ((visible(WORD),), "")
