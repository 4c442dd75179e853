"""A server with a channel that goes to a sink, for the tests of what tells people."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


class Sink:
    """Takes in whatever is posted; answers ``status``."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.status = 200
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sink.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                self.send_response(sink.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/services/T/B/x"

    @contextmanager
    def running(self) -> Iterator["Sink"]:
        """The sink, until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(5)


def slack_block(api: httpx.Client, name: str, url: str) -> str:
    """The id of a Slack block that posts to this URL."""
    kind = api.get("/block_types/slug/slack-webhook").json()["id"]
    of_it = {"block_schemas": {"block_type_id": {"any_": [kind]}}}
    schema = api.post("/block_schemas/filter", json=of_it).json()[0]["id"]
    data = {"url": url, "allow_private_urls": True}
    body = {"name": name, "block_type_id": kind, "block_schema_id": schema, "data": data}
    answer = api.post("/block_documents/", json=body)
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made
