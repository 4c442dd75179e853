"""A Redis of a test's own, to stop, freeze and flush."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from time import monotonic, sleep

import redis

from tests import backing


class OwnRedis:
    """Runs on a free port and keeps nothing on disk. Raises ``Absent`` where Redis is not installed."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("redis-server") is None:
            raise backing.Absent("Redis: redis-server is not on the path")
        self.folder = folder
        self.port = backing.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
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
