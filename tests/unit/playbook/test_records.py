"""What the record of a run keeps of a command line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deployer.errors import UsageError
from deployer.model.options import PlaybookOptions
from deployer.model.run import Asked, Run
from deployer.playbook.command_line import extra_variables, recorded
from deployer.playbook.records import refuse_hidden, without_secrets
from deployer.secrets.values import secrets_in

SECRETS = [
    (["-e", "db_password=hunter2"], ["-e", "db_password=[redacted]"]),
    (["-edb_password=hunter2"], ["-edb_password=[redacted]"]),
    (["-CDe", "v=1 db_password='hunter2 b' w=2"], ["-CDe", "v=1 db_password=[redacted] w=2"]),
    (["--extra-vars=db_password=hunter2"], ["--extra-vars=db_password=[redacted]"]),
    (["-e", '{"api_token": "hunter2", "v": 1}'], ["-e", '{"api_token": "[redacted]", "v": 1}']),
    (["-e", '{"secrets": {"db": "hunter2"}}'], ["-e", '{"secrets": {"db": "[redacted]"}}']),
    (["-e", "{db_password: hunter2}"], ["-e", '{"db_password": "[redacted]"}']),
    (["-e", 'conf=\'{"db_password": "hunter2"}\''], ["-e", 'conf={"db_password": "[redacted]"}']),
    (["-e", '{"broken": hunter2'], ["-e", "[redacted]"]),
    (["--", "--extra", "db_password=hunter2"], ["--", "--extra", "db_password=[redacted]"]),
    (["--", "-e", "db_password=hunter2"], ["--", "-e", "db_password=[redacted]"]),
    (["--set", "x/@password=hunter2 b=c"], ["--set", "x/@password=[redacted]"]),
    (["--set=user[@name='a=b']/@password=hunter2"], ["--set=user[@name='a=b']/@password=[redacted]"]),
    (["--set", "dsn=x://u:hunter2@h/x"], ["--set", "dsn=x://u:[redacted]@h/x"]),
    (["--db-password", "hunter2"], ["--db-password", "[redacted]"]),
    (["--db-password=hunter2"], ["--db-password=[redacted]"]),
]


@pytest.mark.parametrize(("given", "kept"), SECRETS)
def test_a_secret_of_a_command_line_is_not_recorded(given: list[str], kept: list[str]) -> None:
    """In each spelling; what is no secret beside it stays."""
    assert recorded(("redeploy", "fra1", *given, "-D")) == ("redeploy", "fra1", *kept, "-D")


def test_extra_variables_are_known_to_the_redactor_of_the_run() -> None:
    """In each spelling: what a template does with such a secret is neither in the log nor in a diff."""
    raw = (
        "-e",
        "a=1 db_password='hunter 2'",
        "-vetoken=t1",
        '--extra={"x": {"secret": "s1"}}',
        "-e",
        "{broken: ",
        "-e",
    )

    assert list(secrets_in(list(extra_variables(raw)))) == ["hunter 2", "t1", "s1"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("redeploy", "fra1", "-l", "web*,~a.+", "-e", "@vars/secrets.yml", "-e", "version=1.5.0 note='a b'"),
        ("configure", "fra1", "--set", "release/@version=1.5.0", "-E", "prod", "-i", "dir"),
        ("redeploy", "fra1", "-e", '{"version": "1.5.0"}', "-e", "x={{ y }}"),
        ("redeploy", "fra1", "--", "--private-key", "~/.ssh/id", "--ask-pass", "--become"),
    ],
)
def test_a_command_line_without_secrets_is_recorded_as_it_was(arguments: tuple[str, ...]) -> None:
    """It can be pasted to do the same again."""
    assert recorded(arguments) == arguments


def test_parameters_of_a_run_are_recorded_without_secrets() -> None:
    """An operation of one's own may have a parameter that is one."""
    started = datetime(2026, 1, 1, tzinfo=UTC)
    run = Run("r", "own", "prod", ("fra1",), (), "erin", "box", started, params={"db_password": "hunter2", "keep": 3})

    kept = without_secrets(run)

    assert kept.params == {"db_password": "[redacted]", "keep": 3}
    assert replace(kept, params=run.params) == run


def test_what_a_retry_repeats_is_recorded_without_secrets() -> None:
    """The values to set and the variables."""
    options = PlaybookOptions(raw=("-e", "db_password=hunter2", "-e", "v=1"))
    asked = Asked(sets=(("x/@password", "hunter2"), ("x/@name", "erin")), options=options)
    started = datetime(2026, 1, 1, tzinfo=UTC)

    kept = without_secrets(Run("r", "own", "prod", ("fra1",), (), "erin", "box", started, asked=asked)).asked

    assert kept is not None
    assert kept.sets == (("x/@password", "[redacted]"), ("x/@name", "erin"))
    assert kept.options.raw == ("-e", "db_password=[redacted]", "-e", "v=1")


def test_what_the_record_does_not_hold_is_never_run_with() -> None:
    """A retry must not set a password to `[redacted]`."""
    refuse_hidden({"keep": 3}, [("release/@version", "1.5.0")], ["-e", "a=b"])
    for params, sets, raw in (
        ({"db_password": "[redacted]"}, [], []),
        ({}, [("x/@password", "[redacted]")], []),
        ({}, [], ["-e", "db_password=[redacted]"]),
    ):
        with pytest.raises(UsageError, match="does not hold secrets"):
            refuse_hidden(params, sets, raw)
