"""Workers that die at a chosen point: each speaks to the server through a proxy of its own, which sees what it asks."""

import os
import re
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PROPOSAL = re.compile(rb'"state":\s*\{"type":\s*"(\w+)",\s*"name":\s*"?(\w+)')
SET_STATE = re.compile(rb"POST /api/flow_runs/[0-9a-f-]{36}/set_state HTTP")
CHUNK = 65536


class Proxy:
    """Passes on connections to a server; ``on_proposal`` sees each state that a client proposes.

    It is called with ``before`` when the proposal came, and with ``after`` when the server has answered it. What the
    client said, or the answer, goes on when it returns true.
    """

    def __init__(self, port: int, on_proposal: Callable[[str, str], bool]) -> None:
        self._server = ("127.0.0.1", port)
        self._on_proposal = on_proposal
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/api"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                asked: list[str] = []
                for work in (self._ask, self._answer):
                    threading.Thread(target=work, args=(client, server, asked), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, asked: list[str]) -> None:
        said = b""
        with suppress(OSError):
            while chunk := client.recv(CHUNK):
                said += chunk
                if SET_STATE.search(said):
                    found = PROPOSAL.search(said)
                    if found is not None:
                        said = b""
                        asked.append(f"{found[1].decode()} {found[2].decode()}")
                        if not self._on_proposal("before", asked[-1]):
                            break
                else:
                    said = said[-200:]
                server.sendall(chunk)
        self._shut(client, server)

    def _answer(self, client: socket.socket, server: socket.socket, asked: list[str]) -> None:
        with suppress(OSError):
            while chunk := server.recv(CHUNK):
                if asked and not self._on_proposal("after", asked.pop()):
                    break
                client.sendall(chunk)
        self._shut(client, server)

    @staticmethod
    def _shut(*sockets: socket.socket) -> None:
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in children for each in family(int(child)))]


def kill(pids: list[int], number: int = signal.SIGKILL) -> None:
    """Sends a signal to processes, the first one first."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
