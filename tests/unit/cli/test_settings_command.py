"""`deployer settings`."""

from __future__ import annotations

import json

import pytest

from deployer.cli.main import main

URL = "postgresql+psycopg://deployer:hunter2@db/deployer?sslpassword=hunter3&connect_timeout=3"


def test_settings_show_no_secret(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The password of the store's URL, the webhook, a token in the arguments of a command: as text and as JSON."""
    monkeypatch.setenv("DEPLOYER_STORE", URL)
    monkeypatch.setenv("DEPLOYER_ON_ATTENTION__WEBHOOK", "https://hooks/hunter4")
    monkeypatch.setenv("DEPLOYER_ON_ATTENTION__COMMAND", "mailer,--token,hunter5,--to,ops")

    codes = (main(["settings"]), main(["settings", "--json"]))
    out = capsys.readouterr().out

    assert codes == (0, 0)
    assert "hunter" not in out
    store = json.loads(out[out.index("{\n") :])["data"]["store"]["value"]
    assert store == "postgresql+psycopg://deployer:[redacted]@db/deployer?sslpassword=[redacted]&connect_timeout=3"
    assert "('mailer', '--token', '[redacted]', '--to', 'ops')" in out
