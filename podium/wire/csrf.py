"""Tokens against forged requests."""

from podium.wire.endpoint import Body, Endpoint
from podium.wire.parameters import Row
from podium.wire.scalars import Time


class CsrfClient(Body):
    """Who asks for a token."""

    client: str


class CsrfToken(Row):
    """The token a client sends with every change until it expires."""

    token: str
    client: str
    expiration: Time


READ = Endpoint(
    method="GET",
    path="/csrf-token",
    summary="Make a token for a client, in place of its last one",
    query=CsrfClient,
    answer=CsrfToken,
    statuses=(422,),
)
