"""`podium server check` and `podium healthcheck`: proofs before a start, and one question for supervisors."""

import json
import re
import socket
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from podium.server import checks as surroundings
from tests.cli.conftest import Podium
from tests.cli.processes import ServerProcess, ServicesProcess
from tests.migrated import migrate

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


def test_each_thing_that_fails_says_why_and_what_to_do(
    podium: Podium, postgres_url: str, redis_url: str, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that is taken, tables of a newer or an older version, clocks that differ, a Redis that may forget."""
    monkeypatch.setenv(DATABASE, postgres_url)
    monkeypatch.setenv("PODIUM_REDIS_URL", redis_url)
    monkeypatch.setenv("PODIUM_SERVER_API_PORT", str(free_port))
    migrate(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for revision, result, detail in (
            ("9999", "failed", "the tables are of a newer Podium; upgrade this one"),
            (
                "0001",
                "warning",
                "the tables are older; the next start, or `podium server database upgrade`, migrates them",
            ),
        ):
            connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))
            code, checks = results(podium)
            assert (code, checks["schema"]) == (int(result == "failed"), (result, detail))
    monkeypatch.setattr(surroundings, "datetime", _Slow)
    with socket.create_server(("127.0.0.1", free_port)):
        code, checks = results(podium)
    assert code == 1
    for name in ("database clock", "redis clock"):
        result, detail = checks[name]
        assert result == "failed"
        assert re.fullmatch(r"\+3\.\d{3} s from this machine's; let both follow the same time server", detail)
    result, detail = checks["port"]
    assert result == "failed"
    assert detail.startswith(f"port {free_port} of 127.0.0.1 is taken by ")
    assert detail.endswith("; stop that, or choose another with --port")


class _Slow(datetime):
    """A clock that is three seconds late."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime.now(tz) - timedelta(seconds=3.1)


def test_other_processes_with_services_are_named(
    podium: Podium, home: Path, postgres_url: str, redis_url: str, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that gave a sign of life within the last minute."""
    variables = {DATABASE: postgres_url, "PODIUM_REDIS_URL": redis_url}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with ServicesProcess(home, free_port, **variables) as services:
        services.until_ready()
        end = time.monotonic() + 30
        while True:
            code, checks = results(podium)
            if f":{services.process.pid}" in checks["peers"][1]:
                break
            assert time.monotonic() < end
            time.sleep(0.5)
    assert code == 0
    assert checks["peers"] == ("ok", f"background services run in {socket.gethostname()}:{services.process.pid}")
