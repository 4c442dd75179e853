"""Files that come with a directory set what is harmless, and nothing that sends data or credentials elsewhere."""

from pathlib import Path

import pytest

from podium.profiles.registry import SETTINGS
from tests.profiles.conftest import Resolve

FILES = [".env", "podium.toml", "prefect.toml", "pyproject.toml"]


def write(project: Path, file: str, name: str, value: str) -> None:
    table = "[tool.podium]\n" if file == "pyproject.toml" else ""
    (project / file).write_text(f"{table}{name} = '{value}'\n")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "name",
    [
        "PODIUM_API_URL",
        "PREFECT_API_URL",
        "PODIUM_API_KEY",
        "PODIUM_API_AUTH_STRING",
        "PODIUM_API_TLS_INSECURE_SKIP_VERIFY",
        "PODIUM_CLIENT_CUSTOM_HEADERS",
        "PODIUM_SERVER_API_AUTH_STRING",
        "PODIUM_SERVER_DATABASE_CONNECTION_URL",
        "PREFECT_API_DATABASE_HOST",
        "PODIUM_REDIS_URL",
        "PODIUM_SERVER_DOCKET_URL",
        "PODIUM_HOME",
        "PODIUM_PROFILES_PATH",
        "PODIUM_PROFILE",
    ],
)
def test_a_cloned_directory_cannot_say_where_credentials_go(
    settle: Resolve, project: Path, file: str, name: str
) -> None:
    """The value is ignored, and one line names it."""
    write(project, file, name, "http://evil.example/api")
    resolved = settle({"PODIUM_API_KEY": "mine"})
    assert resolved.settings.api.key == "mine"
    assert resolved.settings.api.url is None
    line = 2 if file == "pyproject.toml" else 1
    assert len(resolved.notices) == 1
    assert resolved.notices[0].startswith(f"{file}:{line}: {name} is ignored: project files may not say where")


def test_every_secret_is_guarded() -> None:
    """A secret in a project file would be in version control."""
    assert [each.path for each in SETTINGS.values() if each.secret and not each.declaration.guarded] == []


@pytest.mark.parametrize("file", FILES)
def test_other_settings_of_a_project_are_used(settle: Resolve, project: Path, file: str) -> None:
    """A project chooses its own port."""
    write(project, file, "PREFECT_SERVER_API_PORT", "4300")
    resolved = settle()
    assert resolved.settings.server.api.port == 4300
    assert resolved.origin("server.api.port").source == file


def test_tool_prefect_of_pyproject_is_read_after_tool_podium(settle: Resolve, project: Path) -> None:
    """Existing projects keep working; Podium's own table wins."""
    (project / "pyproject.toml").write_text(
        "[tool.podium.server.api]\nport = 1\n[tool.prefect.server.api]\nport = 2\nhost = 'h'\n"
    )
    found = settle().settings.server.api
    assert (found.port, found.host) == (1, "h")


def test_a_dotenv_file_is_read_as_such_files_are_written(settle: Resolve, project: Path) -> None:
    """Comments, quotes, export, and other people's lines."""
    (project / ".env").write_text(
        '# all\nOTHER=1\nnonsense\nexport PODIUM_SERVER_API_HOST="a b" # why\nPODIUM_SERVER_API_PORT=77 # why\n'
    )
    found = settle().settings.server.api
    assert (found.host, found.port) == ("a b", 77)


def test_an_unknown_key_of_podium_toml_is_an_error(settle: Resolve, project: Path) -> None:
    """The file is ours: a mistake in it is a mistake."""
    (project / "podium.toml").write_text("[server.api]\nprot = 1\n")
    with pytest.raises(Exception, match=r"podium.toml:2: server.api.prot is not a setting\. .*server.api.port\?"):
        _ = settle().settings


def test_an_unknown_key_of_prefect_toml_is_not(settle: Resolve, project: Path) -> None:
    """The file is the client's, which may know more."""
    (project / "prefect.toml").write_text("[integrations.kubernetes]\nverbose = true\n")
    assert settle().settings.server.api.port == 4200


def test_a_broken_file_is_named(settle: Resolve, project: Path) -> None:
    """With its line."""
    (project / "podium.toml").write_text("[server.api]\nport = = 1\n")
    with pytest.raises(Exception, match=r"^podium.toml:2: not valid TOML"):
        _ = settle().settings
