"""A client that repeats requests as the SDK does: after 408, 429, 502, 503 and where nobody answered."""

import http.client
import json
import random
import threading
import time
from typing import Any

from tests.chaos.history import History

HEADERS = {"Content-Type": "application/json", "User-Agent": "prefect/3.8.8 (API 0.8.4)"}
REPEATED = (408, 429, 502, 503, 504)
PATIENCE = 150.0
"""Seconds a request is repeated for: longer than any fault."""


class GivenUp(Exception):
    """Nobody answered for longer than any fault lasts, or the run is over."""


class Api:
    """One thread's connection to the proxy. ``closing`` ends waits."""

    def __init__(self, port: int, history: History, closing: threading.Event, seed: int = 0) -> None:
        self.port, self.history, self.closing = port, history, closing
        self.random = random.Random(seed)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def call(self, method: str, path: str, body: Any = None, repeat: bool = True) -> tuple[int, Any]:
        """Status and decoded body of the answer; raises GivenUp."""
        end = time.monotonic() + PATIENCE
        while True:
            status, answer, wait = self._once(method, path, body)
            if status == 500 or (status > 500 and status not in REPEATED):
                self.history.note("bad", method=method, path=path, status=status, body=str(answer)[:500])
            if status not in (0, *REPEATED):
                return status, answer
            if not repeat or time.monotonic() > end or self.closing.wait(wait * self.random.uniform(0.5, 1)):
                raise GivenUp(f"{method} {path}: {status or 'no answer'}")

    def close(self) -> None:
        self._connection.close()

    def _once(self, method: str, path: str, body: Any) -> tuple[int, Any, float]:
        try:
            self._connection.request(method, f"/api{path}", json.dumps(body) if body is not None else None, HEADERS)
            answer = self._connection.getresponse()
            read = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, None, 0.5
        wait = float(answer.headers.get("Retry-After") or 1)
        kind = answer.headers.get("Content-Type", "")
        return answer.status, json.loads(read) if read and "json" in kind else read.decode(), wait
