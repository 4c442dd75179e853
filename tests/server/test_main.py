"""What the entry of a server process sets up around the server."""

import gc
import socket
from typing import Any

import pytest

from podium.profiles import Settings
from podium.server import main


def test_what_is_loaded_is_kept_from_the_garbage_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first request can come, and again when the services are loaded."""
    frozen: list[int] = []

    class Server:
        def __init__(self, settings: Settings, ready: Any, role: str, figures: Any, loaded: Any) -> None:
            self._told = (ready, loaded)

        def run(self, sockets: list[socket.socket]) -> None:
            for tell in self._told:
                tell()

    monkeypatch.setattr(main, "build", Server)
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(1))
    with socket.socket() as listener:
        main.serve(Settings(), listener, ready=lambda: frozen.append(0))
    assert frozen == [1, 0, 1]
