"""`podium server services`: what listing and starting the background services promise their user."""

import json
from pathlib import Path

import pytest

from tests import backing
from tests.cli.conftest import Podium
from tests.cli.processes import ServerProcess

DATABASE = "PODIUM_SERVER_DATABASE_CONNECTION_URL"


def test_the_list_says_what_is_on_and_which_variable_says_so(podium: Podium, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs no server, and fits a terminal of 80 columns."""
    monkeypatch.setenv("PODIUM_SERVER_SERVICES_FOREMAN_ENABLED", "false")
    listed = podium("server", "services", "ls")
    assert listed.code == 0
    heading, *rows = listed.out.splitlines()
    assert heading.split("  ")[0] == "NAME"
    assert max(map(len, rows)) <= 80
    [foreman] = [row for row in rows if row.startswith("foreman")]
    assert foreman.split() == ["foreman", "off", "15", "s", "off", "FOREMAN"]
    assert "PODIUM_SERVER_SERVICES_<variable>_ENABLED" in listed.err


def test_the_list_for_scripts_has_everything(podium: Podium) -> None:
    """With the whole names of the variables."""
    [late] = [
        each for each in json.loads(podium("server", "services", "ls", "-o", "json").out) if each["name"] == "late-runs"
    ]
    assert late["variable"] == "PODIUM_SERVER_SERVICES_LATE_RUNS_ENABLED"
    assert (late["on"], late["interval"]) == (True, 5.0)
    assert late["what"]


def test_services_of_their_own_are_refused_where_they_could_not_meet_the_others(
    podium: Podium, postgres_url: str, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal names the settings to change."""
    monkeypatch.setenv(DATABASE, sqlite_url)
    refused = podium("server", "services", "start")
    assert refused.code == 1
    assert refused.err == (
        "Error: The services do not start: background services in a process of their own need PostgreSQL, since "
        "SQLite has one writer: set PODIUM_SERVER_DATABASE_CONNECTION_URL to a postgresql:// URL, or use "
        "`podium server start`\n"
    )
    monkeypatch.setenv(DATABASE, postgres_url)
    refused = podium("server", "services", "start")
    assert refused.code == 1
    assert refused.err == (
        "Error: The services do not start: background services in a process of their own need to share messages and "
        "work over Redis, and PODIUM_SERVER_EVENTS_MESSAGING_BROKER and PODIUM_SERVER_DOCKET_URL keep them in memory: "
        "set PODIUM_REDIS_URL to a redis:// URL, or use `podium server start`\n"
    )


def test_a_second_process_with_services_is_refused_where_the_two_could_not_share(
    podium: Podium, home: Path, database_url: str, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work would be done twice; after the first one is gone, however it went, the second starts."""
    variables = {DATABASE: database_url}
    monkeypatch.setenv(DATABASE, database_url)
    with ServerProcess(home, free_port, **variables) as first:
        first.until_ready()
        refused = podium("server", "start", "--port", "0")
        assert refused.code == 1
        assert "another process runs the background services of this database" in refused.err
        assert "--no-services" in refused.err
        assert "PODIUM_REDIS_URL" in refused.err
    with ServerProcess(home, backing.free_port(), **variables) as second:
        second.until_ready()


def test_several_workers_on_postgresql_without_redis_are_refused(
    podium: Podium, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their messages would not reach each other."""
    monkeypatch.setenv(DATABASE, postgres_url)
    refused = podium("server", "start", "--port", "0", "--workers", "2")
    assert refused.code == 1
    assert "2 workers need to share messages and work over Redis" in refused.err
    assert "set PODIUM_REDIS_URL to a redis:// URL, or use --workers 1" in refused.err
