"""`podium doctor`: what is wrong is found wherever it is, with what to do about it; nothing is changed."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from podium.client import checkup
from podium.db.connections import open_engine
from podium.db.options import Options
from podium.db.urls import sqlite_path
from podium.server import doctor
from tests.backing import free_port
from tests.cli.conftest import Podium
from tests.db.filling import fill
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for

DATABASE = "PODIUM_SERVER_DATABASE_CONNECTION_URL"


@pytest.fixture
def used_url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of a server, which the settings name; nothing answers for it."""
    migrate(database_url)
    monkeypatch.setenv(DATABASE, database_url)
    monkeypatch.setenv("PODIUM_API_URL", f"http://127.0.0.1:{free_port()}/api")
    return database_url


def execute(url: str, *statements: str) -> None:
    engine = open_engine(url, Options())
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.commit()
    engine.dispose()


def findings(podium: Podium, *arguments: str) -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
    answer = podium("doctor", "-o", "json", *arguments)
    return answer.code, {(each["side"], each["check"]): each for each in json.loads(answer.out)}


def test_all_is_well_with_a_server_that_runs(podium: Podium, used_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides, and the exit code 0."""
    with LiveServer(settings_for(used_url), with_services=False) as server:
        monkeypatch.setenv("PODIUM_API_URL", server.url)
        answer = podium("doctor")
        assert (answer.code, answer.err) == (0, "")
        assert ", 0 failed, " in answer.out.splitlines()[-1]
        code, found = findings(podium)
    assert code == 0
    for check in ("settings", "profile", "server", "clock", "ready", "credentials", "version"):
        assert found["client", check]["result"] == "ok", found["client", check]
    for check in ("settings", "database", "schema", "tables", "orphans"):
        assert found["server", check]["result"] == "ok", found["server", check]


def test_a_server_that_is_not_there(podium: Podium, used_url: str) -> None:
    """Fails, with what starts one; its database is looked at all the same."""
    code, found = findings(podium)
    assert code == 1
    assert found["client", "server"]["result"] == "failed"
    assert "podium server start" in found["client", "server"]["fix"]
    assert found["server", "tables"]["result"] == "ok"


def test_this_side_alone(podium: Podium, used_url: str) -> None:
    """--client looks at nothing here but the settings."""
    _, found = findings(podium, "--client")
    assert {side for side, _ in found} == {"client"}


def test_a_setting_that_cannot_be_read(podium: Podium, used_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a finding like others, not the end."""
    monkeypatch.setenv("PODIUM_SERVER_API_PORT", "many")
    code, found = findings(podium)
    assert code == 1
    assert "PODIUM_SERVER_API_PORT" in found["client", "settings"]["detail"]


def test_a_server_of_another_version_that_lets_nobody_in(
    podium: Podium, used_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials and versions, each with its fix."""
    with LiveServer(settings_for(used_url, PODIUM_SERVER_API_AUTH_STRING="a:b"), with_services=False) as server:
        monkeypatch.setenv("PODIUM_API_URL", server.url)
        _, found = findings(podium, "--client")
        assert "PODIUM_API_AUTH_STRING" in found["client", "credentials"]["fix"]
        monkeypatch.setenv("PODIUM_API_AUTH_STRING", "a:b")
        monkeypatch.setattr(checkup, "__version__", "0.0.1")
        _, found = findings(podium, "--client")
        assert found["client", "version"]["result"] == "warning"
        assert "0.0.1" in found["client", "version"]["detail"]


def test_clocks_that_differ() -> None:
    """By what the server says of its time, which an older one does not."""
    now = datetime.now(UTC)
    assert checkup._clock(now, now, now).result == "ok"
    assert checkup._clock(None, now, now).result == "note"
    late = checkup._clock(now - timedelta(seconds=90), now, now)
    assert (late.result, late.detail) == ("failed", "the server's is -90.0 s from this machine's")


def test_what_is_wrong_in_a_database_is_found(podium: Podium, used_url: str) -> None:
    """An index that is missing, rows of lost runs, a stopped loop, forgotten leases, blocks that nobody can read."""
    fill(used_url)
    beat = datetime.now(UTC) - timedelta(hours=1)
    moment = f"'{beat.isoformat()}'" if used_url.startswith("postgres") else str(int(beat.timestamp() * 1_000_000))
    execute(
        used_url,
        "DROP INDEX ix_flow_runs_name",
        "DELETE FROM service_heartbeats",
        "INSERT INTO service_heartbeats (name, process, interval, last_finished) "
        f"VALUES ('scheduler', 'host:1', 60, {moment})",
    )
    code, found = findings(podium)
    assert code == 1
    failed, warned = ("indexes", "services", "blocks"), ("leases", "orphans")
    expected = {**dict.fromkeys(failed, "failed"), **dict.fromkeys(warned, "warning")}
    assert {check: found["server", check]["result"] for check in expected} == expected
    assert "ix_flow_runs_name" in found["server", "indexes"]["detail"]
    assert "scheduler is late" in found["server", "services"]["detail"]
    assert found["server", "orphans"]["fix"] == "podium server database prune --only orphans"
    assert "PODIUM_SERVER_ENCRYPTION_KEY" in found["server", "blocks"]["fix"]
    assert [each for each in found.values() if each["result"] == "failed" and not each["fix"]] == []


def test_a_reference_to_nothing_is_found(podium: Podium, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite, which lets another program make one; --quick leaves it out."""
    monkeypatch.setenv(DATABASE, sqlite_url)
    migrate(sqlite_url)
    fill(sqlite_url)
    execute(sqlite_url, "DELETE FROM flows")
    _, found = findings(podium)
    assert found["server", "references"]["result"] == "failed"
    assert "flow_runs to flows" in found["server", "references"]["detail"]
    _, quick = findings(podium, "--quick")
    assert ("server", "references") not in quick
    assert ("server", "integrity") not in quick


def test_a_key_that_others_may_read_and_a_disk_that_is_full(
    podium: Podium, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both before anything is lost by it."""
    monkeypatch.setenv(DATABASE, sqlite_url)
    migrate(sqlite_url)
    key = Path(f"{sqlite_path(sqlite_url)}.key")
    key.write_text("x")
    key.chmod(0o644)
    monkeypatch.setattr(doctor, "LEAST_FREE", 1 << 60)
    _, found = findings(podium)
    assert "chmod 600" in found["server", "key file"]["fix"]
    assert found["server", "disk"]["result"] == "failed"


def test_nothing_is_changed(podium: Podium, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is nothing yet: no file is made."""
    monkeypatch.setenv(DATABASE, sqlite_url)
    path = Path(str(sqlite_path(sqlite_url)))
    assert findings(podium)[1]["server", "database"]["result"] == "note"
    assert not path.exists()
    migrate(sqlite_url)
    fill(sqlite_url)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    findings(podium)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_an_index_that_postgresql_does_not_use(
    podium: Podium, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was being made when somebody stopped it."""
    monkeypatch.setenv(DATABASE, postgres_url)
    migrate(postgres_url)
    superuser = make_url(postgres_url).username == "postgres"
    if not superuser:
        pytest.skip("PostgreSQL: marking an index as not valid needs a superuser")
    execute(postgres_url, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_flow_runs_name'::regclass")
    _, found = findings(podium)
    assert found["server", "indexes"]["fix"] == "REINDEX INDEX ix_flow_runs_name"
