"""Takes the server's port, or says who might hold it."""

import errno
import re
import socket
from pathlib import Path

BACKLOG = 2048


class PortUnavailable(Exception):
    """The address cannot be listened on; one line with the likely reason and the fix."""


def listen(host: str, port: int) -> socket.socket:
    """A bound, listening socket. ``host`` is a name, an IPv4 or an IPv6 address; port 0 takes any free one."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        reason = f"cannot listen on {host!r}: {error.strerror}"
        raise PortUnavailable(f"{reason}; set --host to an address of this machine") from None
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortUnavailable(_reason(host, port, error)) from None
    return listener


def _reason(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        holder = holder_of(port)
        by = f" by {holder}" if holder else ""
        return f"port {port} of {host} is taken{by}; stop that, or choose another with --port"
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights than this user has; choose one above 1023 with --port"
    return f"cannot listen on {host}:{port}: {error.strerror}; set --host to an address of this machine"


def holder_of(port: int) -> str | None:
    """The process that listens on a port of this machine ("python3 (pid 4711)"), as far as the system tells."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            links = {str(link.readlink()) for link in (process / "fd").iterdir()}
            if links & wanted:
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                return f"{command[:60]!r} (pid {process.name})"
        except OSError:
            continue
    return "another user's process"


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == "0A" and int(re.split(":", columns[1])[1], 16) == port:
                found.add(columns[9])
    return found
