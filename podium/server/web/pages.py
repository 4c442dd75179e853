"""The page at ``/``: that the server runs, its state, and how to point a client at it."""

from html import escape
from typing import Any

import falcon
import falcon.asgi
from sqlalchemy import func, select

from podium import __version__
from podium.db.tables.flow_runs import flow_runs
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.runtime import Runtime

_COUNTS = (
    select(flow_runs.c.state_type, func.count().label("runs"))
    .where(flow_runs.c.workspace_id == WORKSPACE)
    .group_by(flow_runs.c.state_type)
    .order_by(flow_runs.c.state_type)
)

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Podium</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }}
h1 {{ margin-bottom: 0; }} .version {{ opacity: .7; margin-top: 0; }}
table {{ border-collapse: collapse; }} td {{ padding: .15rem 1.5rem .15rem 0; }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
pre {{ background: #8882; padding: .8rem 1rem; border-radius: .4rem; overflow-x: auto; }}
</style></head><body>
<h1>Podium</h1><p class="version">version {version}</p>
<p>The server runs. The database ({database}) answers.</p>
<h2>Point a client here</h2>
<pre>export PREFECT_API_URL={api_url}</pre>
<p>or keep it in a profile of Podium's own commands:</p>
<pre>podium config set PODIUM_API_URL={api_url}</pre>
<h2>Flow runs</h2>
{runs}
<p>The API is at <a href="{api_path}/health">{api_path}</a>.</p>
</body></html>
"""


def _counts(tx: Tx) -> list[Row]:
    return tx.all(_COUNTS)


def _runs_table(counts: list[Row]) -> str:
    if not counts:
        return "<p>None yet: run a flow.</p>"
    rows = "".join(
        f'<tr><td>{escape((row["state_type"] or "no state").capitalize())}</td><td class="number">{row["runs"]}</td></tr>'
        for row in counts
    )
    return f"<table>{rows}</table>"


class _Home:
    def __init__(self, runtime: Runtime, base_path: str) -> None:
        self._runtime = runtime
        self._base_path = base_path

    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        counts = await self._runtime.database.read(_counts)
        response.content_type = falcon.MEDIA_HTML
        response.text = _PAGE.format(
            version=escape(__version__),
            database="SQLite" if self._runtime.database.dialect == "sqlite" else "PostgreSQL",
            api_url=escape(f"{request.scheme}://{request.netloc}{self._base_path}"),
            api_path=escape(self._base_path),
            runs=_runs_table(counts),
        )


def install(app: falcon.asgi.App[Any, Any], runtime: Runtime, base_path: str) -> None:
    """Adds the pages to the app."""
    if runtime.settings.server.ui.enabled:
        app.add_route("/", _Home(runtime, base_path))
