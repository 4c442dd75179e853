"""`podium server check` and `podium healthcheck`: proofs before a start, and one question for supervisors."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Podium
from tests.cli.processes import ServerProcess

DATABASE = "PODIUM_SERVER_DATABASE_CONNECTION_URL"


def results(podium: Podium) -> tuple[int, dict[str, tuple[str, str]]]:
    answer = podium("server", "check", "-o", "json")
    return answer.code, {each["check"]: (each["result"], each["detail"]) for each in json.loads(answer.out)}


def test_everything_that_is_there_is_proved(
    podium: Podium, postgres_url: str, redis_url: str, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Database, schema, both clocks and Redis; nothing is changed."""
    monkeypatch.setenv(DATABASE, postgres_url)
    monkeypatch.setenv("PODIUM_REDIS_URL", redis_url)
    monkeypatch.setenv("PODIUM_SERVER_API_PORT", str(free_port))
    code, checks = results(podium)
    assert code == 0
    assert {name for name, (result, _) in checks.items() if result == "ok"} == {
        "settings", "port", "database", "schema", "database clock", "redis", "redis clock",
    }  # fmt: skip
    assert "the first start makes them" in checks["schema"][1]


def test_what_fails_is_named_with_its_fix(podium: Podium, monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    """And the exit code says so."""
    monkeypatch.setenv(DATABASE, f"postgresql://nobody@127.0.0.1:{free_port}/none")
    monkeypatch.setenv("PODIUM_REDIS_URL", f"redis://127.0.0.1:{free_port}")
    code, checks = results(podium)
    assert code == 1
    assert checks["database"][0] == checks["redis"][0] == "failed"
    assert "check that PostgreSQL runs there" in checks["database"][1]
    assert "PODIUM_REDIS_URL" in checks["redis"][1]


def test_a_process_is_asked_whether_it_is_well(podium: Podium, home: Path, free_port: int) -> None:
    """Without an address it is the one of this home."""
    absent = podium("healthcheck", "--url", f"http://127.0.0.1:{free_port}/api")
    assert absent.code == 1
    assert absent.err.count("\n") == 1
    with ServerProcess(home, free_port) as server:
        server.until_ready()
        assert podium("healthcheck").out == f"http://127.0.0.1:{free_port}/api is alive.\n"
        assert podium("healthcheck", "--ready").out == f"http://127.0.0.1:{free_port}/api is ready.\n"
