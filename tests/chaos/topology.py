"""What deploy/compose.yaml and deploy/nginx describe, as plain processes on free ports of this machine.

Commands, variables and restart policies are those of the compose file, the proxy's configuration is that of
deploy/nginx; only addresses, ports and homes are replaced. PostgreSQL is one of our own, run as the file's user.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import psycopg
import redis

from tests import backing
from tests.chaos.process import Process
from tests.deploy import compose

SECRETS = {"POSTGRES_PASSWORD": "chaos", "REDIS_PASSWORD": "chaos"}
KEPT_EVERY = 0.5
PLACES = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
PODIUM = [sys.executable, "-m", "podium"]

NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-errors.log warn;
events {{ worker_connections 1024; }}
http {{
    log_format lines escape=json '{{"at":$msec,"status":$status,"upstream":"$upstream_status","seconds":$request_time,'
                                 '"method":"$request_method","path":"$request_uri"}}';
    access_log {folder}/requests.jsonl lines;
    client_body_temp_path {folder}/temp; proxy_temp_path {folder}/temp; fastcgi_temp_path {folder}/temp;
    uwsgi_temp_path {folder}/temp; scgi_temp_path {folder}/temp;
    include {folder}/podium.conf;
}}
"""
"""What the image of nginx has around a file in conf.d."""


