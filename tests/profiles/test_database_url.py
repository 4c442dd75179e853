"""The database's URL: given whole, built from parts, or completed with a password."""

import pytest

from podium.profiles import SettingsError
from tests.profiles.conftest import Resolve

STEM = "PREFECT_API_DATABASE_"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h/d",
        "postgres://u:p@h/d",
        "postgresql+asyncpg://u:p@h/d",
        "postgresql+psycopg://u:p@h/d",
        "sqlite:///x.db",
        "sqlite+aiosqlite:///:memory:",
        "sqlite+aiosqlite:///file::memory:?cache=shared&uri=true",
    ],
)
def test_urls_of_either_database_are_accepted(settle: Resolve, url: str) -> None:
    """With any of the drivers people write."""
    assert settle({"PODIUM_SERVER_DATABASE_CONNECTION_URL": url}).settings.server.database.connection_url == url


def test_parts_make_a_postgresql_url(settle: Resolve) -> None:
    """Charts and compose files give the parts; their special characters are quoted."""
    environ = {
        f"{STEM}DRIVER": "postgresql+asyncpg",
        f"{STEM}HOST": "db.example",
        f"{STEM}USER": "me@corp",
        f"{STEM}PASSWORD": "p/w:@",
        f"{STEM}NAME": "podium",
    }
    resolved = settle(environ)
    assert (
        resolved.settings.server.database.connection_url
        == "postgresql+asyncpg://me%40corp:p%2Fw%3A%40@db.example:5432/podium"
    )
    origin = resolved.origin("server.database.connection_url")
    assert origin.source == "env"
    assert origin.where.startswith("follows from PREFECT_API_DATABASE_DRIVER, PREFECT_API_DATABASE_HOST")


def test_a_sqlite_file_needs_driver_and_name(settle: Resolve) -> None:
    """Its name may use the home directory."""
    environ = {"PODIUM_HOME": "/h", f"{STEM}DRIVER": "sqlite+aiosqlite", f"{STEM}NAME": "$PODIUM_HOME/x.db"}
    assert settle(environ).settings.server.database.connection_url == "sqlite+aiosqlite:////h/x.db"


def test_missing_parts_are_named(settle: Resolve) -> None:
    """All of them, at once."""
    with pytest.raises(SettingsError, match=r"needs PODIUM_SERVER_DATABASE_NAME, PODIUM_SERVER_DATABASE_PASSWORD\."):
        _ = settle({f"{STEM}HOST": "h", f"{STEM}USER": "u"}).settings


def test_a_url_wins_over_parts(settle: Resolve) -> None:
    """Whichever source it comes from."""
    environ = {"PODIUM_SERVER_DATABASE_CONNECTION_URL": "sqlite:///x", f"{STEM}HOST": "h"}
    assert settle(environ).settings.server.database.connection_url == "sqlite:///x"


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("postgresql://u@h:5433/d?x=1", "postgresql://u:p%20w@h:5433/d?x=1"),
        ("postgresql://u:own@h/d", "postgresql://u:own@h/d"),
        ("sqlite:///x@y/z", "sqlite:///x@y/z"),
    ],
)
def test_a_separate_password_completes_a_url(settle: Resolve, url: str, result: str) -> None:
    """Secrets may come apart from the rest."""
    environ = {"PODIUM_SERVER_DATABASE_CONNECTION_URL": url, "PODIUM_SERVER_DATABASE_PASSWORD": "p w"}
    assert settle(environ).settings.server.database.connection_url == result


def test_one_redis_url_switches_messages_and_services(settle: Resolve) -> None:
    """Unless one of them has its own."""
    found = settle({"PODIUM_REDIS_URL": "redis://r/1", "PODIUM_SERVER_DOCKET_URL": "redis://other"}).settings
    assert found.redis.messaging.url == "redis://r/1"
    assert found.server.events.messaging_broker == "redis"
    assert found.server.docket.url == "redis://other"


def test_the_parts_of_a_redis_switch_them_too(settle: Resolve) -> None:
    """As soon as a source says where that Redis is; the URL wins over the parts."""
    parts = {
        "PREFECT_REDIS_MESSAGING_HOST": "::1",
        "PODIUM_REDIS_MESSAGING_PORT": "7000",
        "PODIUM_REDIS_MESSAGING_DB": "3",
        "PODIUM_REDIS_MESSAGING_PASSWORD": "p/w",
        "PODIUM_REDIS_MESSAGING_SSL": "true",
    }
    found = settle(parts).settings
    assert found.server.docket.url == "rediss://default:p%2Fw@[::1]:7000/3"
    assert found.server.events.messaging_broker == "redis"
    assert found.redis.messaging.url is None
    assert settle({**parts, "PODIUM_REDIS_URL": "redis://r"}).settings.server.docket.url == "redis://r"
    assert settle({"PODIUM_REDIS_MESSAGING_URL": "redis://m"}).settings.server.docket.url == "redis://m"
    assert settle({"PODIUM_REDIS_MESSAGING_PORT": "7000"}).settings.server.docket.url == "memory://"
