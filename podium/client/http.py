"""The HTTP library, without what it loads and no command needs."""

import ssl
import sys

_COMMAND_LINE = "httpx._main"
if "httpx" not in sys.modules and _COMMAND_LINE not in sys.modules:
    # Its own command line loads more than all commands of Podium together; without it, it does without.
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]
    try:
        import httpx
    finally:
        del sys.modules[_COMMAND_LINE]
else:
    import httpx

__all__ = ["Transport", "httpx"]


class Transport(httpx.BaseTransport):
    """Connections that read the certificates of authorities when one is made with TLS: it takes a while."""

    def __init__(self, verify: ssl.SSLContext | bool) -> None:
        self._verify = verify
        self._plain = httpx.HTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False)
        self._secure: httpx.HTTPTransport | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request."""
        if request.url.scheme != "https":
            return self._plain.handle_request(request)
        if self._secure is None:
            self._secure = httpx.HTTPTransport(verify=self._verify, trust_env=False)
        return self._secure.handle_request(request)

    def close(self) -> None:
        """Closes the connections."""
        self._plain.close()
        if self._secure is not None:
            self._secure.close()
