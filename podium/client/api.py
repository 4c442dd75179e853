"""Calls endpoints of a server: ``client.call(flow_runs.READ, id=run_id)``."""

import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import msgspec

from podium import __version__
from podium.client.credentials import authorization
from podium.client.csrf import Csrf
from podium.client.errors import Invalid, Unreachable, Unreadable, refusal
from podium.client.http import Response, Transport, TransportError, Unsendable, reason
from podium.client.retrying import Retrying
from podium.profiles import Settings
from podium.profiles.sections.client import Api
from podium.wire.decoding import encode
from podium.wire.endpoint import Endpoint

PAGE = 200
AGENT = f"podium/{__version__} (API 0.8.4)"
INVALID_LIMIT = "Invalid limit"
"""What a server says of a page that is too large."""


class Client:
    """One server and the credentials for it. Use as a context manager, or close it."""

    hint = "`podium server start` starts one, PODIUM_API_URL names another"
    """What to do where no server answers."""

    def __init__(
        self,
        url: str,
        auth_string: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        headers: Mapping[str, str] | None = None,
        verify: ssl.SSLContext | bool = True,
        retrying: Retrying | None = None,
        csrf: bool = True,
    ) -> None:
        """``url`` is that of the API (``http://127.0.0.1:4200/api``); an auth string wins over a key.

        ``headers`` are added to every request. ``verify`` says how the certificate of an ``https`` URL is checked.
        ``retrying`` says which requests are sent again (none when left out), ``csrf`` whether to bring a server the
        tokens that it asks for.
        """
        self.extra_headers, self.verify, self.token = dict(headers or {}), verify, auth_string or api_key
        headers = {"User-Agent": AGENT, **(headers or {}), "Content-Type": "application/json"}
        headers |= authorization(auth_string, api_key)
        self.url = url.rstrip("/")
        self._retrying = retrying or Retrying()
        self._csrf = Csrf() if csrf else None
        self._answered = False
        self._http = Transport(headers, timeout, verify)

    @classmethod
    def of(cls, settings: Settings, url: str, timeout: float | None = None, patient: bool = True) -> Self:
        """A client of the API at ``url`` with the credentials, headers and certificates of the settings.

        ``timeout`` is in seconds, for a request that is to take less than the settings allow. One that is not
        ``patient`` sends nothing again, for callers who want to know how the server is. Raises ``Unreachable`` for a CA
        file that cannot be used.
        """
        api = settings.api
        return cls(
            url,
            api.auth_string,
            api.key,
            api.request_timeout if timeout is None else min(timeout, api.request_timeout),
            settings.client.custom_headers,
            _verification(api),
            Retrying.of(settings.client) if patient else None,
            settings.client.csrf_support_enabled,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def call(self, endpoint: Endpoint, body: Any = None, query: Mapping[str, str] | None = None, **path: object) -> Any:
        """Calls an endpoint and returns its answer as the endpoint's type.

        Raises ``Unreachable``, ``Unreadable`` or the ``Refused`` error of the answer's status.
        """
        content = encode(body) if body is not None else b"{}" if endpoint.body is not None else None
        response = self.send(endpoint, self.url + endpoint.url(**path), content, list(query.items()) if query else ())
        if response.status_code >= 400:
            raise refusal(response.status_code, _json(response.content))
        if endpoint.answer is None or not response.content:
            return None
        try:
            return msgspec.json.decode(response.content, type=endpoint.answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreadable(f"{self.url} does not answer as the API does ({reason(error)})") from error

    def send(
        self,
        endpoint: Endpoint,
        url: str,
        content: bytes | None,
        query: Sequence[tuple[str, str]] = (),
        more: Mapping[str, str] | None = None,
    ) -> Response:
        """The answer of whatever status, with ``more`` headers. Raises ``Unreachable``."""
        try:
            return self._send(endpoint, url, content, query, more or {})
        except (TransportError, Unsendable) as error:
            raise Unreachable(f"no server answers at {self.url} ({reason(error)}); {self.hint}") from error

    def _send(
        self,
        endpoint: Endpoint,
        url: str,
        content: bytes | None,
        query: Sequence[tuple[str, str]],
        more: Mapping[str, str],
    ) -> Response:
        """The answer to a request, sent again where that is safe and promises something else."""
        attempt, renewed = 0, False
        while True:
            try:
                headers = self._csrf.headers(self._http, self.url, endpoint.method) if self._csrf else {}
                headers = {**headers, **more}
                response = self._http.request(endpoint.method, url, content, query, headers)
            except TransportError as error:
                wait = self._retrying.after_error(endpoint, error, attempt, self._answered)
                if wait is None:
                    raise
            else:
                self._answered = True
                if self._csrf and not renewed and self._csrf.is_wanted(response):
                    renewed = True
                    if self._csrf.renew(self._http, self.url):
                        continue
                wait = self._retrying.after_answer(endpoint, response, attempt)
                if wait is None:
                    return response
            time.sleep(wait)
            attempt += 1

    def pages(
        self, endpoint: Endpoint, body: dict[str, Any], most: int | None = None, skip: int = 0, **path: Any
    ) -> Iterator[Any]:
        """Every item of a list endpoint after the first ``skip``, fetched page by page, ``most`` at the most.

        A server may be set to smaller pages than usual; one that refuses a page is asked for half of it.
        """
        fetched, size = 0, PAGE
        while most is None or fetched < most:
            limit = size if most is None else min(size, most - fetched)
            try:
                items = self.call(endpoint, {**body, "limit": limit, "offset": skip + fetched}, **path)
            except Invalid as error:
                if limit == 1 or INVALID_LIMIT not in error.detail:
                    raise
                size = limit // 2
                continue
            yield from items
            fetched += len(items)
            if len(items) < limit:
                return


def _verification(api: Api) -> ssl.SSLContext | bool:
    if api.tls_insecure_skip_verify:
        return False
    if api.ssl_cert_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=api.ssl_cert_file)
    except OSError as error:
        told = f"the CA file {api.ssl_cert_file} cannot be used: {reason(error)}"
        raise Unreachable(f"{told}; set PODIUM_API_SSL_CERT_FILE to another") from None


def _json(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
