"""Lets a server be below a path of a proxy, whether that leaves the path in the requests it passes on or not."""

from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


class BasePath:
    """ASGI middleware: puts the base path back where a proxy took it away."""

    def __init__(self, app: App, root: str) -> None:
        """``root`` has a slash before it and none behind."""
        self._app = app
        self._root = root
        self._below = f"{root}/"

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        path = scope.get("path")
        if path is not None and path != self._root and not path.startswith(self._below):
            raw = scope.get("raw_path") or path.encode()
            scope = {**scope, "path": self._root + path, "raw_path": self._root.encode() + raw}
        await self._app(scope, receive, send)
