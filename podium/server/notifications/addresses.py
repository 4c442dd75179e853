"""To which addresses the server may connect: a name is resolved once, and what is checked is what is connected to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from podium.server.notifications.outcome import Failed

Address = tuple[str, int]
Resolve = Callable[[str, int], Awaitable[list[Address]]]

_NAT64 = IPv6Network("64:ff9b::/96")


async def look_up(host: str, port: int) -> list[Address]:
    """The addresses of a host, in the order to try them. Raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((str(address[0]).partition("%")[0], int(address[1])) for *_, address in found))


async def allowed(resolve: Resolve, host: str, port: int, private: bool) -> list[Address]:
    """The addresses to connect to; unless ``private``, every one that the host has must be a public one.

    Raises ``Failed``, for good where the host has an address that is not allowed.
    """
    try:
        addresses = await resolve(host, port)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Failed(f"{host} cannot be resolved: {reason}") from None
    if not private:
        for address, _ in addresses:
            if not is_public(address):
                raise Failed(f"{host} has the address {address}, which is not public; it may not be sent to", True)
    return addresses


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet: not private, loopback, link-local, shared or reserved.

    Also not one of IPv6 that stands for such one of IPv4.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        inside = _inside(ip)
        if inside is not None:
            return is_public(str(inside))
    return ip.is_global and not ip.is_multicast


def _inside(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
