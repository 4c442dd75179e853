"""How commands and dashboards reach the API, and how they look."""

from typing import Annotated

import msgspec

from podium.profiles.declaration import HttpUrl, Level, Seconds, Section, setting


class Api(Section, frozen=True):
    """Which API to talk to, and as whom."""

    url: Annotated[HttpUrl | None, setting("Base URL of the API, normally ending in /api.", guarded=True)] = None
    key: Annotated[str | None, setting("Key sent to the API as a bearer token.", secret=True)] = None
    auth_string: Annotated[
        str | None, setting("`user:password` sent to the API as HTTP Basic; wins over the key.", secret=True)
    ] = None
    enable_http2: Annotated[bool, setting("Negotiate HTTP/2 with the API.")] = False
    request_timeout: Annotated[Seconds, setting("How long a request may take.", gt=0)] = 60.0
    ssl_cert_file: Annotated[
        str | None, setting("CA bundle that the API's certificate is checked with; empty: the system's.", guarded=True)
    ] = None
    tls_insecure_skip_verify: Annotated[bool, setting("Accept any certificate of the API.", guarded=True)] = False


class ClientMetrics(Section, frozen=True):
    """Prometheus metrics of a client process."""

    enabled: Annotated[bool, setting("Serve metrics of the client process.", "CLIENT_ENABLE_METRICS")] = False
    port: Annotated[int, setting("Port of the client's metrics.", ge=0, le=65535)] = 4201


class Client(Section, frozen=True):
    """How requests are made."""

    csrf_support_enabled: Annotated[bool, setting("Fetch and send CSRF tokens with changing calls.")] = True
    custom_headers: Annotated[
        dict[str, str], setting("JSON object of headers added to every request; may carry credentials.", secret=True)
    ] = msgspec.field(default_factory=dict)
    max_retries: Annotated[int, setting("How often a failed request is repeated; 0: never.", ge=0)] = 5
    retry_extra_codes: Annotated[
        frozenset[int], setting("Status codes that are retried besides 408, 429, 502 and 503.", ge=100, le=599)
    ] = frozenset()
    retry_jitter_factor: Annotated[float, setting("How far the wait between retries is spread.", ge=0)] = 0.2
    server_version_check_enabled: Annotated[bool, setting("Compare versions with the server at the start.")] = True
    metrics: ClientMetrics = msgspec.field(default_factory=ClientMetrics)


class Cli(Section, frozen=True):
    """How commands look and ask."""

    colors: Annotated[bool, setting("Colour what goes to a terminal.")] = True
    prompt: Annotated[bool | None, setting("Ask questions; empty: when there is a terminal.")] = None
    wrap_lines: Annotated[bool, setting("Wrap long lines on a terminal.")] = True


class Logging(Section, frozen=True):
    """Logging of client processes."""

    level: Annotated[Level, setting("Level of the client's loggers.")] = "INFO"
