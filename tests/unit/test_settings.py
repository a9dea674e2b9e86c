"""Settings: sources, order, origin, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import SettingsError, UsageError
from deployer.settings import load, overrides

DOC = Path(__file__).parents[2] / "doc" / "settings.md"


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_later_sources_win_and_each_value_tells_its_origin(tmp_path: Path) -> None:
    """A file is beaten by a variable, a variable by the command line, and the origin is named."""
    file = tmp_path / "settings.toml"
    file.write_text('environment = "a"\nidentity = "from file"\n[sync]\nattempts = 3\nseconds = 5\n')
    environ = {"DEPLOYER_SETTINGS": str(file), "DEPLOYER_ENVIRONMENT": "b", "DEPLOYER_SYNC__ATTEMPTS": "4"}

    settings, origins = load(environ, {"environment": "c"})
    origin = {item.name: item.origin for item in origins}

    assert (settings.environment, settings.identity) == ("c", "from file")
    assert (settings.sync.attempts, settings.sync.seconds) == (4, 5.0)
    assert origin["environment"] == "command line"
    assert origin["sync.attempts"] == "environment"
    assert origin["sync.seconds"] == str(file)
    assert origin["sync.first_wait"] == "default"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"DEPLOYER_SYNK__ATTEMPTS": "4"}, "synk"),
        ({"DEPLOYER_SYNC__ATTEMPTS": "many"}, "sync.attempts"),
        ({"DEPLOYER_SYNC__ATTEMPTS": "0"}, "sync.attempts"),
    ],
)
def test_an_unknown_name_or_unusable_value_is_named(environ: dict[str, str], said: str) -> None:
    """A typo is an error that names the place, never passed over."""
    with pytest.raises(SettingsError, match=said):
        load(environ)


def test_every_wrong_place_is_named_at_once(tmp_path: Path) -> None:
    """Two mistakes in a file are reported together, with the file."""
    file = tmp_path / "settings.toml"
    file.write_text('enviroment = "a"\n[sync]\nattempts = "x"\n')

    with pytest.raises(SettingsError) as error:
        load({"DEPLOYER_SETTINGS": str(file)})

    assert "enviroment" in error.value.message
    assert "sync.attempts" in error.value.message
    assert str(file) in error.value.message


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    """The file that cannot be read is named."""
    file = tmp_path / "settings.toml"
    file.write_text("environment = \n")

    with pytest.raises(SettingsError, match=r"settings\.toml"):
        load({"DEPLOYER_SETTINGS": str(file)})


def test_every_setting_is_documented() -> None:
    """doc/settings.md has a row for each setting."""
    _, origins = load({})
    text = DOC.read_text(encoding="utf-8")

    assert [item.name for item in origins if f"| `{item.name}` |" not in text] == []


def test_a_list_comes_from_a_variable_with_commas() -> None:
    """Names of variables for Ansible can be given in one variable."""
    settings, _ = load({"DEPLOYER_ANSIBLE__ENVIRONMENT": "A, B"})

    assert settings.ansible.environment == ("A", "B")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({}, ("demo", "production")),
        ({"sandbox": "other"}, ("other", "production")),
        ({"environment": "prod"}, ("", "prod")),
        ({"inventory": "dir"}, ("", "production")),
    ],
)
def test_an_option_that_says_where_wins_over_the_sandbox_of_a_variable(
    given: dict[str, str], meant: tuple[str, str]
) -> None:
    """Whoever types `-E prod` means prod, and never the sandbox that a variable names."""
    settings, _ = load({"DEPLOYER_SANDBOX": "demo"}, overrides(**given))

    assert (settings.sandbox, settings.environment) == meant


@pytest.mark.parametrize(
    "given",
    [
        {"sandbox": "demo", "inventory": "dir"},
        {"sandbox": "demo", "environment": "prod"},
        {"inventory": "dir", "environment": "prod"},
    ],
)
def test_two_options_that_say_where_are_two_places(given: dict[str, str]) -> None:
    """Neither of them is passed over in silence."""
    with pytest.raises(UsageError, match="different places") as error:
        overrides(**given)

    assert all(value in error.value.message for value in given.values())
