"""deploy/compose.yaml says what Podium understands; tests/chaos runs it."""

from pathlib import Path

import pytest
import yaml

from podium.profiles.resolve import load_settings
from podium.server import launch
from tests.deploy import commands, compose
from tests.deploy.conftest import Tool

SECRETS = {"POSTGRES_PASSWORD": "postgres-secret", "REDIS_PASSWORD": "redis-secret"}
PODIUM = {
    "migrate": "podium server database upgrade",
    "api-1": "podium server start",
    "api-2": "podium server start",
    "services-1": "podium server services start",
    "services-2": "podium server services start",
}


@pytest.fixture
def services() -> dict[str, compose.Service]:
    return compose.services(SECRETS)


READ = "import sys; from compose_spec import PyOptions; PyOptions().from_yaml(open(sys.argv[1]).read()).validate()"


def test_every_key_and_value_is_of_the_specification(tool: Tool, tmp_path: Path) -> None:
    """As a parser of it reads the file; what services refer to is there."""
    document = compose.document(SECRETS)
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(document))
    result = tool("python", "-c", READ, tmp_path / "compose.yaml")
    assert result.returncode == 0, result.stderr
    for service in document["services"].values():
        assert set(service.get("depends_on", ())) <= set(document["services"])
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in document["volumes"] or (compose.DEPLOY / source).is_file()


def test_every_command_and_health_check_is_one_of_podium(services: dict[str, compose.Service]) -> None:
    """Each parses as it stands, without being run."""
    assert {name: commands.parse(each.command) for name, each in services.items() if each.is_podium} == PODIUM
    checks = {name: each.healthcheck for name, each in services.items() if each.is_podium and each.healthcheck}
    assert set(checks) == set(PODIUM) - {"migrate"}
    for check in checks.values():
        assert check[:2] == ["CMD", "podium"]
        assert commands.parse(check[2:]) == "podium healthcheck"


def test_every_variable_is_a_setting_that_has_this_value(services: dict[str, compose.Service]) -> None:
    """And the processes that share are not refused: database and Redis are set for all of them."""
    for name in PODIUM:
        environment = services[name].environment
        assert commands.unknown_settings(environment) == []
        settings = load_settings(environ=environment)
        launch.check_services(settings)
        assert settings.server.database.migrate_on_start is False
        assert settings.server.database.connection_url.endswith("postgres-secret@postgres:5432/podium")
        assert not settings.server.api.auth_string


def test_what_is_kept_secret_has_no_default() -> None:
    """The message of the file names the variable that is missing."""
    with pytest.raises(compose.Unset, match=r"^POSTGRES_PASSWORD: set it in \.env$"):
        compose.services({})


def test_the_example_of_secrets_names_what_the_file_asks_for() -> None:
    """Every variable without a default, and only variables of the file."""
    example = (compose.DEPLOY / "env.example").read_text()
    named = {line.partition("=")[0] for line in example.splitlines() if line and not line.startswith("#")}
    assert set(SECRETS) <= named
    text = compose.FILE.read_text()
    assert [name for name in named if f"${{{name}" not in text] == []


def test_nothing_starts_before_the_tables_are_up_to_date(services: dict[str, compose.Service]) -> None:
    """And the migration waits for the database."""
    assert services["migrate"].depends_on["postgres"] == {"condition": "service_healthy"}
    for name in set(PODIUM) - {"migrate"}:
        assert services[name].depends_on["migrate"] == {"condition": "service_completed_successfully"}
        assert services[name].restart == "unless-stopped"


def test_no_process_can_do_more_than_it_needs(services: dict[str, compose.Service]) -> None:
    """Nothing but its home and /tmp can be written, and no right can be had."""
    for name in PODIUM:
        rest = services[name].rest
        assert rest["read_only"] is True
        assert rest["cap_drop"] == ["ALL"]
        assert rest["security_opt"] == ["no-new-privileges:true"]
