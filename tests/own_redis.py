"""A Redis of a test's own, to stop, freeze and flush."""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep

import redis

from tests import backing


class OwnRedis:
    """Runs on a free port and keeps nothing on disk. Raises ``Absent`` where Redis is not installed.

    ``certificate``: a file with a certificate of 127.0.0.1 and its key; then it speaks TLS only, wants the password
    ``p/w``, and the URL knows both. ``more``: further words of its command line.
    """

    def __init__(self, folder: Path, certificate: Path | None = None, more: Sequence[str] = ()) -> None:
        if shutil.which("redis-server") is None:
            raise backing.Absent("Redis: redis-server is not on the path")
        self.port = backing.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        ports = ["--port", str(self.port)]
        if certificate is not None:
            self.url = f"rediss://:p%2Fw@127.0.0.1:{self.port}/0?ssl_ca_certs={certificate}"
            ports = ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no", "--requirepass", "p/w"]
            ports += [word for name in ("cert", "key", "ca-cert") for word in (f"--tls-{name}-file", str(certificate))]
        self.command = ["redis-server", *ports, "--save", "", "--dir", str(folder), *more]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            end = monotonic() + 10
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert monotonic() < end, "redis-server did not answer"
                    sleep(0.02)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()
