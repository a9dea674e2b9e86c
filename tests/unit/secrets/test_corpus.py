"""Secrets go in each spelling; ordinary messages beside ordinary manifests stay as they are, byte for byte."""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from deployer.model.json import JsonObject
from deployer.secrets.redactor import Redactor
from deployer.secrets.shapes import host_of, without_shapes
from deployer.secrets.values import likely_secrets_in, secrets_in, texts_in

SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "unescaped json": lambda text: json.dumps(text, ensure_ascii=False),
    "shell": shlex.quote,
    "shell in shell": lambda text: shlex.quote(shlex.quote(text)),
    "python": repr,
    "url": quote,
    "whole url": lambda text: quote(text, safe=""),
    "url in url": lambda text: quote(quote(text, safe=""), safe=""),
    "form": quote_plus,
    "xml": html.escape,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of a line": lambda text: base64.b64encode(f"{text}\n".encode()).decode(),
    "base64 of a login": lambda text: base64.b64encode(f"erin:{text}".encode()).decode(),
    "base64 behind two letters": lambda text: base64.urlsafe_b64encode(f"a:{text}".encode()).decode().rstrip("="),
    "option": lambda text: f"-p{text}",
    "colour": lambda text: f"\x1b[0;31m{text}\x1b[0m",
    "line in json": lambda text: json.dumps(f"first\n{text}\nlast"),
}
SECRETS = ("pa/ss w@rd:1", "hunter", "S3cret'of\"ours", "véry-söcret\\1", "disk", "correcthorsebattery", "a+b&c<d>e#?%")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_known_secret_goes_in_each_spelling(secret: str, spelling: str) -> None:
    """Short ones, ordinary words and those with separators of URLs in them, too."""
    written = SPELLINGS[spelling](secret)

    told = Redactor([secret]).text(f"fra1: it was {written}, on fra1-prod-dep01")

    assert "[redacted]" in told
    assert written.strip("'\"") not in told
    assert told.startswith("fra1: it was ")
    assert told.endswith(", on fra1-prod-dep01")


def test_a_multiline_secret_goes_whole_and_by_line() -> None:
    """As a key is: in one line of JSON, and line by line in a log."""
    secret = "first part of it\nsecond part of it"
    redactor = Redactor([secret])

    assert redactor.text(json.dumps(secret)) == '"[redacted]"'
    assert redactor.text("x: second part of it") == "x: [redacted]"


MANIFEST: JsonObject = {
    "mount": [{"key": "disk", "size": "10G"}, {"key": "fra1", "value": "true"}],
    "setting": [{"@key": "customer_language", "@value": "German"}],
    "login": {"password": "none", "token": "1", "secret": "prod", "api_key": "default"},
    "other": {"token": "true", "password": "viatris", "sort_key": "customer", "pin_token": "8080", "secret": "null"},
}
NAMES = ("viatris", "fra1", "prod", "fra1-prod-dep01")
MESSAGES = (
    'No space left on disk: /dev/disk/by-id, diskette, disk-full, "disk"',
    "fra1: 1 target changed in 1.4.2 s; true, none and null are values",
    'key="disk"',
    'password="none"',
    'token="1" in prod',
    "viatris.fra1 ok: the default customer of prod answers on 8080",
    "deployer: fra1-prod-dep01 did not answer: password: must not be empty",
    "authorization: required; Authorization failed: token is missing",
    "see https://docs.example.org:8443/@scope/page?page=2&key=disk and mail ops@example.org",
    "GET http://[::1]:8080/a@b and https://[2001:db8::1]/x of erin@example.org",
    "ssh://git@git.example.net:2222/x.git git@git.example.net:x.git file:///mnt/releases",
    "TASK [Switch the release] *****  max_tokens=4096 tokenizer=fast secretary=erin keyboard=de",
    'fatal: [viatris.fra1]: FAILED! => {"changed": false, "key": "disk", "msg": "none"}',
    "PLAY RECAP: ok=1 changed=0; --token requires an argument, --password FILE",
    "Permission denied (publickey,password). basic authentication-is-required here",
    "d3b07384d113edec49eaa6238ad5ff00 refs/heads/main YWJjZGVmZ2hpamtsbW5vcA==",
    "password_file: /run/x, token: {{ vault_token }}, secret=$SECRET",
)  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES)
def test_an_ordinary_message_is_left_as_it_is(message: str) -> None:
    """Whatever words a manifest has where names say secret."""
    redactor = Redactor(likely_secrets_in(MANIFEST, NAMES), NAMES)

    assert redactor.text(message) == message
    assert redactor.value({"msg": message, "item": {"key": "disk", "size": 8080}, "ok": True}) == {
        "msg": message,
        "item": {"key": "disk", "size": 8080},
        "ok": True,
    }


