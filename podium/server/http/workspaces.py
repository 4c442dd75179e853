"""Chooses the workspace of a request: ``<api>/workspaces/<handle>/…`` is another one than ``<api>/…``."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from sqlalchemy import bindparam, select

from podium.db.engine import Database
from podium.db.errors import DatabaseError
from podium.db.ids import DEFAULT_WORKSPACE_ID
from podium.db.tables.workspaces import workspaces
from podium.db.unit import Tx

Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

KEY = "podium.workspace_id"
FAILURE = "podium.workspace_failure"
API_PATH = "podium.api_path"

_BY_HANDLE = select(workspaces.c.id).where(workspaces.c.handle == bindparam("handle"))


def workspace_of(scope: Scope) -> str:
    """The id of the workspace a request is for; raises what kept it from being found."""
    if FAILURE in scope:
        raise scope[FAILURE]
    workspace_id: str = scope.get(KEY, DEFAULT_WORKSPACE_ID)
    return workspace_id


def api_path_of(scope: Scope, base_path: str) -> str:
    """The path under which the caller sees the API: that of the workspace, where it is named."""
    path: str = scope.get(API_PATH, base_path)
    return path


def _find(tx: Tx, handle: str) -> str | None:
    workspace_id: str | None = tx.value(_BY_HANDLE, handle=handle)
    return workspace_id


class WorkspacePrefix:
    """ASGI middleware: takes the workspace out of the path; an unknown handle is a path that does not exist."""

    def __init__(self, app: App, base_path: str, database: Database) -> None:
        self._app = app
        self._base_path = base_path
        self._prefix = f"{base_path}/workspaces/"
        self._database = database

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if path.startswith(self._prefix):
            scope = await self._inside(scope, path)
        await self._app(scope, receive, send)

    async def _inside(self, scope: Scope, path: str) -> Scope:
        handle, _, rest = path[len(self._prefix) :].partition("/")
        found: Scope = {}
        try:
            workspace_id = await self._database.read(_find, handle)
        except DatabaseError as error:
            found[FAILURE] = error
        else:
            if workspace_id is None:
                return scope
            found[KEY] = workspace_id
        below = f"{self._base_path}/{rest}"
        found[API_PATH] = f"{self._prefix}{quote(handle)}"
        return {**scope, "path": below, "raw_path": below.encode(), **found}
