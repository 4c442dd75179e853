"""What the headers of a `prefect` client tell about its version (contract: "Client behaviour a server meets")."""

import re
from functools import lru_cache
from typing import NamedTuple

from podium.server.errors import BadRequest

API_VERSION = (0, 8, 4)
OLDEST_API_VERSION = (0, 8, 0)

_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})")
OURS = "podium/"
_AGENT = re.compile(r"prefect/([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})(\S*) \(API ")


class ClientVersion(NamedTuple):
    """``3.0.0rc20`` is (3, 0, 0, "rc20"); a release has an empty suffix."""

    major: int
    minor: int
    patch: int
    suffix: str = ""

    @property
    def release(self) -> tuple[int, int, int]:
        return (self.major, self.minor, self.patch)


OWN = ClientVersion(0, 0, 0, "podium")


@lru_cache(maxsize=256)
def parse_user_agent(agent: str) -> ClientVersion | None:
    """The client's version out of ``prefect/X.Y.Z (API v)``; None for anything else.

    Podium's own client is a version of its own: its workers claim runs as others do, and renew no leases.
    """
    if agent.startswith(OURS):
        return OWN
    match = _AGENT.match(agent)
    if match is None:
        return None
    return ClientVersion(int(match[1]), int(match[2]), int(match[3]), match[4])


@lru_cache(maxsize=256)
def parse_api_version(header: str) -> tuple[int, int, int]:
    """The ``X-PREFECT-API-VERSION`` header as three integers.

    Raises ``BadRequest`` when it is not of that form or older than the oldest supported one.
    """
    match = _VERSION.fullmatch(header)
    if match is None:
        raise BadRequest(f"X-PREFECT-API-VERSION is {header!r}; expected a version of the form 'x.y.z'.")
    version = (int(match[1]), int(match[2]), int(match[3]))
    if version < OLDEST_API_VERSION:
        oldest, ours = (".".join(map(str, each)) for each in (OLDEST_API_VERSION, API_VERSION))
        raise BadRequest(f"The client speaks API version {header}; this server speaks {oldest} to {ours}.")
    return version
