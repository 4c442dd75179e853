"""What the parts of a message are sent with: limits, the way to addresses, certificates, secrets to hide."""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Protocol

from podium.profiles.sections.notifications import Notifications
from podium.server.notifications.addresses import Address, Resolve, allowed, look_up
from podium.server.notifications.hiding import Hidden
from podium.server.notifications.outcome import Answer


class Tls:
    """The contexts of connections, made on first use: reading the certificates takes a while."""

    def __init__(self) -> None:
        self._contexts: dict[bool, ssl.SSLContext] = {}

    async def context(self, verify: bool) -> ssl.SSLContext:
        """One that checks certificates by the authorities this machine and httpx know, or one that checks nothing."""
        if verify not in self._contexts:
            self._contexts[verify] = await asyncio.to_thread(_make_context, verify)
        return self._contexts[verify]


def _make_context(verify: bool) -> ssl.SSLContext:
    import httpx  # on use: a server that sends nothing does without it

    context = httpx.create_ssl_context()
    if verify:
        context.load_default_certs()
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(slots=True)
class Way:
    """How a delivery goes out. ``delivery_id`` and ``key`` tell the peer whether it has had it already."""

    settings: Notifications
    delivery_id: str
    key: str
    hidden: Hidden
    tls: Tls = field(default_factory=Tls)
    resolve: Resolve = look_up

    async def addresses(self, host: str, port: int, private: bool) -> list[Address]:
        """Where to connect to; ``private`` is whether the block allows addresses that are not public.

        Raises ``Failed``.
        """
        decided = self.settings.allow_private_addresses
        return await allowed(self.resolve, host, port, private if decided is None else decided)


class Part(Protocol):
    """A piece of a message that is sent by itself; its ``keys`` tell which of them are done."""

    @property
    def keys(self) -> tuple[str, ...]: ...

    async def send(self, way: Way) -> Answer:
        """Sends it; raises ``Failed``."""