class Topology:
    """The processes by their names in the compose file; ``url`` is the proxy's, ``settings`` are for all of Podium's.

    Raises ``Absent`` where a program is not installed.
    """

    def __init__(self, folder: Path, postgres: backing.OwnPostgres, settings: Mapping[str, str] = {}) -> None:
        for program in ("redis-server", "nginx"):
            if shutil.which(program, path=PLACES) is None:
                raise backing.Absent(f"{program} is not on the path")
        self.folder, self.postgres = folder, postgres
        self._settings = settings
        self._services = compose.services(SECRETS)
        self.ports = {name: backing.free_port() for name in self._services}
        self.ports["postgres"] = int(postgres.url.rpartition(":")[2].partition("/")[0])
        self.processes = {
            name: self._process(service)
            for name, service in self._services.items()
            if name not in ("postgres", "migrate", "proxy")
        }
        self.processes["proxy"] = self._proxy()
        self.url = f"http://127.0.0.1:{self.ports['proxy']}"
        self.redis_url = self._here(self._services["api-1"].environment["PODIUM_REDIS_URL"])
        self.database_url = self._here(self._services["api-1"].environment["PODIUM_SERVER_DATABASE_CONNECTION_URL"])
        self._open = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    @property
    def apis(self) -> dict[str, Process]:
        return {name: process for name, process in self.processes.items() if name.startswith("api-")}

    @property
    def background(self) -> dict[str, Process]:
        return {name: process for name, process in self.processes.items() if name.startswith("services-")}

    @property
    def podium(self) -> dict[str, Process]:
        """The processes of Podium."""
        return self.apis | self.background

    def __enter__(self) -> "Topology":
        try:
            self._prepare_database()
            self.processes["redis"].start()
            until(self._redis_answers, 10, "redis does not answer")
            self._migrate()
            for process in self.podium.values():
                process.start()
            until(lambda: all(self.is_ready(name) for name in self.podium), 60, "not all are ready", self.said)
            self.processes["proxy"].start()
            until(lambda: httpx.get(f"{self.url}/api/health").is_success, 10, "the proxy does not answer", self.said)
        except BaseException:
            self.__exit__()
            raise
        self._keeper.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._open.set()
        if self._keeper.is_alive():
            self._keeper.join()
        stopping = [threading.Thread(target=process.stop, kwargs={"seconds": 15}) for process in self.podium.values()]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        for process in reversed(self.processes.values()):  # Redis last
            process.stop(seconds=15)

    def is_ready(self, name: str) -> bool:
        """What the health check of the compose file says of a process."""
        try:
            return httpx.get(f"{self.api_of(name)}/ready", timeout=6).is_success
        except httpx.TransportError:
            return False

    def api_of(self, name: str) -> str:
        """The URL where a process itself answers."""
        return f"http://127.0.0.1:{self.ports[name]}/api"

    def health(self, name: str) -> "subprocess.CompletedProcess[str]":
        """Runs the health check of the compose file for a process."""
        command = self._services[name].healthcheck
        assert command[:2] == ["CMD", "podium"]
        process = self.processes[name]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder / name), **process.environment}
        return subprocess.run([*PODIUM, *command[2:]], env=environment, capture_output=True, text=True, timeout=30)

    def requests(self) -> list[dict[str, Any]]:
        """What the proxy passed on: at, status, upstream (status of each server asked), seconds, method and path."""
        return [json.loads(line) for line in (self.folder / "requests.jsonl").read_text().splitlines()]

    def said(self) -> str:
        """The end of every log, for a failure."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)

    def _keep(self) -> None:
        while not self._open.wait(KEPT_EVERY):
            for process in self.processes.values():
                process.look()

    def _here(self, text: str) -> str:
        """A text with the names and ports of the files replaced by addresses of this machine."""
        inside = {"postgres": 5432, "redis": 6379, "api-1": 4200, "api-2": 4200}
        for name, port in inside.items():
            text = re.sub(rf"\b{name}:{port}\b", f"127.0.0.1:{self.ports[name]}", text)
        return text

    def _process(self, service: compose.Service) -> Process:
        port = self.ports[service.name]
        if service.name == "redis":
            own = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
            return Process("redis", [*service.command, *own], {}, self.folder, port, service.restart)
        environment = {name: self._here(value) for name, value in service.environment.items()}
        environment |= {
            **self._settings,
            "PODIUM_HOME": str(self.folder / service.name / ".podium"),
            "PODIUM_SERVER_API_HOST": "127.0.0.1",
            "PODIUM_SERVER_API_PORT": str(port),
            "PODIUM_SERVER_SERVICES_HEALTH_PORT": str(port),
        }
        return Process(service.name, ["podium", *service.command], environment, self.folder, port, service.restart)

    def _proxy(self) -> Process:
        port = self.ports["proxy"]
        source = (compose.DEPLOY / "nginx" / "podium.conf").read_text()
        assert source.count("listen 4200;") == 1
        source = self._here(source).replace("listen 4200;", f"listen 127.0.0.1:{port};")
        (self.folder / "podium.conf").write_text(source)
        shutil.copy(compose.DEPLOY / "nginx" / "podium-proxy.conf", self.folder)
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(NGINX.format(folder=self.folder, user=user))
        command = [
            shutil.which("nginx", path=PLACES) or "nginx",
            "-p",
            str(self.folder),
            "-c",
            str(self.folder / "nginx.conf"),
        ]
        return Process("proxy", command, {}, self.folder, port, self._services["proxy"].restart)

    def _prepare_database(self) -> None:
        environment = self._services["postgres"].environment
        user, name = environment["POSTGRES_USER"], environment["POSTGRES_DB"]
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            connection.execute(f'CREATE ROLE "{user}" SUPERUSER LOGIN'.encode())
            connection.execute(f'CREATE DATABASE "{name}" OWNER "{user}"'.encode())

    def _redis_answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.redis_url, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _migrate(self) -> None:
        process = self._process(self._services["migrate"])
        process.start()
        until(lambda: not process.alive, 60, "the migration does not end")
        process.look()
        assert process.exits and process.exits[0].code == 0, process.log.read_text()


def until(true: Callable[[], Any], seconds: float, otherwise: str, more: Callable[[], str] = str) -> None:
    """Waits until something holds; an error of the transport is a no."""
    end = monotonic() + seconds
    while True:
        try:
            if true():
                return
        except httpx.TransportError:
            pass
        assert monotonic() < end, f"{otherwise} within {seconds:.0f} s\n{more()}"
        sleep(0.1)
