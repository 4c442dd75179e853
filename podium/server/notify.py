"""Tells systemd that the server is ready, as units of `Type=notify` ask for."""

import contextlib
import os
import socket

VARIABLE = "NOTIFY_SOCKET"


def tell_ready() -> None:
    """Says that requests are answered; nothing where nobody wants to know it."""
    address = os.environ.get(VARIABLE, "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    if address.startswith("@"):
        address = f"\0{address[1:]}"
    # Whoever does not listen has other worries; the server runs all the same.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
        peer.sendto(b"READY=1", address)
