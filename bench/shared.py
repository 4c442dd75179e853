"""Podium on PostgreSQL and Redis: a database and a Redis made for the measure, gone with it.

`PODIUM_TEST_POSTGRES_URL` names a server where databases may be made (postgresql://postgres@127.0.0.1:5432/postgres).
"""

import os
import secrets
import shutil
import socket
import subprocess
import time
from contextlib import suppress

import psycopg
import redis

from bench.servers import OwnServer

POSTGRES = os.environ.get("PODIUM_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
WORKERS = {"podium-postgresql": 1, "podium-postgresql-2": 2}
"""What such a server is called, and how many processes of it answer; with one, that runs the services too."""


class SharedServer(OwnServer):
    """Podium on a PostgreSQL database and a Redis of its own; frozen, neither of them is."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "podium")
        workers = WORKERS[name]
        self.arguments = ("--workers", str(workers)) if workers > 1 else ()
        self._database = f"podium_bench_{secrets.token_hex(4)}"
        self._redis = _OwnRedis()
        self._make_database()
        self.settings = {
            "PODIUM_SERVER_DATABASE_CONNECTION_URL": f"{POSTGRES.rpartition('/')[0]}/{self._database}",
            "PODIUM_REDIS_URL": self._redis.url,
        }

    def remove(self) -> None:
        """Drops the database, and stops Redis."""
        super().remove()
        self._redis.stop()
        self._drop_database()

    def restart_empty(self) -> None:
        """Makes the database anew, for another first start."""
        super().remove()
        self.home.mkdir()
        self._drop_database()
        self._make_database()

    def _make_database(self) -> None:
        _execute(f'CREATE DATABASE "{self._database}"')

    def _drop_database(self) -> None:
        _execute(f'DROP DATABASE IF EXISTS "{self._database}" WITH (FORCE)')


class _OwnRedis:
    """A Redis on a free port that keeps nothing on disk. Raises RuntimeError where none is installed."""

    def __init__(self) -> None:
        if shutil.which("redis-server") is None:
            raise RuntimeError("redis-server is not on the path")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{port}/0"
        words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            for _ in range(200):
                with suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.05)
        raise RuntimeError("redis-server does not answer")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def _execute(statement: str) -> None:
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(statement.encode())
