"""The backing services of a test session: started from installed binaries, found running, or absent by name.

PostgreSQL: `PODIUM_TEST_POSTGRES_URL`, else one of our own from `initdb` and `pg_ctl`, else the server at
127.0.0.1:5432; one for the whole session, shared by its worker processes, every use with a database of its own.
Redis: `PODIUM_TEST_REDIS_URL`, else one of our own from `redis-server` for each worker process (channels of publish and
subscribe know no database numbers), else the server at 127.0.0.1:6379.
"""

import fcntl
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import redis

from tests.certificates import make_certificate

POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"
REDIS = "redis://127.0.0.1:6379"
SHARED = "PODIUM_TEST_SHARED"
TRUSTED = "SSL_CERT_FILE"
MEMORY = "/dev/shm"
PLENTY = 6 << 30
"""Bytes; many times what the suite takes, since what a test leaves that passed is removed at its end."""
CONFIGURED = {name: value for name, value in os.environ.items() if name.startswith("PODIUM_TEST_")}
"""Read once, since tests run without these variables: Podium would take them for settings."""


class Absent(Exception):
    """A backing service is neither reachable nor installed; says what was tried."""


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def open_session() -> None:
    """Prepares the folder the worker processes of this session share.

    Every `httpx.Client` reads the certificates it may trust, also one that speaks plain HTTP with 127.0.0.1: 40 ms for
    all of the system's, which clients make dozens of times in a test, and 1 ms for the one that is there now.
    """
    _use_memory()
    shared = Path(tempfile.mkdtemp(prefix="podium-tests-"))
    os.environ[SHARED] = str(shared)
    os.environ[TRUSTED] = str(make_certificate(shared / "trusted.pem"))


def _use_memory() -> None:
    """Puts temporary files into memory where there is plenty of it: a disk is waited for with each that goes away."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    room = os.statvfs(MEMORY)
    kilobytes = re.search(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    available = int(kilobytes[1]) * 1024 if kilobytes else 0
    if min(room.f_bavail * room.f_frsize, available) >= PLENTY and not room.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = MEMORY
        tempfile.tempdir = None


def close_session() -> None:
    """Stops what the session started, and drops what it kept."""
    shared = Path(os.environ[SHARED])
    data = shared / "postgres"
    for made in shared.glob("*.database"):
        postgres().drop(made.read_text())
    if data.is_dir():
        _as_unprivileged(["pg_ctl", "-D", str(data), "-m", "immediate", "stop"], data)
    shutil.rmtree(shared, ignore_errors=True)
    del os.environ[SHARED], os.environ[TRUSTED]


class Postgres:
    """A PostgreSQL server that gives out databases; one that forgets its disk copies the files of a template."""

    def __init__(self, url: str, *, forgets: bool = False) -> None:
        self.url = url
        self._forgets = forgets

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """The URL of a fresh database, a copy of `template`; dropped afterwards."""
        name = f"podium_test_{secrets.token_hex(6)}"
        try:
            yield self.create(name, template)
        finally:
            self.drop(name)

    def create(self, name: str, template: str = "template1") -> str:
        """The URL of a new database, a copy of `template`, that somebody else drops."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            # Half the work of a copy by the log, and only slow where the disk is waited for.
            files = self._forgets and connection.info.server_version >= 150_000
            strategy = " STRATEGY FILE_COPY" if files else ""
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{strategy}'.encode())
        return f"{self.url.rpartition('/')[0]}/{name}"

    def drop(self, name: str) -> None:
        """Drops a database, whoever is connected to it."""
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


