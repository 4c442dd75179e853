"""A headless Chromium, driven over its DevTools protocol: opens pages and tells what went wrong on them."""

import base64
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--window-size=1400,1000",
)
START_SECONDS = 30.0
ANSWER_SECONDS = 60.0
QUIET_SECONDS = 0.6
"""A page is there when no request has run for this long."""

ELSEWHERE = "blocked: not of this server"


def find() -> str | None:
    """The path of a Chromium on this machine."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@dataclass
class Exchange:
    """A request of a page, and its answer: a status, or what kept it from one."""

    method: str
    url: str
    body: str | None = None
    kind: str = ""
    status: int | None = None
    failure: str = ""

    @property
    def failed(self) -> bool:
        return self.status is None or self.status >= 400


@dataclass
class Visit:
    """What happened from opening a page until it was quiet."""

    url: str
    exchanges: list[Exchange] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)
    text: str = ""

    @property
    def problems(self) -> list[str]:
        """Failed requests to the server, and errors in the console."""
        failed = [f"{each.method} {each.url}: {each.status} {each.failure}" for each in self.exchanges if each.failed]
        return failed + self.errors


# Its scripts have nothing to do: on a busy machine they may still run when all requests are answered.
# A page that is always drawing gets no idle time at all.
_IDLE = "new Promise(done => requestIdleCallback(() => setTimeout(done, 50), {timeout: 500}))"


class Page:
    """A tab. Requests to other hosts than ``origin``'s are blocked and listed."""

    def __init__(self, connection: ClientConnection, origin: str) -> None:
        self._connection = connection
        self._host = urlsplit(origin).netloc
        self.origin = origin
        self._next = 0
        self._open: dict[str, Exchange] = {}
        self._visit = Visit("")
        self._last_traffic = time.monotonic()
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "Fetch.requestPaused": self._ask,
            "Network.requestWillBeSent": self._sent,
            "Network.responseReceived": self._answered,
            "Network.loadingFinished": self._finished,
            "Network.loadingFailed": self._not_loaded,
            "Network.webSocketCreated": self._socket_made,
            "Network.webSocketFrameError": self._socket_failed,
            "Runtime.exceptionThrown": self._thrown,
            "Runtime.consoleAPICalled": self._said,
            "Log.entryAdded": self._logged,
        }
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Fetch.enable", patterns=[{"urlPattern": "*"}])

    def call(self, method: str, **params: Any) -> Any:
        """The answer to a command of the protocol."""
        number = self._send(method, params)
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            message = self._receive(deadline - time.monotonic())
            assert message is not None, f"{method} was not answered"
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]

    def open(self, path: str, settle: float = QUIET_SECONDS, seconds: float = 30.0) -> Visit:
        """Opens an address of the origin and waits until it is quiet."""
        # What the page before still asks is not this page's, and is never answered.
        self.call("Page.navigate", url="about:blank")
        self._visit, self._open = Visit(self.origin + path), {}
        self.call("Page.navigate", url=self.origin + path)
        return self.settle(settle, seconds)

    def settle(self, quiet: float = QUIET_SECONDS, seconds: float = 30.0) -> Visit:
        """Waits until no request runs; what happened since the page was opened."""
        self._last_traffic = time.monotonic()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._open or time.monotonic() - self._last_traffic < quiet:
                self._receive(0.05)
                continue
            before = self._last_traffic
            self.evaluate(_IDLE)
            if self._last_traffic == before and not self._open:
                break
        self._visit.exchanges += self._open.values()
        self._visit.text = self.evaluate("document.body ? document.body.innerText : ''")
        return self._visit

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression (promises are awaited)."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def tabs(self) -> list[str]:
        """The texts of the tabs that are seen."""
        found = "[...document.querySelectorAll('[role=tab]')].filter(each => each.offsetParent)"
        return list(dict.fromkeys(filter(None, self.evaluate(f"{found}.map(each => each.innerText.trim())"))))

    def click(self, text: str, selector: str = "button, a, [role=tab], li") -> bool:
        """Clicks the first visible element with this text; whether there was one."""
        script = f"""(() => {{
            const found = [...document.querySelectorAll({json.dumps(selector)})]
                .find(each => each.offsetParent && each.innerText.trim() === {json.dumps(text)});
            if (!found) return null;
            found.scrollIntoView({{block: "center"}});
            const box = found.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()"""
        place = self.evaluate(script)
        if place is None:
            return False
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", buttons=1, clickCount=1
            )
        return True

    def screenshot(self, path: Path) -> None:
        """Writes what is seen as a PNG."""
        answer = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))

    def _send(self, method: str, params: dict[str, Any]) -> int:
        self._next += 1
        self._connection.send(json.dumps({"id": self._next, "method": method, "params": params}))
        return self._next

    def _receive(self, timeout: float) -> dict[str, Any] | None:
        try:
            message: dict[str, Any] = json.loads(self._connection.recv(max(timeout, 0.001)))
        except TimeoutError:
            return None
        handler = self._handlers.get(message.get("method", ""))
        if handler is not None:
            handler(message["params"])
        return message

    def _ask(self, event: dict[str, Any]) -> None:
        request = event["request"]
        parts = urlsplit(request["url"])
        if parts.scheme in ("http", "https") and parts.netloc != self._host:
            self._visit.elsewhere.add(parts.netloc)
            self._send("Fetch.failRequest", {"requestId": event["requestId"], "errorReason": "BlockedByClient"})
        else:
            self._send("Fetch.continueRequest", {"requestId": event["requestId"]})

    def _sent(self, event: dict[str, Any]) -> None:
        request = event["request"]
        if urlsplit(request["url"]).netloc != self._host:
            return
        self._last_traffic = time.monotonic()
        redirected = event.get("redirectResponse")
        if redirected and event["requestId"] in self._open:
            self._end(event["requestId"], status=redirected["status"])
        self._open[event["requestId"]] = Exchange(
            request["method"], request["url"], request.get("postData"), event.get("type", "")
        )

    def _answered(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._open:
            self._open[event["requestId"]].status = event["response"]["status"]

    def _finished(self, event: dict[str, Any]) -> None:
        self._end(event["requestId"])

    def _not_loaded(self, event: dict[str, Any]) -> None:
        if event.get("canceled"):
            self._open.pop(event["requestId"], None)
            return
        self._end(event["requestId"], failure=event["errorText"])

    def _end(self, request_id: str, status: int | None = None, failure: str = "") -> None:
        exchange = self._open.pop(request_id, None)
        if exchange is None:
            return
        self._last_traffic = time.monotonic()
        exchange.status = status or exchange.status
        if failure:
            exchange.status, exchange.failure = None, failure
        self._visit.exchanges.append(exchange)

    def _socket_made(self, event: dict[str, Any]) -> None:
        self._visit.exchanges.append(Exchange("GET", event["url"], kind="WebSocket", status=101))

    def _socket_failed(self, event: dict[str, Any]) -> None:
        self._visit.errors.append(f"WebSocket: {event['errorMessage']}")

    def _thrown(self, event: dict[str, Any]) -> None:
        details = event["exceptionDetails"]
        thrown = details.get("exception", {}).get("description") or details["text"]
        self._visit.errors.append(f"thrown: {thrown[:600]}")

    def _said(self, event: dict[str, Any]) -> None:
        if event["type"] in ("error", "assert"):
            words = [str(each.get("value") or each.get("description") or "") for each in event["args"]]
            self._visit.errors.append(f"console: {' '.join(words)[:600]}")

    def _logged(self, event: dict[str, Any]) -> None:
        entry = event["entry"]
        of_host = urlsplit(entry.get("url", "")).netloc
        if entry["level"] == "error" and (not of_host or of_host == self._host):
            self._visit.errors.append(f"log: {entry['text']} {entry.get('url', '')}")


@contextmanager
def browse(home: Path, origin: str) -> Iterator[Page]:
    """A tab of a browser of its own, which keeps nothing and is gone afterwards."""
    program = find()
    assert program is not None
    profile = home / f"chromium-{time.monotonic_ns()}"
    with (home / "chromium.log").open("ab") as log:
        process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        port = _port(profile / "DevToolsActivePort", process)
        with connect(_tab(port), max_size=None, open_timeout=START_SECONDS, ping_interval=None) as connection:
            yield Page(connection, origin)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(profile, ignore_errors=True)


def _port(path: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the browser ended"
        if path.exists() and (found := re.match(r"\d+", path.read_text())):
            return int(found[0])
        time.sleep(0.05)
    raise AssertionError("the browser did not start")


def _tab(port: int) -> str:
    with httpx.Client() as client:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for tab in client.get(f"http://127.0.0.1:{port}/json").json():
                if tab["type"] == "page":
                    address: str = tab["webSocketDebuggerUrl"]
                    return address
            time.sleep(0.05)
    raise AssertionError("the browser has no tab")
