"""A reverse proxy for tests: a request a connection, below a path that it takes away or leaves."""

import re
import socket
import threading
from contextlib import suppress

_REQUEST = re.compile(rb"(\S+) (\S+) HTTP/1\.1\r\n")


class Proxy:
    """Listens on a free port and passes on to another. ``strips``: a path that is taken away from each request."""

    def __init__(self, port: int, strips: str = "") -> None:
        self._target = ("127.0.0.1", port)
        self._strips = strips.encode()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(connection,), daemon=True).start()

    def _pass_on(self, caller: socket.socket) -> None:
        with caller, socket.create_connection(self._target) as server:
            received = b""
            while b"\r\n\r\n" not in received:
                received += caller.recv(65536)
            head, _, body = received.partition(b"\r\n\r\n")
            server.sendall(self._rewritten(head + b"\r\n") + b"\r\n" + body)
            back = threading.Thread(target=_pump, args=(server, caller), daemon=True)
            back.start()
            _pump(caller, server)
            back.join()

    def _rewritten(self, head: bytes) -> bytes:
        line = _REQUEST.match(head)
        assert line is not None
        path = line[2].removeprefix(self._strips) or b"/"
        rest = head[line.end() :]
        if b"upgrade:" not in rest.lower():
            rest = re.sub(rb"(?im)^connection:.*\r\n", b"", rest) + b"Connection: close\r\n"
        return b"%s %s HTTP/1.1\r\n%s" % (line[1], path, rest)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
