"""The one way from the dashboard to a server. Calls run beside the screen, and how the server is is told."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

if TYPE_CHECKING:
    from podium.client.api import Client
    from podium.client.sockets import Bell
    from podium.profiles import Settings

# HTTP and the wire are loaded by the first call, in its thread: the screen is painted before.

T = TypeVar("T")

CALLS_AT_ONCE: Final = 4
GAP: Final = 0.5
"""Seconds between two looks at the least, however often the server rings."""
FRAMES: Final = 5_000
"""Frames kept for who looks; older ones are dropped when nobody comes for them."""
PATIENCE: Final = 10.0
"""Seconds for one answer."""


class Condition(Enum):
    """How the server is, as far as the last call tells."""

    CONNECTING = "connecting"
    ONLINE = "online"
    AWAY = "away"
    REFUSED = "refused"
    FOREIGN = "foreign"


class Target(NamedTuple):
    """A server to look at: the profile it was chosen by, the URL of its API, and the settings for it.

    ``source`` is what names the URL: ``profile``, ``env`` or another source of settings.
    """

    profile: str
    url: str
    settings: "Settings"
    source: str = "profile"


def target_of(profile: str | None) -> Target:
    """The server of a profile, or of the one in use. Raises SettingsError."""
    from podium.profiles import resolve

    resolved = resolve(profile=profile)
    settings = resolved.settings
    url = settings.api.url or settings.server.api.local_url()
    return Target(resolved.profile, url, settings, resolved.origin("api.url").source)


class Connection:
    """Calls to one server. ``told`` hears, on the event loop, how the server is and what is wrong with it."""

    def __init__(self, target: Target, told: Callable[[Condition, str], None]) -> None:
        self.target = target
        self.condition = Condition.CONNECTING
        self.reason = ""
        self._told = told
        self._threads = ThreadPoolExecutor(CALLS_AT_ONCE, "podium-call")
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._closed = False

    async def ask(self, function: Callable[["Client"], T]) -> T:
        """What the function returns, run in a thread with the client. Raises ClientError and what it raises."""
        from podium.client.errors import ClientError, Unreachable

        if self._closed:
            raise Unreachable("the dashboard turned to another server")
        loop = asyncio.get_running_loop()
        try:
            result = await loop.run_in_executor(self._threads, lambda: function(self.client()))
        except ClientError as error:
            self._note(error)
            raise
        self._set(Condition.ONLINE, "")
        return result

    def client(self) -> "Client":
        """The client; called in threads only. Raises ClientError for certificates that cannot be used."""
        with self._lock:
            if self._client is None:
                from podium.client.api import Client

                settings = self.target.settings
                self._client = Client.of(settings, self.target.url, PATIENCE, patient=False)
            return self._client

    def _note(self, error: Exception) -> None:
        from podium.client.errors import NotAuthorized, Refused, Unreachable, Unreadable

        if isinstance(error, NotAuthorized) and error.status == 401:
            self._set(Condition.REFUSED, str(error))
        elif isinstance(error, Refused):
            away = error.status in (502, 503, 504)
            self._set(Condition.AWAY if away else Condition.ONLINE, str(error) if away else "")
        elif isinstance(error, Unreadable):
            self._set(Condition.FOREIGN, str(error))
        elif isinstance(error, Unreachable):
            self._set(Condition.AWAY, str(error))

    def _set(self, condition: Condition, reason: str) -> None:
        changed = condition is not self.condition
        self.condition, self.reason = condition, reason
        if changed and not self._closed:
            self._told(condition, reason)

    def listen(
        self,
        path: str,
        wanted: Callable[[], Mapping[str, Any]],
        rung: Callable[[], None],
        *,
        frames: bool = False,
        gap: float = GAP,
    ) -> "Listening":
        """Has ``rung`` called on the loop when a stream (``/events/out``) has something, each ``gap`` at the most.

        With ``frames`` what it says is kept until it is taken; else only that it rang counts.
        """
        return Listening(self, path, wanted, rung, frames=frames, gap=gap)

    async def close(self) -> None:
        """Lets go of the server; calls under way are not waited for."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        client, self._client = self._client, None
        if client is not None:
            await asyncio.get_running_loop().run_in_executor(None, client.close)


class Listening:
    """A stream of the server that rings on the event loop. Stop it when nobody looks any more."""

    def __init__(
        self,
        connection: Connection,
        path: str,
        wanted: Callable[[], Mapping[str, Any]],
        rung: Callable[[], None],
        *,
        frames: bool,
        gap: float,
    ) -> None:
        self._connection = connection
        self._gap = gap
        self._path, self._wanted, self._rung = path, wanted, rung
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()  # Textual looks up in it what a timer or worker belongs to
        self._frames: deque[str] | None = deque(maxlen=FRAMES) if frames else None
        self._bell: Bell | None = None
        self._over = False
        self._pending = False
        self._last = 0.0
        threading.Thread(target=self._start, name="podium-listen", daemon=True).start()

    @property
    def is_live(self) -> bool:
        """Whether the stream is open."""
        return self._bell is not None and self._bell.is_listening

    def take(self) -> list[str]:
        """The frames since the last time."""
        taken: list[str] = []
        while self._frames:
            taken.append(self._frames.popleft())
        return taken

    def stop(self) -> None:
        """Ends it without waiting."""
        self._over = True
        bell, self._bell = self._bell, None
        if bell is not None:
            threading.Thread(target=bell.__exit__, args=(None, None, None), daemon=True).start()

    def _start(self) -> None:
        from podium.client.errors import ClientError
        from podium.client.sockets import Bell

        try:
            client = self._connection.client()
        except ClientError:
            return  # the calls of the screen say so
        heard = self._frames.append if self._frames is not None else None
        bell = Bell(client, self._path, self._wanted, heard, self._ring)
        self._bell = bell
        bell.__enter__()
        if self._over:
            bell.__exit__(None, None, None)

    def _ring(self) -> None:
        """In the thread that listens: a ring while another waits to be heard is the same ring."""
        if self._pending or self._over:
            return
        self._pending = True
        try:
            self._loop.call_soon_threadsafe(self._soon, context=self._context)
        except RuntimeError:
            self._over = True  # the loop is closed

    def _soon(self) -> None:
        self._loop.call_later(max(0.0, self._last + self._gap - time.monotonic()), self._tell)

    def _tell(self) -> None:
        self._pending = False
        self._last = time.monotonic()
        if not self._over:
            self._rung()
