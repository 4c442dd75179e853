"""`podium profile`: settings under a name."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Podium


@pytest.fixture
def file(home: Path) -> Path:
    """The profile file."""
    return home / ".podium" / "profiles.toml"


def test_a_profile_from_its_making_to_its_end(podium: Podium, file: Path) -> None:
    """Make, fill, use, look, copy, rename, delete."""
    assert podium("profile", "create", "staging").code == 0
    assert podium("-p", "staging", "config", "set", "PODIUM_API_URL=http://staging/api").code == 0
    assert podium("profile", "use", "staging").out == "Profile 'staging' is active.\n"
    assert podium("profile", "inspect").out == "PODIUM_API_URL='http://staging/api'\n"
    assert podium("profile", "create", "production", "--from", "staging").code == 0
    assert podium("profile", "rename", "staging", "pre").out == "Renamed profile 'staging' to 'pre'.\n"
    assert [row["name"] for row in json.loads(podium("profile", "ls", "-o", "json").out) if row["active"]] == ["pre"]
    deleted = podium("profile", "delete", "pre", "--yes")
    assert (deleted.out, deleted.err) == (
        "Deleted profile 'pre'.\n",
        "It was the active one; 'ephemeral' is in use.\n",
    )
    assert file.read_text() == '[profiles.production]\nPODIUM_API_URL = "http://staging/api"\n'


def test_ls_shows_built_in_and_own_profiles(podium: Podium, file: Path) -> None:
    """An asterisk marks the one in use; own ones are shown with their place."""
    podium("profile", "create", "mine", "--from", "local")
    podium("profile", "use", "mine")
    assert [line.split() for line in podium("profile", "ls").out.splitlines()] == [
        ["NAME", "SETTINGS", "ORIGIN"],
        ["ephemeral", "1", "built-in"],
        ["local", "1", "built-in"],
        ["test", "1", "built-in"],
        ["*", "mine", "1", f"{file}:3"],
    ]


def test_inspect_as_json_hides_secrets(podium: Podium) -> None:
    """Unless they are asked for."""
    podium("config", "set", "PODIUM_API_KEY=k")
    assert json.loads(podium("profile", "inspect", "-o", "json").out)["PODIUM_API_KEY"] == "********"
    assert json.loads(podium("profile", "inspect", "-o", "json", "--show-secrets").out)["PODIUM_API_KEY"] == "k"


@pytest.mark.parametrize("command", [["use"], ["inspect"], ["delete", "-y"], ["create", "new", "--from"]])
def test_a_missing_profile_is_named(podium: Podium, command: list[str]) -> None:
    """With the one that was probably meant, and the code for what is not found."""
    result = podium("profile", *command, "loca")
    assert (result.code, result.err) == (
        3,
        "Error: argument: there is no profile 'loca'. Did you mean local?\n",
    )


def test_a_name_that_is_taken_is_a_conflict(podium: Podium, file: Path) -> None:
    """Nothing is overwritten."""
    podium("profile", "create", "a", "--from", "local")
    before = file.read_text()
    assert podium("profile", "create", "a").code == 6
    assert podium("profile", "rename", "a", "local").code == 6
    assert file.read_text() == before


def test_delete_asks_and_without_a_terminal_refuses(podium: Podium, file: Path) -> None:
    """Nobody loses a profile to a script that did not mean it."""
    podium("profile", "create", "a")
    result = podium("profile", "delete", "a")
    assert (result.code, result.err) == (
        2,
        "Error: Delete profile 'a'? There is no terminal to ask on; give --yes.\n",
    )
    assert "[profiles.a]" in file.read_text()


def test_built_in_profiles_stay(podium: Podium) -> None:
    """They can be added to, not taken away."""
    assert podium("profile", "delete", "local", "-y").code == 2
    assert podium("-p", "local", "config", "set", "PODIUM_API_URL=http://other/api").code == 0
    assert podium("profile", "inspect", "local").out == "PODIUM_API_URL='http://other/api'\n"
    assert podium("profile", "delete", "local", "-y").code == 0
    assert podium("profile", "inspect", "local").out == "PODIUM_API_URL='http://127.0.0.1:4200/api'\n"


def test_a_chosen_profile_that_is_gone_can_be_mended(podium: Podium, file: Path) -> None:
    """The commands that mend it still work."""
    file.parent.mkdir()
    file.write_text('active = "gone"\n[profiles.here]\n')
    view = podium("config", "view")
    assert view.code == 2
    assert view.err.startswith(f"Error: {file}:1: there is no profile 'gone'.")
    assert "here" in podium("profile", "ls").out
    assert podium("profile", "use", "here").code == 0
    assert podium("config", "view").code == 0


def test_use_says_when_the_environment_chooses_another(podium: Podium, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or one would wonder."""
    monkeypatch.setenv("PREFECT_PROFILE", "test")
    result = podium("profile", "use", "local")
    assert result.err == "Warning: PODIUM_PROFILE or --profile still chooses 'test' here.\n"
