"""What can be proved about a server's surroundings before it is started."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection, text

from podium.db.commands import revision_of, state_of
from podium.db.connections import open_engine
from podium.db.diagnosis import check_version, reaching
from podium.db.errors import DatabaseError
from podium.db.options import Options
from podium.profiles import Settings
from podium.profiles.masking import mask_url
from podium.server import launch
from podium.server.listening import PortUnavailable, listen
from podium.server.messaging.connection import connect_to
from podium.wire.findings import Finding, Result, found

LARGEST_SKEW = 2.0
"""Seconds by which two clocks may differ before schedules and leases suffer."""

PEER_SECONDS = 60.0
PATIENCE = 5.0

_PEERS = text("SELECT process, max(last_started) FROM service_heartbeats GROUP BY process")
_SCHEMA: Final[dict[str, tuple[Result, str]]] = {
    "current": ("ok", "the tables are of this version"),
    "empty": ("ok", "there are no tables yet; the first start makes them"),
    "behind": ("warning", "the tables are older; the next start, or `podium server database upgrade`, migrates them"),
    "unknown": ("failed", "the tables are of a newer Podium; upgrade this one"),
}


def check_surroundings(settings: Settings) -> list[Finding]:
    """Looks at everything a server with these settings needs; changes nothing."""
    return [check_settings(settings), _port(settings), *check_database(settings), *check_redis(settings)]


def check_settings(settings: Settings) -> Finding:
    """Whether the settings of a server fit each other."""
    try:
        launch.check(settings)
        launch.check_ui(settings)
    except launch.CannotStart as refusal:
        return found("settings", "failed", str(refusal))
    return found("settings", "ok", "they fit each other")


def _port(settings: Settings) -> Finding:
    api = settings.server.api
    try:
        listen(api.host, api.port).close()
    except PortUnavailable as refusal:
        return found("port", "failed", str(refusal))
    return found("port", "ok", f"{api.host}:{api.port} is free")


def check_database(settings: Settings) -> list[Finding]:
    """Whether the database answers, has the tables of this version, and tells the time."""
    url = settings.server.database.connection_url
    try:
        with reaching(url), _connected(url, Options.of(settings.server.database)) as connection:
            return list(_look_at(url, connection))
    except DatabaseError as refusal:
        return [found("database", "failed", str(refusal))]


@contextmanager
def _connected(url: str, options: Options) -> Iterator[Connection]:
    engine = open_engine(url, options)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _look_at(url: str, connection: Connection) -> Iterator[Finding]:
    check_version(url, connection)
    started = time.perf_counter()
    connection.execute(text("SELECT 1"))
    answered = time.perf_counter() - started
    yield found("database", "ok", f"{mask_url(url)} answers in {answered * 1000:.0f} ms")
    state = state_of(revision_of(connection))
    result, detail = _SCHEMA[state]
    yield found("schema", result, detail)
    if connection.dialect.name == "postgresql":
        yield _skew("database clock", lambda: _database_time(connection))
        if state == "current":
            yield _peers(connection)


def _database_time(connection: Connection) -> datetime:
    moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment


def _skew(name: str, ask: Callable[[], datetime]) -> Finding:
    before = datetime.now(UTC)
    theirs = ask()
    after = datetime.now(UTC)
    skew = (theirs - (before + (after - before) / 2)).total_seconds()
    result: Result = "ok" if abs(skew) <= LARGEST_SKEW else "failed"
    fix = "" if result == "ok" else "; let both follow the same time server"
    return found(name, result, f"{skew:+.3f} s from this machine's{fix}")


def _peers(connection: Connection) -> Finding:
    now = datetime.now(UTC)
    others = [
        process
        for process, seen in connection.execute(_PEERS).all()
        if seen is not None and (now - seen).total_seconds() < PEER_SECONDS
    ]
    if not others:
        return found("peers", "ok", "no other process runs background services on this database")
    return found("peers", "ok", f"background services run in {', '.join(sorted(others))}")


def check_redis(settings: Settings) -> list[Finding]:
    """Whether each Redis that is used answers, tells the time, and keeps what it is given."""
    urls = {settings.server.docket.url, settings.redis.messaging.url or ""}
    used = sorted(url for url in urls if url and not url.startswith("memory://"))
    return [check for url in used for check in _one_redis(url)]


def _one_redis(url: str) -> list[Finding]:
    try:
        with connect_to(url, PATIENCE) as client:
            started = time.perf_counter()
            client.ping()
            answered = (time.perf_counter() - started) * 1000
            memory: Any = client.info("memory")
            policy = memory.get("maxmemory_policy", "noeviction")
            skew = _skew("redis clock", lambda: _redis_time(client))
    except (RedisError, OSError, ValueError) as error:
        fix = "check that Redis runs there (PODIUM_REDIS_URL)"
        return [found("redis", "failed", f"{mask_url(url)}: {error}; {fix}")]
    checks = [found("redis", "ok", f"{mask_url(url)} answers in {answered:.0f} ms"), skew]
    if policy != "noeviction":
        detail = f"its maxmemory-policy {policy} may drop work; set it to noeviction"
        checks.append(found("redis memory", "warning", detail))
    return checks


def _redis_time(client: Redis) -> datetime:
    seconds, microseconds = client.time()
    return datetime.fromtimestamp(seconds + microseconds / 1e6, UTC)
