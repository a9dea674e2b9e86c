"""Differences of manifests and plans are shown without secrets."""

from __future__ import annotations

import json

import pytest

from deployer.app import Deployer
from deployer.manifests import ManifestFormats
from deployer.model.codec import to_json
from deployer.model.json import JsonObject
from deployer.model.merge import Difference
from deployer.model.plan import Batch, Bucket, Plan, Target
from deployer.playbook.differences import hidden_differences, hidden_merge, hidden_plan
from deployer.settings import Settings

OLD = b'<i><user name="erin" password="hunter2-old"/><image tag="1.4.2"/><dsn>x://erin:hunter2-dsn@db/x</dsn></i>'
NEW = (
    b'<i><user name="erin" password="hunter2-new"/><image tag="1.5.0"/><dsn>x://erin:hunter3-dsn@db/x?token=hunter2</dsn>'
    b'<mail><token>hunter2-mail</token></mail><db host="h" password="hunter2-db"/></i>'
)


def test_a_comparison_says_that_a_password_changed_and_not_to_what() -> None:
    """By the name of the attribute or element, by the value, and in URLs; the rest is shown as it is."""
    found = Deployer(settings=Settings()).manifests.compare("v.xml", OLD, NEW)

    lines = [str(one) for one in found]
    assert "~ user[@name='erin']/@password: [redacted] -> [redacted]" in lines
    assert "~ image/@tag: 1.4.2 -> 1.5.0" in lines
    assert "~ dsn: x://erin:[redacted]@db/x -> x://erin:[redacted]@db/x?token=[redacted]" in lines
    assert "+ mail: [redacted]" in lines
    assert "+ db: h [redacted]" in [line.replace("h[", "h [") for line in lines]
    assert "hunter" not in json.dumps(to_json(found))


def test_rules_reach_the_merge_that_hides() -> None:
    """Whoever wrote them decided which items are the same: here `b` is another one on each side, and not renamed."""
    base, ours, theirs = (f"l:\n- {{id: 1, v: {value}}}\n- {{id: 2, v: 0}}\n".encode() for value in "345")
    merge = hidden_merge(ManifestFormats().merge)
    rules = b"identity:\n  l: [v]\n"

    plain, hiding = (each("v.yaml", base, ours, theirs, rules=rules) for each in (ManifestFormats().merge, merge))

    assert hiding == plain
    assert merge("v.yaml", base, ours, theirs, rules=b"") != hiding


def test_a_conflict_says_where_both_changed_a_password_and_not_to_what() -> None:
    """It is stored, and told to whoever is called; other values of the same manifest are shown."""
    merge = hidden_merge(ManifestFormats().merge)
    theirs = NEW.replace(b"hunter2", b"hunter3").replace(b"1.5.0", b"1.6.0")

    result = merge("v.xml", OLD, NEW, theirs, rules=b"")

    told = {conflict.path: (conflict.base, conflict.ours, conflict.theirs) for conflict in result.conflicts}
    assert told["user[@name='erin']/@password"] == ("[redacted]", "[redacted]", "[redacted]")
    assert told["image/@tag"] == ("1.4.2", "1.5.0", "1.6.0")
    assert "hunter" not in json.dumps(to_json(result.conflicts))
    assert b"hunter3-new" in result.partial


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("db.password", "x"),
        ("credentials/@user", "x"),
        ("param[@name='api_token']", "x"),
        ("param[@name='api_token']/@value", "x"),
        ('env[name="DB_PASSWORD"].value', "x"),
        ('["db-password"]', "x"),
        ("env", '- name: DB_PASSWORD\n  value: "x"'),
        ("db", "host: h\npassword: >\n  a\n  b"),
        ("db", '{"host": "h", "dbPassword": "x"}'),
        ("dsn", "Server=h;Password=x"),
    ],
)
def test_a_secret_is_hidden_however_it_is_written(path: str, value: str) -> None:
    """In each format; that nothing was there before is still shown."""
    (shown,) = hidden_differences([Difference(path, "added", None, value)], [])

    assert (shown.path, shown.before, shown.after) == (path, None, "[redacted]")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("release/@version", "1.5.0"),
        ('containers[name="token-service"].image', "registry/token-service:1.2"),
        ("db", "host: h\npassword_file: /run/x"),
        ("service/@port", "8080"),
        ("url", "https://h:8080/path?page=2"),
    ],
)
def test_what_is_no_secret_is_shown(path: str, value: str) -> None:
    """A plan is read before it is carried out: no more is hidden than must be."""
    found = (Difference(path, "changed", value, "other"),)

    assert hidden_differences(found, []) == found


def test_a_plan_holds_no_secrets_of_its_manifests() -> None:
    """`plan --json` prints it whole."""
    value: JsonObject = {
        "name": "viatris",
        "user": {"password": "hunter2-new"},
        "key": "hunter2-key",
        "dsn": "erin hunter2-new",
    }
    target = Target("viatris", "prod", "fra1", "c01", "h", "v.xml", "1", {"port": "80", "token": "hunter2-tok"}, value)
    held = Target("other", "prod", "fra1", "c01", "h", "o.xml", "1", {}, {"secret": "hunter2-held"}, held="conflict")
    params: JsonObject = {"db_password": "hunter2-param", "keep": 3}
    plan = Plan("redeploy", "prod", (Bucket("all", (Batch("fra1", (target,)),)),), held=(held,), params=params)

    shown = hidden_plan(plan)

    assert "hunter" not in json.dumps(to_json(shown))
    assert shown.params == {"db_password": "[redacted]", "keep": 3}
    assert shown.targets[0].fields == {"port": "80", "token": "[redacted]"}
    assert shown.targets[0].value["user"] == {"password": "[redacted]"}
    assert shown.held[0].held == "conflict"
