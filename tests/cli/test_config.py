"""`podium config`: what is in force, why, and how to change it."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Podium

Env = pytest.MonkeyPatch


@pytest.fixture
def file(home: Path) -> Path:
    """The profile file."""
    return home / ".podium" / "profiles.toml"


def test_view_shows_what_is_set_and_where(podium: Podium, monkeypatch: Env, home: Path) -> None:
    """The profile first, then each setting under the name it was set with, secrets hidden."""
    podium("profile", "create", "staging")
    podium("-p", "staging", "config", "set", "PREFECT_API_DATABASE_CONNECTION_URL=postgresql://u:p@h/d")
    monkeypatch.setenv("PODIUM_PROFILE", "staging")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    assert podium("config", "view", "--show-sources").out == (
        "PODIUM_PROFILE='staging'\n"
        "PODIUM_API_DATABASE_CONNECTION_URL='********' (from profile)\n"
        "PODIUM_API_URL='http://127.0.0.1:4200/api' (from env)\n"
        f"PODIUM_HOME='{home}/.podium' (from env)\n"
    )
    assert "(from" not in podium("config", "view", "--hide-sources").out
    assert "postgresql://u:p@h/d" in podium("config", "view", "--show-secrets").out


def test_view_shows_defaults_when_asked(podium: Podium) -> None:
    """Every setting of Podium, once."""
    lines = podium("config", "view", "--show-defaults").out.splitlines()
    assert "PODIUM_SERVER_API_PORT='4200' (from default)" in lines
    assert "PODIUM_SERVER_DATABASE_CONNECTION_URL='********' (from default)" in lines
    names = [line.split("=")[0] for line in lines]
    assert len(names) == len(set(names)) > 150


def test_view_as_json(podium: Podium, monkeypatch: Env) -> None:
    """Typed values with their sources, for programs."""
    monkeypatch.setenv("PODIUM_SERVER_API_PORT", "4300")
    monkeypatch.setenv("PODIUM_API_KEY", "k")
    shown = json.loads(podium("config", "view", "-o", "json").out)
    assert shown["profile"] == "ephemeral"
    assert shown["settings"]["PODIUM_SERVER_API_PORT"] == {"value": 4300, "source": "env", "origin": "environment"}
    assert shown["settings"]["PODIUM_API_KEY"]["value"] == "********"
    json.loads(podium("config", "view", "-o", "json", "--show-defaults", "--hide-sources").out)


def test_view_quotes_values_so_that_a_shell_reads_them_back(podium: Podium) -> None:
    """Whatever is in them; control characters never reach the terminal."""
    podium("config", "set", "PODIUM_SERVER_API_HOST=it's")
    assert "PODIUM_SERVER_API_HOST='it'\"'\"'s'" in podium("config", "view").out
    podium("config", "set", "PODIUM_SERVER_API_HOST=\x1b[31mred")
    assert "\x1b" not in podium("config", "view").out


def test_set_writes_to_the_profile_in_use(podium: Podium, file: Path) -> None:
    """Several at once, by name, alias or path; a PREFECT_ name becomes Podium's."""
    result = podium("config", "set", "PREFECT_API_URL=http://h/api", "server.api.port=4300")
    assert result.out == (
        "Set PODIUM_API_URL in profile 'ephemeral'.\nSet PODIUM_SERVER_API_PORT in profile 'ephemeral'.\n"
    )
    assert file.read_text() == (
        '[profiles.ephemeral]\nPODIUM_API_URL = "http://h/api"\nPODIUM_SERVER_API_PORT = "4300"\n'
    )


def test_set_says_when_something_else_wins(podium: Podium, monkeypatch: Env) -> None:
    """Or one would wonder why nothing changed."""
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", "1")
    result = podium("config", "set", "PODIUM_SERVER_API_PORT=2")
    assert result.code == 0
    assert result.err == "Warning: environment: PREFECT_SERVER_API_PORT wins over the profile.\n"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "PODIUM_SERVER_API_PROT=1",
            "argument: PODIUM_SERVER_API_PROT is not a setting. Did you mean PODIUM_SERVER_API_PORT?",
        ),
        (
            "PODIUM_SERVER_API_PORT=http",
            "argument: PODIUM_SERVER_API_PORT must be a whole number, at least 0, at most 65535, not 'http'.",
        ),
        (
            "PODIUM_SERVER_API_PORT",
            "argument: PODIUM_SERVER_API_PORT has no value; write PODIUM_SERVER_API_PORT=VALUE.",
        ),
        ("PODIUM_HOME=/x", "argument: PODIUM_HOME chooses the profile file, so only the environment can set it."),
        ("PODIUM_PROFILE=x", "argument: PODIUM_PROFILE is chosen with `podium profile use NAME`."),
        ("=x", "argument: an empty name is not a setting. `podium config view --show-defaults` lists all."),
        ("PREFECT_RUNNER_POLL_FREQUENCY=x", "argument: PREFECT_RUNNER_POLL_FREQUENCY must be a whole number, not 'x'."),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(podium: Podium, file: Path, assignment: str, message: str) -> None:
    """Also when the settings before it are right."""
    result = podium("config", "set", "PODIUM_API_URL=http://h/api", assignment)
    assert (result.code, result.out, result.err) == (2, "", f"Error: {message}\n")
    assert not file.exists()