def test_a_manifest_has_secrets_all_the_same() -> None:
    """A value that is no ordinary word, in texts and at its place."""
    value = {"login": {"password": "hunter", "api_key": "AB12-cd34-ef"}, "key": "k3y-of-erin"}
    redactor = Redactor(likely_secrets_in(value, NAMES), NAMES)

    assert redactor.text("hunter AB12-cd34-efg k3y-of-erin hunters") == "[redacted] [redacted]g [redacted] hunters"
    assert redactor.value(value) == {
        "login": {"password": "[redacted]", "api_key": "[redacted]"},
        "key": "[redacted]",
    }


def test_a_known_secret_that_is_a_name_goes_only_where_it_stands_alone() -> None:
    """The names of hosts around it stay readable."""
    redactor = Redactor(["prod-erin"], ("prod-erin",))

    assert redactor.text("login prod-erin at prod-erin.fra1: 'prod-erin'") == (
        "login [redacted] at prod-erin.fra1: '[redacted]'"
    )


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://erin:hun/ter@store/x", "hun/ter"),
        ("https://erin:hun ter2@store/x", "hun ter2"),
        ("https://erin:hun@ter:2@store/x", "hun@ter:2"),
        ("https://erin:hun?ter#2@store/x", "hun?ter#2"),
        ("https://hunter-token@store/x", "hunter-token"),
        ("https://erin:hun%2Fter@store/x", "hun/ter"),
        ("http://erin:hunter's@proxy:3128", "hunter's"),
        ("socks5://erin:hunter@proxy:1080", "hunter"),
    ],
)
def test_the_password_of_a_url_is_a_secret(url: str, secret: str) -> None:
    """Under any name, whatever characters it has: of the inventory, of an environment variable, of a setting."""
    secrets = list(secrets_in({"release_store": url}))
    redactor = Redactor(secrets)

    assert secret in secrets
    for text in (f"cannot reach {url}: {secret}", repr(url), json.dumps({"x": url})):
        assert secret not in redactor.text(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://erin:SE/CRET@store/x",
        "https://erin:SE CRET@store/x",
        "fatal: unable to access 'https://SECRET@store/x/'",
        "GET /x?page=2&token=SECRET&x=1",
        "https://store/x?X-Amz-Signature=SECRET",
        "x?url=https%3A%2F%2Ferin%3ASECRET%40host%2Fx",
        "Authorization: Bearer SECRET",
        "'Authorization': 'Basic SECRET12'",
        "http.extraheader=authorization: basic SECRET1",
        '{"headers": {"X-Vault-Token": "SECRET12"}}',
        "Set-Cookie: session=SECRET; Path=/; other=SECRET",
        "ansible-playbook -e db_password=SECRET12 x.yml",
        'it said "db_password": "SECRET of two words"',
        "deployer configure --set user/@password=SECRET12",
        "DB_PASSWORD=SECRET12 HTTPS_PROXY=http://erin:SECRET@proxy:3128 x",
        "mailer --token S3CRET-SECRET --to ops",
        "  db_password: S3CRET-SECRET",
        "-----BEGIN PRIVATE KEY-----\nSECRETSECRETSECRETSECRET\nSECRET==\n-----END PRIVATE KEY-----",
        '"-----BEGIN OPENSSH PRIVATE KEY-----\\nSECRETSECRETSECRETSECRET\\n-----END OPENSSH PRIVATE KEY-----"',
    ],
)  # fmt: skip
def test_a_secret_is_known_by_its_form(text: str) -> None:
    """Of texts of others: git, curl, Ansible with -vvvv, a command line; hidden once, it stays as it is."""
    told = without_shapes(text)

    assert "[redacted]" in told
    assert not {"SECRET", "CRET"} & set(told.replace("/", " ").replace("@", " ").split())
    assert "SECRET" not in told
    assert without_shapes(told) == told


def test_hostile_text_takes_no_longer_than_other_text() -> None:
    """A pattern that goes back and forth would hang on one of these."""
    for text in ("x-" * 40_000, 'password="' + "\\a" * 40_000, "https://a:" + "x@" * 40_000, "https://a:" * 20_000):
        assert without_shapes(text)


def test_values_of_an_encrypted_file_are_secrets_unless_ordinary() -> None:
    """Whoever encrypts a whole file of variables does not mean its ports and environments."""
    values = {"smtp": "hunter-two", "region": "prod", "port": 8080, "debug": True, "x": ["{{ y }}", "hunter-3"]}

    assert list(texts_in(values)) == ["hunter-two", "hunter-3"]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://erin:se/cret@hooks.example.org/x", "hooks.example.org"),
        ("https://hooks.example.org/x", "hooks.example.org"),
        ("https://[secret/x", ""),
        ("https://user:\u2100secret@host/", "host"),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    """For a message; nothing where nobody can tell it."""
    assert host_of(url) == host
