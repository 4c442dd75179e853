"""The page at ``/``: that the server runs, its state, and how to point a client at it."""

from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import falcon
from falcon.asgi import App, Request, Response
from sqlalchemy import bindparam, func, select

from podium import __version__
from podium.db.errors import DatabaseError
from podium.db.tables.flow_runs import flow_runs
from podium.db.types import Timestamp
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.queries.services import read_services
from podium.server.runtime import Runtime
from podium.server.web import ui
from podium.wire.podium import Service

LATELY = timedelta(hours=24)

# Nothing of another origin is loaded, and no script runs.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"

_COUNTS = (
    select(flow_runs.c.state_type, func.count().label("runs"))
    .where(
        flow_runs.c.workspace_id == WORKSPACE,
        flow_runs.c.expected_start_time.between(
            bindparam("since", type_=Timestamp()), bindparam("until", type_=Timestamp())
        ),
    )
    .group_by(flow_runs.c.state_type)
    .order_by(func.count().desc())
)

_CREDENTIALS = """<p>It asks for credentials; a client sends them when it has</p>
<pre>export PREFECT_API_AUTH_STRING=&lt;the auth string of this server&gt;</pre>"""


def _state(tx: Tx) -> tuple[list[Service], list[Row], datetime]:
    return read_services(tx), tx.all(_COUNTS, since=tx.now - LATELY, until=tx.now), tx.now


class _Home:
    def __init__(self, runtime: Runtime, base_path: str) -> None:
        self._runtime = runtime
        self._base_path = base_path
        self._page = Template(Path(__file__).with_name("home.html").read_text())
        self._asks_credentials = bool(runtime.settings.server.api.auth_string)

    async def on_get(self, request: Request, response: Response) -> None:
        """Answers 503 when the database is away, with the same page."""
        response.content_type = falcon.MEDIA_HTML
        response.set_headers({"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})
        name = "SQLite" if self._runtime.database.dialect == "sqlite" else "PostgreSQL"
        services, details = '<span class="quiet">not known without the database</span>', ""
        try:
            found, counts, now = await self._runtime.database.read(_state)
        except DatabaseError:
            response.status = falcon.HTTP_503
            database = f'{name} <span class="bad">does not answer</span>'
        else:
            database = f'{name} <span class="good">answers</span>'
            services = _summary(found)
            if not self._asks_credentials:
                details = _runs_table(counts) + _services_table(found, now)
        page = self._page.substitute(
            version=escape(__version__),
            database=database,
            services=services,
            api_url=escape(ui.api_url(self._runtime.settings, request, self._base_path)),
            credentials=_CREDENTIALS if self._asks_credentials else "",
            details=details,
        )
        response.data = page.encode()

    on_head = on_get


def _summary(services: list[Service]) -> str:
    if not services:
        return '<span class="quiet">none run</span>'
    ill = [f"{service.name} is {service.state}" for service in services if service.state in ("late", "failing")]
    if ill:
        return f'<span class="bad">{escape(", ".join(ill))}</span>'
    waiting = sum(service.state == "waiting" for service in services)
    return f'<span class="good">{len(services)} run</span>' + (f", {waiting} for the first time" if waiting else "")


def _runs_table(counts: list[Row]) -> str:
    title = "<h2>Flow runs of the last 24 hours</h2>"
    if not counts:
        return f'{title}<p class="quiet">None.</p>'
    named = [(escape((row["state_type"] or "no state").capitalize()), row["runs"]) for row in counts]
    rows = "".join(f'<tr><td>{name}</td><td class="number">{runs}</td></tr>' for name, runs in named)
    return f'{title}<table><tr><th>State</th><th class="number">Runs</th></tr>{rows}</table>'


def _services_table(services: list[Service], now: datetime) -> str:
    if not services:
        return ""
    rows = "".join(
        f'<tr><td>{escape(service.name)}</td><td class="{"good" if service.state == "running" else "bad"}">'
        f'{service.state}</td><td class="number">{_ago(service.last_finished, now)}</td></tr>'
        for service in services
    )
    head = '<tr><th>Service</th><th>State</th><th class="number">Last round</th></tr>'
    return f"<h2>Services</h2><table>{head}{rows}</table>"


def _ago(moment: datetime | None, now: datetime) -> str:
    return "" if moment is None else f"{max(0, round((now - moment).total_seconds()))} s ago"


def install(app: App[Any, Any], runtime: Runtime, base_path: str) -> None:
    """Adds the pages to the app: the UI that the settings name, else the page of this server itself."""
    settings = runtime.settings
    bundles = ui.find_configured(settings)
    ui.install(app, settings, base_path, bundles)
    if settings.server.ui.enabled and not bundles:
        app.add_route(f"/{settings.server.ui.serve_base.strip('/')}", _Home(runtime, base_path))
