"""A repository's own rules of what tells the items of its lists apart."""

from __future__ import annotations

import pytest

from deployer.errors import ManifestError
from deployer.manifests import Identities, ManifestFormats, read_rules

RULES = b"""
identity:
  route: "@path"
  servers: [host, port?]
  web/rules: match
positional:
  - steps
"""


def test_items_are_told_apart_by_a_declared_field() -> None:
    """Without the rule, what both sides add at one place has no order that anybody knows."""
    base = b"servers:\n- host: a\n  port: 1\n"
    ours = base + b"- host: b\n  port: 1\n"
    theirs = base + b"- host: a\n  port: 2\n"

    assert ManifestFormats().merge("v.yaml", base, ours, theirs).content is None
    result = ManifestFormats().merge("v.yaml", base, ours, theirs, rules=RULES)
    assert result.content == ours + b"- host: a\n  port: 2\n"


def test_a_rule_for_an_element_of_xml() -> None:
    """Attributes are written with an @."""
    base = b"<m>\n <route path='/a' to='x'/>\n</m>"
    ours = base.replace(b"<route", b"<route path='/b' to='x'/>\n <route")
    theirs = base.replace(b"<route", b"<route path='/c' to='x'/>\n <route")
    result = ManifestFormats().merge("v.xml", base, ours, theirs, rules=RULES)

    assert result.content == ours.replace(b"<route path='/a'", b"<route path='/c' to='x'/>\n <route path='/a'")


def test_a_rule_holds_at_the_end_of_a_path_only() -> None:
    """`web/rules` says nothing of the rules of another."""
    rules = read_rules(RULES)

    assert rules.rules_for(("a", "web", "rules"), "") == (("match",),)
    assert rules.rules_for(("rules",), "") != (("match",),)
    assert rules.rules_for(("steps",), "") is None


def test_items_of_a_positional_list_have_no_identity() -> None:
    """Although they have names: what both sides put at one place is left to a person."""
    base = b"steps:\n- name: a\n"
    ours, theirs = base + b"- name: b\n", base + b"- name: c\n"

    assert ManifestFormats().merge("v.yaml", base, ours, theirs).content == ours + b"- name: c\n"
    assert ManifestFormats().merge("v.yaml", base, ours, theirs, rules=RULES).content is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("identities: {}", ".deployer-merge.yml:1: 'identities' is not known here: there are identity and positional"),
        ("identity:\n  a: b\n  a: c\n", ".deployer-merge.yml:3: 'a' is there twice"),
        ("identity:\n  a: {b: c}\n", ".deployer-merge.yml:2: neither a name nor a list of names"),
        ("identity:\n  a: 'b c'\n", ".deployer-merge.yml:2: 'b c' is no field"),
        ("identity:\n  a: b?\n", ".deployer-merge.yml:2: one of the fields must be there"),
        ("- identity", ".deployer-merge.yml:1: the file is not a mapping"),
        ("identity: [a]", ".deployer-merge.yml:1: identity is not a mapping"),
        ("identity: {a: b}\npositional: a\n", "a is both identity and positional"),
        ("a: b: c", ".deployer-merge.yml:1: "),
        ("[" * 1000, ".deployer-merge.yml: nested deeper"),
        ("a: 1\n---\nb: 1\n", ".deployer-merge.yml:2: "),
        ("\xff", "not utf-8"),
    ],
)
def test_what_is_no_rule_is_an_error_with_its_line(text: str, said: str) -> None:
    """Nothing is ignored: a mistyped key would silently merge as if it were not there."""
    with pytest.raises(ManifestError) as caught:
        read_rules(text.encode("latin-1"))

    assert said in str(caught.value)


def test_an_empty_file_has_no_rules() -> None:
    """As if there were none."""
    assert (
        read_rules(b"") == read_rules(b"# nothing yet\n") == read_rules(b"identity:\npositional: []\n") == Identities()
    )
