"""What counts as a secret, and that it is taken out of everything."""

from __future__ import annotations

import json
import pickle
import re
import shlex
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.model.codec import to_json
from deployer.model.secret import Secret
from deployer.secrets.names import is_secret_name
from deployer.secrets.redactor import Redactor
from deployer.secrets.values import secrets_in


@pytest.mark.parametrize(
    "name", ["password", "db_password", "dbPassword", "@apiToken", "API_TOKEN", "secret", "ansible_ssh_pass", "api-key"]
)
def test_secret_names(name: str) -> None:
    """Names of every usual spelling say that there is a secret."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["port", "ansible_ssh_private_key_file", "public_key", "token_url", "keyboard", "secret_id", "compass"]
)
def test_other_names(name: str) -> None:
    """Paths, public keys and words that only sound alike are no secrets."""
    assert not is_secret_name(name)


def test_secrets_in_plain_data() -> None:
    """They are found at any depth; templates and flags are none."""
    values = {"a": [{"db": {"password": "hunter22", "token": 123456}}], "secret": {"x": "deep"}, "b": "open"}

    assert list(secrets_in(values)) == ["hunter22", "123456", "deep"]
    assert list(secrets_in({"password": "{{ vault_password }}", "secret": True})) == []


def test_redactor() -> None:
    """Known values go everywhere, also as keys and inside quotes; values under a secret name go unknown."""
    redactor = Redactor(["hunter-two", 'with"quote', "first line\nsecond line", "main"])

    assert redactor.text("x=hunter-two main maintain second line") == "x=[redacted] [redacted] maintain [redacted]"
    assert redactor.text(json.dumps({"a": 'with"quote'})) == '{"a": "[redacted]"}'
    assert redactor.value({"hunter-two": ["a hunter-two"], "password": "new", "n": 5}) == {
        "[redacted]": ["a [redacted]"],
        "password": "[redacted]",
        "n": 5,
    }


def test_a_secret_that_begins_with_another_goes_whole() -> None:
    """Nothing of the longer one is left behind, in whichever order they became known."""
    secrets = ["hunter-two" + "-more" * count for count in range(8)]

    assert {Redactor(secrets).text(secret) for secret in secrets} == {"[redacted]"}


@pytest.mark.parametrize("quoted", [shlex.quote, json.dumps, repr, str])
@pytest.mark.parametrize("secret", ["it's-a-secret", 'a-"secret"', 'it\'s-"both"', "back\\slash's"])
def test_a_secret_goes_however_it_is_quoted(secret: str, quoted: Callable[[str], str]) -> None:
    """As a shell, JSON and Python write it: that is how command lines and results get into a log."""
    told = Redactor([secret]).text(f"--password={quoted(secret)} fra1")

    assert re.fullmatch(r"""--password=['"]?\[redacted\]['"]? fra1""", told)


@given(secret=st.text(min_size=12, max_size=40), before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_long_secret_never_stays(secret: str, before: str, after: str) -> None:
    """Whatever stands around it, the secret is gone, unless the replacement itself holds it."""
    stripped = secret.strip()
    cleaned = Redactor([secret]).text(before + secret + after)

    assert len(stripped) < 12 or stripped not in cleaned.replace("[redacted]", "\0")


def test_no_secret_no_change() -> None:
    """Without secrets text stays as it is; too short ones are not searched for."""
    assert Redactor(["", "  ", "no"]).text("no change") == "no change"


def test_secret_type() -> None:
    """A Secret gives its text only when asked for it."""
    secret = Secret("hunter2")

    assert f"{secret} {secret!r} {secret:>3}" == "[redacted] [redacted] [redacted]"
    assert secret.reveal() == "hunter2"
    assert (secret, bool(secret)) == (Secret("hunter2"), True)
    with pytest.raises(TypeError):
        to_json(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
