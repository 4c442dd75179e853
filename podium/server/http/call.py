"""One call of an endpoint: who asks for what, and the way to the database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate

from falcon.asgi import Request

from podium.db.unit import Tx
from podium.server.http.client_version import API_VERSION, ClientVersion, parse_user_agent
from podium.server.queries.paging import checked_limit
from podium.server.runtime import Runtime


@dataclass(slots=True)
class Reply:
    """An answer that is not just a value with the row's status: JSON, bytes as they are, or a stream of such pieces."""

    value: Any = None
    status: int | None = None
    headers: dict[str, str] | None = None
    content: bytes | None = None
    stream: AsyncIterator[bytes] | None = None
    media: str | None = None


async def while_listened_to(request: Request, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A stream that ends early when the caller hangs up, since what is sent to nobody is silently dropped."""
    receive = request._receive  # Falcon has no public way to hear of it

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    gone = asyncio.ensure_future(until_gone())
    try:
        async for piece in stream:
            yield piece
            if gone.done():
                break
    finally:
        gone.cancel()


@dataclass(slots=True)
class Call:
    """What a handler sees: the request's parts, already validated, and the runtime of the process.

    ``api_version`` is what the client says it speaks; absent counts as the newest.
    """

    runtime: Runtime
    request: Request
    path: dict[str, str]
    query: Any
    workspace_id: str
    api_version: tuple[int, int, int] = API_VERSION

    async def read(self, unit: Callable[Concatenate[Tx, ...], Any], *args: Any) -> Any:
        """Runs a reading unit of work in the caller's workspace."""
        return await self.runtime.database.read(unit, *args, workspace_id=self.workspace_id)

    async def write(self, unit: Callable[Concatenate[Tx, ...], Any], *args: Any) -> Any:
        """Runs a writing unit of work in the caller's workspace; returns after its commit."""
        return await self.runtime.database.write(unit, *args, workspace_id=self.workspace_id)

    async def aside(self, function: Callable[..., Any], *args: Any) -> Any:
        """What a function returns that takes a while, and no connection: run in a thread, so that others go on."""
        return await asyncio.to_thread(function, *args)

    def limit(self, asked: int | None) -> int:
        """How many rows of a list to answer; ``Invalid`` for more than the server allows."""
        return checked_limit(asked, self.runtime.settings.server.api.default_limit)

    @property
    def now(self) -> datetime:
        return self.runtime.database.clock()

    @property
    def client_version(self) -> ClientVersion | None:
        """The version of the ``prefect`` client that calls, None when it is another program."""
        return parse_user_agent(self.request.get_header("User-Agent") or "")

    def client_before(self, *release: int) -> bool:
        """Whether a ``prefect`` client calls that is older than a release, given as its first numbers."""
        version = self.client_version
        return version is not None and version.release < release
