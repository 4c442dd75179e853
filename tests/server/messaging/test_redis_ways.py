"""The ways to a Redis: TLS, a password, and sentinels who know the master of the moment."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from docket import Docket

from podium.profiles import load_settings
from podium.profiles.sections.redis import Messaging
from podium.server.messaging.connection import connect_to
from podium.server.messaging.redis import RedisBus
from podium.server.messaging.sentinels import parse_sentinels
from podium.server.messaging.topics import TYPES
from tests import backing
from tests.certificates import make_certificate
from tests.own_redis import OwnRedis
from tests.server.messaging.test_redis import until

pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None, reason="Redis: redis-server is not on the path")


@contextmanager
def redis_at(folder: Path, *more: str, certificate: Path | None = None) -> Iterator[OwnRedis]:
    server = OwnRedis(folder, certificate, more)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def sentinel_of(folder: Path, master: OwnRedis) -> Iterator[int]:
    """A sentinel that lets another take over half a second after the master died; its port."""
    port = backing.free_port()
    configuration = folder / "sentinel.conf"
    configuration.write_text(
        f"port {port}\nsentinel monitor podium 127.0.0.1 {master.port} 1\n"
        "sentinel down-after-milliseconds podium 500\nsentinel failover-timeout podium 3000\n"
    )
    process = subprocess.Popen(["redis-server", configuration, "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def knows_a_replica(port: int) -> bool:
    try:
        with connect_to(f"redis://127.0.0.1:{port}", 5) as sentinel:
            return bool(sentinel.sentinel_slaves("podium"))
    except redis.ConnectionError:
        return False


async def prove(messaging: Messaging, url: str) -> None:
    """Messages, background services and `podium server check` all reach it."""
    bus = RedisBus(messaging, TYPES)
    await bus.start()
    await until(lambda: bus.is_connected)
    await bus.close()
    async with Docket(name="proof", url=url) as docket:
        await docket.snapshot()
    with connect_to(url, 5) as client:
        assert client.ping()


async def test_tls_and_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one URL that names whom to trust, or in parts."""
    certificate = make_certificate(tmp_path / "both.pem")
    with redis_at(tmp_path, certificate=certificate) as server:
        await prove(Messaging(url=server.url), server.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        stem = "PODIUM_REDIS_MESSAGING_"
        parts = {"HOST": "127.0.0.1", "PORT": str(server.port), "PASSWORD": "p/w", "SSL": "true"}
        settings = load_settings(environ={f"{stem}{name}": value for name, value in parts.items()}, cwd=tmp_path)
        await prove(settings.redis.messaging, settings.server.docket.url)


async def test_a_failover_is_followed(tmp_path: Path) -> None:
    """The sentinels are asked again when the master is gone."""
    with redis_at(tmp_path) as master:
        of_master = ("--replicaof", "127.0.0.1", str(master.port), "--repl-diskless-sync-delay", "0")
        with redis_at(tmp_path, *of_master), sentinel_of(tmp_path, master) as port:
            url = f"redis+sentinel://127.0.0.1:{port}/podium/1"
            await until(lambda: knows_a_replica(port), 20)
            bus = RedisBus(Messaging(url=url, socket_timeout=1.5), TYPES)
            await bus.start()
            await until(lambda: bus.is_connected)
            master.stop()
            await until(lambda: bus.trouble is not None)
            await until(lambda: bus.is_connected, 20)
            await bus.close()
            await prove(Messaging(url=url), url)


def test_urls_of_sentinels() -> None:
    """Several, their own credentials apart from the master's, TLS for both."""
    found = parse_sentinels(
        "rediss+sentinel://me:p%2Fw@one:1,two/service/4?sentinel_password=own&ssl_ca_certs=/ca&socket_timeout=3"
    )
    assert found.sentinels == [("one", 1), ("two", 26379)]
    assert found.service == "service"
    tls = {"ssl": True, "ssl_ca_certs": "/ca"}
    assert found.master == {"username": "me", "password": "p/w", "db": 4, "socket_timeout": 3.0, **tls}
    assert found.own == {"password": "own", **tls}
    for url in ("redis+sentinel://host", "redis+sentinel:///service"):
        with pytest.raises(ValueError, match="a URL of sentinels is"):
            parse_sentinels(url)
