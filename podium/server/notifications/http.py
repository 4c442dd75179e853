"""A call of a peer over HTTP, and what its answer means."""

import asyncio
import importlib
import re
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import msgspec

from podium import __version__
from podium.server.notifications.addresses import Address
from podium.server.notifications.hiding import is_sensitive
from podium.server.notifications.outcome import Answer, Failed
from podium.server.notifications.sending import Way

if TYPE_CHECKING:
    import httpx

SHOWN = 1000
"""Characters of an answer that are kept."""

PASSES = frozenset({408, 409, 421, 423, 425, 429})
"""Refusals of a request that another attempt may change."""

LONGEST_RETRY_AFTER = 86400.0

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A request. ``private``: it may go to an address that is not public; ``timeout``: less than the settings allow."""

    url: str
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    keys: tuple[str, ...] = ("",)
    private: bool = True
    verify: bool = True
    timeout: float | None = None

    async def send(self, way: Way) -> Answer:
        """Calls the peer; raises ``Failed`` for anything but an answer of success. Redirections are not followed."""
        way.hidden.add(value.rpartition(" ")[2] for name, value in self.headers.items() if is_sensitive(name))
        if "httpx" not in sys.modules:
            # Not on the event loop, which it would hold up.
            await asyncio.to_thread(importlib.import_module, "httpx")
        seconds = min(way.settings.timeout, self.timeout or way.settings.timeout)
        try:
            async with asyncio.timeout(seconds):
                result = await _call(self, way)
        except TimeoutError:
            raise Failed(f"no answer within {seconds:g} seconds") from None
        return Answer(result, self.keys)


def json_call(url: str, body: Any, headers: Mapping[str, str] | None = None, **more: Any) -> HttpCall:
    """A POST of JSON."""
    return HttpCall(url, msgspec.json.encode(body), {"Content-Type": "application/json", **(headers or {})}, **more)


async def _call(call: HttpCall, way: Way) -> dict[str, Any]:
    import httpx  # on use: a server that sends nothing does without it

    url = _checked(call.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    addresses = await way.addresses(url.host, port, call.private)
    # Reading certificates takes longer than a call that needs none.
    tls = await way.tls.context(call.verify) if url.scheme == "https" else _NO_TLS
    # The caller limits the whole. Proxies and credentials of the environment are none of a block's business.
    async with httpx.AsyncClient(verify=tls, trust_env=False, timeout=None) as client:  # noqa: S113
        for address in addresses:
            try:
                async with client.stream(
                    call.method,
                    # To the address that was checked: the name is not looked up again.
                    url.copy_with(host=address[0], port=address[1]),
                    headers=_headers(call, way, url),
                    content=call.content,
                    extensions={"sni_hostname": url.host},
                ) as response:
                    return _judged(response, await _body(response, way), way)
            except httpx.ConnectError as error:
                if address is addresses[-1]:
                    raise Failed(way.hidden.hide(f"{_place(url, address)}: {_cause(error)}")) from None
            except (httpx.LocalProtocolError, httpx.UnsupportedProtocol) as error:
                raise Failed(way.hidden.hide(f"the request cannot be sent: {error}"), True) from None
            except httpx.TransportError as error:
                reason = f"{url.host} broke off: {type(error).__name__}: {_cause(error)}"
                raise Failed(way.hidden.hide(reason)) from None
    raise Failed(f"{url.host} has no address")


def _checked(text: str) -> "httpx.URL":
    import httpx

    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError):
        raise Failed("the URL is none", True) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise Failed("the URL is none of http or https with a host", True)
    return url


def _headers(call: HttpCall, way: Way, url: "httpx.URL") -> list[tuple[bytes, bytes]]:
    headers = {
        "Host": url.netloc.decode("ascii"),
        "User-Agent": f"Podium/{__version__}",
        # The answer's size is the one that is read.
        "Accept-Encoding": "identity",
        "Idempotency-Key": way.key,
        "X-Podium-Delivery": way.delivery_id,
    }
    given = {name.lower() for name in call.headers}
    headers = {**{name: value for name, value in headers.items() if name.lower() not in given}, **call.headers}
    return [(name.encode(), _CONTROL.sub(" ", value).strip().encode()) for name, value in headers.items()]


async def _body(response: "httpx.Response", way: Way) -> str:
    """The beginning of the answer's body."""
    body = b""
    async for piece in response.aiter_raw():
        body += piece
        if len(body) >= way.settings.max_answer_size:
            break
    return body[: way.settings.max_answer_size].decode("utf-8", "replace")


def _judged(response: "httpx.Response", body: str, way: Way) -> dict[str, Any]:
    """What is kept of an answer; raises ``Failed`` where it is none of success."""
    status = response.status_code
    shown = way.hidden.hide(body)[:SHOWN]
    result = {
        "status_code": status,
        "response_body": shown,
        "response_headers": {
            name: way.hidden.hide(value) for name, value in response.headers.items() if not is_sensitive(name)
        },
    }
    if 200 <= status < 300:
        return result
    said = f"{status} {response.reason_phrase}".strip()
    if status < 400:
        raise Failed(f"answered {said}; redirections are not followed", True, result=result)
    excerpt = " ".join(shown.split())[:200]
    reason = f"answered {said}" + (f": {excerpt}" if excerpt else "")
    raise Failed(
        reason, status < 500 and status not in PASSES, retry_after(response.headers.get("Retry-After")), result
    )


def retry_after(text: str | None) -> float | None:
    """Seconds that a ``Retry-After`` header asks to wait, a day at most; None where it says nothing."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    return min(seconds, LONGEST_RETRY_AFTER) if seconds > 0 else None


def _place(url: "httpx.URL", address: Address) -> str:
    return f"cannot connect to {url.host}" + (f" ({address[0]})" if address[0] != url.host else "")


def _cause(error: BaseException) -> str:
    """The innermost reason of an error of the transport."""
    while isinstance(deeper := error.__cause__ or error.__context__, Exception):
        error = deeper
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__