def test_unset_removes_what_was_set(podium: Podium, file: Path) -> None:
    """Under any of its names; what is not there is said to be missing."""
    podium("config", "set", "PODIUM_API_DATABASE_CONNECTION_URL=sqlite://")
    result = podium("config", "unset", "PODIUM_SERVER_DATABASE_CONNECTION_URL")
    assert result.out == "Removed PODIUM_API_DATABASE_CONNECTION_URL from profile 'ephemeral'.\n"
    again = podium("config", "unset", "PODIUM_SERVER_DATABASE_CONNECTION_URL")
    assert (again.code, again.err) == (
        3,
        "Error: PODIUM_SERVER_DATABASE_CONNECTION_URL is not set in profile 'ephemeral'.\n",
    )
    assert podium("config", "unset", "PODIUM_SERVER_API_PROT").code == 2


def test_unset_removes_a_key_that_is_no_setting(podium: Podium, file: Path) -> None:
    """Which is how to mend a profile that no command accepts."""
    file.parent.mkdir()
    file.write_text("[profiles.ephemeral]\nPODIUM_SERVER_API_PROT = '1'\n")
    assert podium("config", "view").code == 2
    assert podium("config", "unset", "PODIUM_SERVER_API_PROT").code == 0
    assert podium("config", "view").code == 0


def test_explain_lists_every_candidate_and_marks_the_winner(podium: Podium, monkeypatch: Env, file: Path) -> None:
    """Variable, file and line, default."""
    podium("config", "set", "PODIUM_SERVER_API_PORT=1")
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", "2")
    Path("podium.toml").write_text("[server.api]\nport = 3\n")
    lines = podium("config", "explain", "server.api.port").out.splitlines()
    assert lines[0].startswith("PODIUM_SERVER_API_PORT: Port the server listens on")
    table = [line.split() for line in lines[3:]]
    assert table == [
        ["SOURCE", "ORIGIN", "NAME", "VALUE"],
        ["*", "env", "environment", "PREFECT_SERVER_API_PORT", "'2'"],
        ["podium.toml", "podium.toml:2", "server.api.port", "'3'"],
        ["profile", f"{file}:2", "PODIUM_SERVER_API_PORT", "'1'"],
        ["default", "default", "PODIUM_SERVER_API_PORT", "'4200'"],
    ]
    explained = json.loads(podium("config", "explain", "PREFECT_SERVER_API_PORT", "-o", "json").out)
    assert [each["wins"] for each in explained["candidates"]] == [True, False, False, False]


def test_explain_shows_what_is_ignored_and_why(podium: Podium) -> None:
    """A project file may not choose the server."""
    Path("podium.toml").write_text("[api]\nurl = 'http://evil.example'\n")
    out = podium("config", "explain", "PODIUM_API_URL").out
    assert "(ignored: project files may not say where data and credentials go" in out
    assert "*  default" in out


def test_explain_says_when_a_setting_does_nothing(podium: Podium) -> None:
    """What is only accepted for the sake of existing files is not taken for more."""
    assert "no effect" in podium("config", "explain", "PODIUM_SERVER_ANALYTICS_ENABLED").out
    assert "no effect" not in podium("config", "explain", "PODIUM_SERVER_API_PORT").out


def test_explain_works_when_other_settings_are_wrong(podium: Podium, monkeypatch: Env) -> None:
    """It is the tool to find out."""
    monkeypatch.setenv("PODIUM_SERVER_API_PORT", "http")
    assert "'http'" in podium("config", "explain", "PODIUM_SERVER_API_PORT").out
    assert podium("config", "view").err.startswith("Error: environment: PODIUM_SERVER_API_PORT must be a whole number")


def test_validate_finds_everything_at_once(podium: Podium, monkeypatch: Env, file: Path) -> None:
    """Also values that lose, and keys that are close to one."""
    assert podium("config", "validate").out == "All settings are in order: 2 set, profile 'ephemeral'.\n"
    file.parent.mkdir()
    file.write_text("[profiles.ephemeral]\nPODIUM_SERVER_API_PORT = 'a'\nPODIUM_API_ULR = 'x'\n")
    monkeypatch.setenv("PODIUM_SERVER_API_PORT", "b")
    monkeypatch.setenv("PODIUM_SERVER_DATABASE_HOST", "h")
    monkeypatch.setenv("PODIUM_SERVER_UI_ENABELD", "false")
    stem = "PODIUM_SERVER_DATABASE"
    result = podium("config", "validate")
    assert (result.code, result.out) == (2, "")
    assert result.err.splitlines() == [
        "Warning: environment: PODIUM_SERVER_UI_ENABELD is not a setting. Did you mean PODIUM_SERVER_UI_ENABLED?",
        f"Error: {file}:3: PODIUM_API_ULR is not a setting. Did you mean PODIUM_API_URL?",
        "Error: environment: PODIUM_SERVER_API_PORT must be a whole number, at least 0, at most 65535, not 'b'.",
        f"Error: {file}:2: PODIUM_SERVER_API_PORT must be a whole number, at least 0, at most 65535, not 'a'.",
        f"Error: environment: with {stem}_HOST a database URL also needs {stem}_USER, {stem}_NAME, {stem}_PASSWORD.",
    ]


def test_schema_describes_podium_toml(podium: Podium) -> None:
    """Nested as in the file, with sentences and bounds, without what the file may not set."""
    schema = json.loads(podium("config", "schema").out)
    api = schema["$defs"]["ServerApi"]["properties"]
    assert api["port"]["description"].startswith("Port the server listens on")
    assert (api["port"]["minimum"], api["port"]["maximum"]) == (0, 65535)
    assert api["websocket_ping_interval"]["type"] == ["number", "string"]
    assert "auth_string" not in api
    assert "url" not in schema["$defs"]["Api"]["properties"]
    assert "home" not in schema["properties"]
