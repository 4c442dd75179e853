"""Redis URLs that name sentinels, who know which server is the master of the moment.

``redis+sentinel://[user:password@]host[:port][,host…]/service[/db][?option=…]``, as Docket reads them. User, password
and options are the master's; ``sentinel_username`` and ``sentinel_password`` are the sentinels' own. With ``rediss``
both are reached over TLS and share the ``ssl_…`` options.
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from redis.connection import parse_url

MARK: Final = "+sentinel://"
PORT: Final = 26379


@dataclass(frozen=True, slots=True)
class Watched:
    """Where the sentinels are, the service they watch, and the options of connections to its master and to them."""

    sentinels: list[tuple[str, int]]
    service: str
    master: dict[str, Any]
    own: dict[str, Any]


def parse_sentinels(url: str) -> Watched:
    """Takes such a URL apart. Raises ``ValueError`` where a host or the service is missing."""
    scheme, _, rest = url.partition(MARK)
    authority, _, tail = rest.partition("/")
    credentials, at, hosts = authority.rpartition("@")
    path, _, query = tail.partition("?")
    service, _, db = path.partition("/")
    sentinels = [
        (each.hostname or "", each.port or PORT) for each in (urlsplit(f"//{host}") for host in hosts.split(","))
    ]
    if not service or not all(host for host, _ in sentinels):
        raise ValueError("a URL of sentinels is redis+sentinel://host:port,host:port/service")
    master: dict[str, Any] = dict(
        parse_url(f"{scheme}://{credentials}{at}master/{db}?{query}")  # type: ignore[no-untyped-call]
    )
    for name in ("host", "connection_class"):
        master.pop(name, None)
    own = {name.removeprefix("sentinel_"): master.pop(name) for name in list(master) if name.startswith("sentinel_")}
    if scheme == "rediss":
        master["ssl"] = True
        own |= {name: value for name, value in master.items() if name.startswith("ssl")}
    return Watched(sentinels, service, master, own)