def postgres() -> Postgres:
    """The session's PostgreSQL server, started by whoever asks first. Raises Absent."""
    shared = Path(os.environ[SHARED])
    found = shared / "postgres.url"
    with (shared / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            found.write_text(_find_postgres(shared / "postgres"))
    url = found.read_text()
    if not url:
        raise Absent(
            f"PostgreSQL: nothing answers at {_configured_postgres()}, and initdb or pg_ctl is not on the path"
        )
    return Postgres(url, forgets=(shared / "postgres").is_dir())


def _configured_postgres() -> str:
    return CONFIGURED.get("PODIUM_TEST_POSTGRES_URL", POSTGRES)


def _find_postgres(data: Path) -> str:
    """One that forgets its disk drops a database in 30 ms; others wait for the disk, half a second where it is slow."""
    if "PODIUM_TEST_POSTGRES_URL" not in CONFIGURED and _can_start_postgres():
        return _start_postgres(data)
    url = _configured_postgres()
    with suppress(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=3).close()
        return url
    return _start_postgres(data) if _can_start_postgres() else ""


def _can_start_postgres() -> bool:
    return bool(shutil.which("initdb") and shutil.which("pg_ctl"))


def _start_postgres(data: Path) -> str:
    """Starts a server that forgets its disk: fast, and gone with the session."""
    data.parent.chmod(0o755)
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(data, _unprivileged().pw_uid, _unprivileged().pw_gid)
    port = free_port()
    options = _options(data, port)
    commands = (
        ["initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
        ["pg_ctl", "-D", str(data), "-l", str(data / "log"), "-o", options, "-w", "-t", "30", "start"],
    )
    for command in commands:
        result = _as_unprivileged(command, data)
        if result.returncode:
            raise RuntimeError(f"{command[0]} failed: {result.stderr or result.stdout}")
    return f"postgresql://postgres@127.0.0.1:{port}/postgres"


def _options(data: Path, port: int) -> str:
    speed = "-c fsync=off -c full_page_writes=off -c shared_buffers=32MB"
    return f"-p {port} -h 127.0.0.1 -k {data} {speed} -c max_connections=200"


class OwnPostgres(Postgres):
    """A PostgreSQL server of one test, to be stopped, frozen and started again."""

    def __init__(self, data: Path) -> None:
        super().__init__(_start_postgres(data), forgets=True)
        self._data = data

    def stop(self) -> None:
        """Ends every connection and the server."""
        self._control("-m", "immediate", "stop")

    def start(self) -> None:
        """Starts it again, on the same port; returns when it lets connections in."""
        port = self.url.rpartition(":")[2].partition("/")[0]
        self._control("-l", str(self._data / "log"), "-o", _options(self._data, int(port)), "-w", "-t", "30", "start")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Neither the server nor any of its processes goes on; their sockets stay open."""
        processes = self._processes()
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in processes:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def terminate_backends(self) -> None:
        """Ends every connection but those of the server itself."""
        self._run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    def _processes(self) -> list[int]:
        main = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [main, *map(int, children)]

    def _control(self, *arguments: str) -> None:
        result = _as_unprivileged(["pg_ctl", "-D", str(self._data), *arguments], self._data)
        if result.returncode:
            raise RuntimeError(f"pg_ctl failed: {result.stderr or result.stdout}")


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A server for one test alone. Raises Absent."""
    if not _can_start_postgres():
        raise Absent("PostgreSQL: initdb or pg_ctl is not on the path")
    folder = Path(tempfile.mkdtemp(prefix="podium-postgres-"))
    try:
        server = OwnPostgres(folder / "data")
        try:
            yield server
        finally:
            with suppress(RuntimeError):
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd:
    """The account PostgreSQL runs as when we are root, which it refuses to be."""
    with suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")


def _as_unprivileged(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    account = _unprivileged() if os.geteuid() == 0 else None
    output = folder.parent / f"{command[0]}.out"
    with output.open("w+") as file:  # not a pipe: the server inherits it and would keep it open
        result = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            timeout=60,
        )
    return subprocess.CompletedProcess(command, result.returncode, output.read_text(), "")


@contextmanager
def redis_server(worker: int) -> Iterator[str]:
    """The URL of a Redis for one worker process. Raises Absent."""
    configured = CONFIGURED.get("PODIUM_TEST_REDIS_URL")
    if configured is None and shutil.which("redis-server"):
        with _own_redis() as url:
            yield url
        return
    url = f"{configured or REDIS}/{15 - worker % 15}"
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3) as client:
            client.ping()
    except redis.RedisError as error:
        raise Absent(f"Redis: nothing answers at {configured or REDIS}, and redis-server is not on the path") from error
    yield url


@contextmanager
def _own_redis() -> Iterator[str]:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_redis(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _await_redis(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        try:
            with redis.Redis.from_url(url, socket_connect_timeout=1) as client:
                client.ping()
            return
        except redis.RedisError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    raise RuntimeError(f"redis-server did not answer at {url}")
